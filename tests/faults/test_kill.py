"""`kill -9` in mid-flow: what was acknowledged is there, once, and all is routed.

Senders and reviewers work through the API while a part is killed. They do what any
client does: repeat what was not acknowledged, an item with its external id, a decision
with its idempotency key.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.factories.predictions import raw_item
from tests.faults.stack import Stack, eventually, running_stack

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]
BATCH = 40
N_DECISIONS = 5  # before the kill, and again after it
AFTERMATH_SECONDS = 3.0
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("faults") / "data") as running:
        yield running


@dataclass
class Traffic:
    """What clients sent and what was acknowledged to them."""

    stack: Stack
    stop: threading.Event = field(default_factory=threading.Event)
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    decisions: dict[str, str] = field(default_factory=dict)  # by case
    refused: list[tuple[int, str]] = field(default_factory=list)
    n_repeats: int = 0

    def repeat(self, method: str, path: str, body: object, **options: str) -> object:
        """Send until it is answered; count what had to be sent again."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, answer = self.stack.call(method, path, body, **options)  # type: ignore[arg-type]
            if 200 <= status < 300:
                return answer
            if 400 <= status < 500:
                self.refused.append((status, path))
                return None
            assert time.monotonic() < give_up_at, f"{path}: still {status}"
            self.n_repeats += 1
            time.sleep(0.2)

    def send(self, number: int) -> None:
        path = f"/workflows/{self.stack.workflow}/items"
        key = self.stack.keys[number]
        while not self.stop.is_set():
            moment = datetime.now(UTC)
            batch = [raw_item(0, now=moment) for _ in range(BATCH)]
            for one in batch:
                one["external_id"] = f"tx-{uuid4().hex}"
            names = {str(one["external_id"]) for one in batch}
            self.sent |= names
            if self.repeat("POST", path, batch, key=key) is not None:
                self.acknowledged |= names
            time.sleep(0.1)

    def review(self, number: int) -> None:
        key = self.stack.keys[number]
        while not self.stop.is_set():
            path = f"/workflows/{self.stack.workflow}/cases/claim"
            case = self.repeat("POST", path, {}, key=key)
            if not isinstance(case, dict) or "lease_token" not in case:
                time.sleep(0.1)
                continue
            decision = self.repeat(
                "POST",
                f"/cases/{case['id']}/decision",
                {"lease_token": case["lease_token"], "label": "fraud"},
                key=key,
                idempotency_key=uuid4().hex,
            )
            if isinstance(decision, dict):
                self.decisions[case["id"]] = decision["id"]


def run_traffic(stack: Stack, victim: str) -> Traffic:
    """Two senders and two reviewers; kill the victim while all of them work."""
    traffic = Traffic(stack)
    threads = [threading.Thread(target=traffic.send, args=(i,)) for i in (0, 1)]
    threads += [threading.Thread(target=traffic.review, args=(i,)) for i in (2, 3)]
    for thread in threads:
        thread.start()
    try:
        assert work_goes_on(traffic)
        assert stack.kill(victim) > 0
        time.sleep(AFTERMATH_SECONDS)
        assert work_goes_on(traffic), "nobody decides any more"
    finally:
        traffic.stop.set()
        for thread in threads:
            thread.join(timeout=PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    return traffic


def work_goes_on(traffic: Traffic) -> bool:
    """Wait for some more decisions."""
    wanted = len(traffic.decisions) + N_DECISIONS
    return eventually(
        lambda: len(traffic.decisions) >= wanted, seconds=PATIENCE_SECONDS
    )


PENDING = "SELECT count(*) FROM predictions_pendingscore"
UNROUTED = """
SELECT count(*) FROM predictions_item i
LEFT JOIN reviewqueue_route r ON r.item_id = i.id WHERE r.item_id IS NULL
"""
CASELESS = """
SELECT count(*) FROM reviewqueue_route r
WHERE r.kind = 'review' AND (SELECT count(*) FROM reviewqueue_case c
                             WHERE c.item_id = r.item_id) <> 1
"""
DECIDED_TWICE = """
SELECT count(*) FROM (SELECT case_id FROM reviewqueue_decision
                      GROUP BY case_id HAVING count(*) > 1) twice
"""
LABELLESS = """
SELECT count(*) FROM reviewqueue_decision d
WHERE (SELECT count(*) FROM reviewqueue_label l WHERE l.decision_id = d.id) <> 1
"""


@pytest.mark.parametrize("victim", ["worker", "web", "valkey", "postgres"])
def test_kill_loses_nothing_and_doubles_nothing(stack: Stack, victim: str) -> None:
    traffic = run_traffic(stack, victim)

    assert eventually(lambda: stack.number(PENDING) == 0, seconds=PATIENCE_SECONDS)
    stored = [
        name for (name,) in stack.rows("SELECT external_id FROM predictions_item")
    ]
    assert len(stored) == len(set(stored))
    assert traffic.acknowledged == traffic.sent
    assert traffic.acknowledged <= set(stored)
    assert stack.number(UNROUTED) == 0
    assert stack.number(CASELESS) == 0
    decisions = {
        str(case): str(decision)
        for case, decision in stack.rows("SELECT case_id, id FROM reviewqueue_decision")
    }
    assert traffic.decisions.items() <= decisions.items()
    assert stack.number(DECIDED_TWICE) == 0
    assert stack.number(LABELLESS) == 0
    assert [one for one in traffic.refused if one[0] != 409] == []
