"""A server that is away for a while: what still works, what is said about the rest."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.faults import processes
from tests.faults.stack import Answer, Stack, eventually
from tests.faults.traffic import check_database, new_items, routes_of

pytestmark = pytest.mark.slow
type Away = Callable[[Stack], AbstractContextManager[None]]
SOON_SECONDS = 5.0  # with a time-out of 3 s, once


@contextmanager
def killed_valkey(stack: Stack) -> Iterator[None]:
    with stack.unattended():
        assert stack.kill("valkey") == 1
        yield


@contextmanager
def frozen_valkey(stack: Stack) -> Iterator[None]:
    (pid,) = stack.pids("valkey")
    processes.send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send(pid, signal.SIGCONT)


def timed(call: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


@pytest.mark.parametrize(
    ("away", "away_seconds"), [(killed_valkey, 10), (frozen_valkey, 6)]
)
def test_intake_and_decisions_go_on_without_valkey(
    stack: Stack, away: Away, away_seconds: float
) -> None:
    key = stack.keys[0]
    claim = f"/workflows/{stack.workflow}/cases/claim"
    reviewed = new_items(1)
    assert stack.send(reviewed).status == 202
    assert eventually(lambda: len(routes_of(stack, reviewed)) == 1)
    sent = []
    with away(stack):
        deadline = time.monotonic() + away_seconds
        case = stack.call("POST", claim, {}, key=key).body
        body = {"lease_token": case["lease_token"], "label": "fraud"}
        decided = stack.call("POST", f"/cases/{case['id']}/decision", body, key=key)
        assert decided.status == 201
        while time.monotonic() < deadline:
            items = new_items(5)
            answer, seconds = timed(lambda items=items: stack.send(items))
            assert answer.status == 202
            assert seconds < SOON_SECONDS
            sent += items
            time.sleep(0.5)

    assert eventually(lambda: len(routes_of(stack, sent)) == len(sent))
    check_database(stack)


def test_postgres_that_is_away_is_said_and_comes_back(stack: Stack) -> None:
    def ask() -> Answer:
        return stack.call("GET", f"/workflows/{stack.workflow}", key=stack.keys[0])

    assert ask().status == 200
    with stack.unattended():
        assert stack.kill("postgres") > 0
        for answer in (ask(), stack.send(new_items(1))):
            assert answer.status == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Retry-After"] == "1"
            assert answer.body["type"] == "urn:countersign:problem:unavailable"
        ready = stack.call("GET", "/health/ready")
        assert (ready.status, ready.body["parts"]) == (
            503,
            {"database": "down", "valkey": "ok"},
        )
        assert stack.call("GET", "/health/live").status == 200

    assert eventually(lambda: stack.call("GET", "/health/ready").status == 200)
    items = new_items(5)
    assert stack.send(items).status == 202
    assert eventually(lambda: len(routes_of(stack, items)) == 5)
