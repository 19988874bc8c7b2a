"""Senders and reviewers at work through the API, and what must hold afterwards.

They do what any client does: repeat what was not acknowledged, an item with its
external id, a decision with its idempotency key.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from tests.faults.stack import Answer, Json, Stack, eventually

BATCH = 40
N_DECISIONS = 5  # that show that work goes on
PATIENCE_SECONDS = 60.0


@dataclass
class Traffic:
    """What clients sent and what was acknowledged to them."""

    stack: Stack
    stop: threading.Event = field(default_factory=threading.Event)
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    decisions: dict[str, str] = field(default_factory=dict)  # by case
    refused: list[tuple[int, object]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    n_repeats: int = 0

    def send(self, key: str) -> None:
        while not self.stop.is_set():
            batch = new_items(BATCH)
            names = {str(one["external_id"]) for one in batch}
            self.sent |= names
            answer = self._repeat(lambda batch=batch: self.stack.send(batch, key=key))
            if answer.status == 202:
                self.acknowledged |= names
            self.stop.wait(0.1)

    def review(self, key: str) -> None:
        path = f"/workflows/{self.stack.workflow}/cases/claim"
        while not self.stop.is_set():
            case = self._repeat(lambda: self.stack.call("POST", path, {}, key=key))
            if case.status != 200:
                self.stop.wait(0.2)
                continue
            decided = self._repeat(self._decision(case.body, key))
            if decided.status == 201:
                self.decisions[str(case.body["id"])] = str(decided.body["id"])

    def _decision(self, case: Json, key: str) -> Callable[[], Answer]:
        body = {"lease_token": case["lease_token"], "label": "fraud"}
        path, once = f"/cases/{case['id']}/decision", uuid4().hex
        return lambda: self.stack.call(
            "POST", path, body, key=key, idempotency_key=once
        )

    def _repeat(self, call: Callable[[], Answer]) -> Answer:
        """Call until it is answered; count what had to be sent again."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = call()
            if 0 < answer.status < 500:
                if answer.status >= 400:
                    self.refused.append((answer.status, answer.body.get("type")))
                return answer
            assert answer.status in {0, 503}, answer
            assert time.monotonic() < give_up_at, f"still {answer.status}"
            self.n_repeats += 1
            time.sleep(0.2)


@contextmanager
def traffic_on(stack: Stack) -> Iterator[Traffic]:
    """Let two senders and two reviewers work until the end of the block."""
    traffic = Traffic(stack)
    roles = (traffic.send, traffic.send, traffic.review, traffic.review)
    threads = [
        threading.Thread(target=_noting(traffic, role), args=(key,))
        for role, key in zip(roles, stack.keys, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.stop.set()
        for thread in threads:
            thread.join(timeout=PATIENCE_SECONDS + 30)
    assert not any(thread.is_alive() for thread in threads)
    assert traffic.failures == []


def _noting(traffic: Traffic, work: Callable[[str], None]) -> Callable[[str], None]:
    def run(key: str) -> None:
        try:
            work(key)
        except BaseException as error:
            traffic.failures.append(error)
            raise

    return run


def hurt(stack: Stack, victims: Sequence[str], *, seed: int) -> Traffic:
    """Kill each victim at a random moment of the work, and see that it goes on."""
    moments = random.Random(seed)
    with traffic_on(stack) as traffic:
        assert work_goes_on(traffic), "nobody decides"
        for victim in victims:
            time.sleep(moments.uniform(0, 1.5))
            assert stack.kill(victim) > 0, victim
            time.sleep(moments.uniform(0.5, 1.5))
            assert work_goes_on(traffic), f"nobody decides any more after {victim}"
    return traffic


def work_goes_on(traffic: Traffic) -> bool:
    """Wait for some more decisions and for one more batch."""
    n_decisions = len(traffic.decisions) + N_DECISIONS
    n_items = len(traffic.acknowledged)
    return eventually(
        lambda: (
            len(traffic.decisions) >= n_decisions
            and len(traffic.acknowledged) > n_items
        ),
        seconds=PATIENCE_SECONDS,
    )


def new_items(n: int, **features: object) -> list[Json]:
    """Make items that nobody has sent before."""
    known = {"amount": 10.0, "card_present": "yes", "night": False, "customer": "c-1"}
    return [
        {
            "external_id": f"tx-{uuid4().hex}",
            "occurred_at": datetime.now(UTC).isoformat(),
            "features": known | features,
        }
        for _ in range(n)
    ]


def routes_of(stack: Stack, items: Sequence[Json]) -> list[tuple[object, ...]]:
    """Return kind and reason of the routes of items, as the database has them."""
    return stack.rows(
        "SELECT r.kind, r.reason FROM reviewqueue_route r "
        "JOIN predictions_item i ON i.id = r.item_id WHERE i.external_id = ANY(%s)",
        [one["external_id"] for one in items],
    )


# --- what must hold, asked of the database itself -------------------------------------

PENDING = "SELECT count(*) FROM predictions_pendingscore"
WRONG = {
    "items without exactly one route": """
        SELECT count(*) FROM predictions_item i
        WHERE (SELECT count(*) FROM reviewqueue_route r WHERE r.item_id = i.id) <> 1
    """,
    "predictions made twice": """
        SELECT count(*) FROM (SELECT 1 FROM predictions_prediction
                              GROUP BY item_id, model_version_id HAVING count(*) > 1) p
    """,
    "reviewed items without exactly one case": """
        SELECT count(*) FROM reviewqueue_route r
        WHERE r.kind = 'review' AND (SELECT count(*) FROM reviewqueue_case c
                                     WHERE c.item_id = r.item_id) <> 1
    """,
    "cases decided twice": """
        SELECT count(*) FROM (SELECT case_id FROM reviewqueue_decision
                              GROUP BY case_id HAVING count(*) > 1) twice
    """,
    "decided cases without a decision, or the reverse": """
        SELECT count(*) FROM reviewqueue_case c
        WHERE (c.status = 'decided') <> EXISTS (
            SELECT 1 FROM reviewqueue_decision d WHERE d.case_id = c.id)
    """,
    "decisions without exactly one label": """
        SELECT count(*) FROM reviewqueue_decision d
        WHERE (SELECT count(*) FROM reviewqueue_label l WHERE l.decision_id = d.id) <> 1
    """,
    "decisions without exactly one event": """
        SELECT count(*) FROM reviewqueue_decision d
        WHERE (SELECT count(*) FROM reviewqueue_caseevent e
               WHERE e.case_id = d.case_id AND e.kind = 'decided') <> 1
    """,
}
# A claim whose answer was lost holds its lease; a lease may end before the answer.
ALLOWED_REFUSALS = {
    (409, f"urn:countersign:problem:{name}")
    for name in ("too-many-leases", "lease-lost")
}


def check_nothing_lost(traffic: Traffic) -> None:
    """Compare what was acknowledged with what is stored: everything, once."""
    stack = traffic.stack
    assert eventually(lambda: stack.number(PENDING) == 0), "items are stuck"
    stored = Counter(
        str(name) for (name,) in stack.rows("SELECT external_id FROM predictions_item")
    )
    assert traffic.acknowledged - stored.keys() == set()
    assert [name for name, n in stored.items() if n != 1] == []
    assert traffic.acknowledged == traffic.sent
    decisions = {
        str(case): str(decision)
        for case, decision in stack.rows("SELECT case_id, id FROM reviewqueue_decision")
    }
    lost = traffic.decisions.items() - decisions.items()
    assert lost == set()
    check_database(stack)
    assert set(traffic.refused) <= ALLOWED_REFUSALS


def check_database(stack: Stack) -> None:
    """Check that the tables agree with each other."""
    wrong = {what: stack.number(statement) for what, statement in WRONG.items()}
    assert {what: n for what, n in wrong.items() if n} == {}
