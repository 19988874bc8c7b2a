"""Ends at the moments that hurt most: between a commit and its answer, in the middle
of a scoring transaction. The database holds the moment still.
"""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.faults import processes
from tests.faults.stack import Answer, Json, Stack, eventually
from tests.faults.traffic import PENDING, check_database, new_items, routes_of

pytestmark = pytest.mark.slow
type Call = Callable[[], Answer]


@pytest.fixture
def client() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def see_a_worker_work(stack: Stack) -> None:
    items = new_items(1)
    assert stack.send(items).status == 202
    assert eventually(lambda: len(routes_of(stack, items)) == 1)


def held_case(stack: Stack) -> Json:
    """Send an item and lease a case."""
    see_a_worker_work(stack)
    claim = f"/workflows/{stack.workflow}/cases/claim"
    answer = stack.call("POST", claim, {}, key=stack.keys[0])
    assert answer.status == 200
    return answer.body


def decision(stack: Stack, case: Json) -> Call:
    """Return a call that decides a case, again and again with the same key."""
    path, once = f"/cases/{case['id']}/decision", uuid4().hex
    body = {"lease_token": case["lease_token"], "label": "fraud"}
    return lambda: stack.call(
        "POST", path, body, key=stack.keys[0], idempotency_key=once
    )


def decisions_on(stack: Stack, case: Json) -> list[str]:
    found = stack.rows(
        "SELECT id FROM reviewqueue_decision WHERE case_id = %s", case["id"]
    )
    return [str(one) for (one,) in found]


def kill_web_before_it_answers(stack: Stack, answer: Future[Answer]) -> None:
    assert eventually(lambda: stack.n_held() == 1)
    assert stack.kill("web") > 0
    assert answer.result().status == 0


def answered(call: Call) -> Answer:
    """Repeat a call until the web server is there again."""
    answers: list[Answer] = []

    def is_answered() -> bool:
        answers.append(call())
        return answers[-1].status > 0

    assert eventually(is_answered)
    return answers[-1]


def test_decision_stored_but_not_answered_is_answered_when_repeated(
    stack: Stack, client: ThreadPoolExecutor
) -> None:
    case = held_case(stack)
    decide = decision(stack, case)
    with stack.held("reviewqueue_decision", at_commit=True) as go_on:
        kill_web_before_it_answers(stack, client.submit(decide))
        assert decisions_on(stack, case) == []
        go_on()
        assert eventually(lambda: len(decisions_on(stack, case)) == 1)

    first, second = answered(decide), decide()

    assert (first.status, second.status) == (201, 201)
    assert decisions_on(stack, case) == [first.body["id"]]
    assert second.body == first.body
    refused = decision(stack, case)()
    assert refused.status == 409
    assert str(refused.body["type"]).endswith(":already-decided")


def test_decision_whose_transaction_ends_is_refused_and_then_taken(
    stack: Stack, client: ThreadPoolExecutor
) -> None:
    case = held_case(stack)
    decide = decision(stack, case)
    with stack.held("reviewqueue_decision", at_commit=True):
        answer = client.submit(decide)
        assert eventually(lambda: stack.n_held() == 1)
        stack.end_held()

        assert answer.result().status == 503
        assert decisions_on(stack, case) == []

    again = decide()

    assert again.status == 201
    assert decisions_on(stack, case) == [again.body["id"]]


def test_acknowledged_survives_postgres_killed_at_once(stack: Stack) -> None:
    case = held_case(stack)
    items, victims = new_items(3), stack.pids("postgres")
    sent = stack.send(items)
    decided = decision(stack, case)()
    for pid in victims:
        processes.send(pid, signal.SIGKILL)

    assert (sent.status, decided.status) == (202, 201)
    assert eventually(lambda: stack.number("SELECT 1") == 1)
    assert decisions_on(stack, case) == [decided.body["id"]]
    assert eventually(lambda: len(routes_of(stack, items)) == 3)


def test_items_stored_but_not_answered_are_duplicates_when_repeated(
    stack: Stack, client: ThreadPoolExecutor
) -> None:
    items = new_items(3)
    with stack.held("predictions_item", at_commit=True) as go_on:
        kill_web_before_it_answers(stack, client.submit(stack.send, items))
        go_on()

    again = answered(lambda: stack.send(items))

    assert again.status == 202
    assert (again.body["accepted"], again.body["duplicates"]) == (0, 3)
    assert eventually(lambda: len(routes_of(stack, items)) == 3)


def test_items_scored_in_a_request_that_is_killed_are_not_there_by_half(
    stack: Stack, client: ThreadPoolExecutor
) -> None:
    items = new_items(2)
    path = f"/workflows/{stack.workflow}/items?wait=score"

    def send() -> Answer:
        return stack.call("POST", path, items, key=stack.keys[0])

    with stack.held("reviewqueue_route", at_commit=False):
        kill_web_before_it_answers(stack, client.submit(send))
    again = answered(send)

    assert again.status == 200
    results = again.body["results"]
    assert isinstance(results, list)
    assert [one["status"] for one in results] == ["accepted", "accepted"]
    assert len(routes_of(stack, items)) == 2
    check_database(stack)


def test_worker_killed_while_it_scores_leaves_the_items_waiting(stack: Stack) -> None:
    items = new_items(20)
    with stack.held("reviewqueue_route", at_commit=False):
        assert stack.send(items).status == 202
        assert eventually(lambda: stack.n_held() == 1)
        assert stack.kill("worker") > 0
        time.sleep(0.5)
        assert stack.number(PENDING) == 20
        assert routes_of(stack, items) == []

    assert eventually(lambda: len(routes_of(stack, items)) == 20)
    assert eventually(lambda: stack.number(PENDING) == 0)
    check_database(stack)


def test_worker_told_to_stop_finishes_its_batch(stack: Stack) -> None:
    see_a_worker_work(stack)
    items = new_items(20)
    # Nobody starts another worker: what is routed was routed by this one.
    with stack.held("reviewqueue_route", at_commit=False) as go_on, stack.unattended():
        assert stack.send(items).status == 202
        assert eventually(lambda: stack.n_held() == 1)
        main, *others = stack.pids("worker")
        processes.send(main, signal.SIGTERM)
        time.sleep(1)
        assert processes.is_alive(main)
        assert stack.n_held() == 1
        go_on()

        assert eventually(lambda: len(routes_of(stack, items)) == 20, seconds=10)
        assert eventually(
            lambda: not any(map(processes.is_alive, [main, *others])), seconds=20
        )

    assert eventually(lambda: main not in stack.pids("worker") != [])
