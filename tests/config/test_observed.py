"""What the whole product tells of itself: its logs, and its traces where asked for.

One item is followed from the request that sends it to the decision about it; others
break on the way. Each holds a value that is found nowhere else.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.collector import Collector, Sent, collecting
from tests.faults.stack import Json, Stack, eventually, running_stack
from tests.predictions.learning import hanging

pytestmark = pytest.mark.slow
AMOUNT = 48151.62342
CANARY = "canary-of-a-customer"
SECRET = "canary-of-a-query"
FAIL_LOUDLY = """
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'of %', (SELECT features FROM predictions_item
        WHERE id = NEW.{key}) USING DETAIL = 'in full', ERRCODE = 'P0001';
END $$;
CREATE TRIGGER loud AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION loud()
"""


@dataclass
class Walk:
    """What was followed, and what was said of it."""

    stack: Stack
    collector: Collector
    item_id: str
    case_id: str

    def lines(self, process: str) -> list[dict[str, Any]]:
        text = self.text(process)
        return [json.loads(one) for one in text.splitlines() if one.startswith("{")]

    def text(self, process: str) -> str:
        return (self.stack.data / "logs" / f"{process}.log").read_text()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with pytest.MonkeyPatch.context() as patch, collecting() as collector:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20of-ours")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        patch.setenv("LOG_JSON", "1")
        with running_stack(tmp_path_factory.mktemp("observed") / "data") as stack:
            item_id, case_id = follow(stack)
            break_things(stack)
            yield Walk(stack, collector, item_id, case_id)


def payment(name: str, amount: float = AMOUNT) -> Json:
    values = {"amount": amount, "card_present": "yes", "customer": CANARY}
    moment = datetime.now(UTC).isoformat()
    return {"external_id": name, "features": values, "occurred_at": moment}


def follow(stack: Stack) -> tuple[str, str]:
    """Send an item, have it scored, claim its case and decide it."""
    key, slug = stack.keys[0], stack.workflow
    assert stack.send([payment("followed")]).status == 202
    claim = f"/workflows/{slug}/cases/claim"
    case: Json = {}

    def is_claimed() -> bool:
        case.update(stack.call("POST", claim, {}, key=key).body)
        return "id" in case

    assert eventually(is_claimed)
    decision = {"lease_token": case["lease_token"], "label": "fraud"}
    path = f"/cases/{case['id']}/decision"
    answer = stack.call("POST", path, decision, key=key, idempotency_key="once")
    assert answer.status == 201
    listed = stack.call("GET", f"/workflows/{slug}/items?q={SECRET}", key=key)
    assert listed.status in {200, 422}
    [(item_id,)] = stack.rows(
        "SELECT item_id FROM reviewqueue_case WHERE id = %s", case["id"]
    )
    return str(item_id), str(case["id"])


def break_things(stack: Stack) -> None:
    """Have a value refused, a model raise, a request fail and a task fail."""
    stack.send([payment("refused") | {"features": {"amount": CANARY}}])
    raising = payment("raising", hanging.RAISE)
    stack.send([raising], slug="raises", key=stack.broken["raises"])
    log = stack.data / "logs" / "worker.log"
    with failing(stack, "reviewqueue_route", "item_id"):
        assert stack.send([payment("fails-in-the-worker")]).status == 202
        assert eventually(lambda: "task_failed" in log.read_text())
    with failing(stack, "predictions_item", "id"):
        assert stack.send([payment("fails-at-once")]).status == 500


@contextmanager
def failing(stack: Stack, table: str, key: str) -> Iterator[None]:
    """Let each row of a table be refused, with the features of its item."""
    with stack.connect() as connection:
        connection.execute(FAIL_LOUDLY.format(table=table, key=key).encode())
        yield
        connection.execute(b"DROP FUNCTION loud CASCADE")


def said(walk: Walk, process: str, event: str) -> list[dict[str, Any]]:
    return [one for one in walk.lines(process) if one["event"] == event]


def test_ids_of_an_item_are_found_on_its_whole_way(walk: Walk) -> None:
    [stored] = [
        one
        for one in said(walk, "web", "items_stored")
        if walk.item_id in one["item_ids"]
    ]
    routed = [
        one
        for one in said(walk, "worker", "items_routed")
        if walk.item_id in one["item_ids"]
    ]
    [claimed] = said(walk, "web", "case_claimed")
    [decided] = said(walk, "web", "case_decided")

    assert stored["workflow"] == routed[0]["workflow"] == walk.stack.workflow
    assert [walk.item_id] in [
        one["item_ids"]
        for one in said(walk, "worker", "cases_opened")
        if walk.case_id in one["case_ids"]
    ]
    assert claimed["case_id"] == decided["case_id"] == walk.case_id
    assert claimed["item_id"] == decided["item_id"] == walk.item_id
    assert stored["request_id"]
    assert stored["user_id"]
    assert {one["user_id"] for one in (stored, claimed, decided)} == {stored["user_id"]}


def test_a_request_is_told_by_its_page_and_ids(walk: Walk) -> None:
    lines = said(walk, "web", "request_finished")
    [decision] = [one for one in lines if "decision" in one["request"]]

    assert decision["request"] == "POST api/v1/cases/<uuid:pk>/decision"
    assert decision["case_id"] == walk.case_id
    assert decision["code"] == 201
    assert decision["trace_id"]
    assert not {"ip", "user_agent"} & {name for one in lines for name in one}


def test_what_a_request_asked_of_a_worker_is_told_with_its_ids(walk: Walk) -> None:
    [stored] = [
        one
        for one in said(walk, "web", "items_stored")
        if walk.item_id in one["item_ids"]
    ]
    asked = {one.get("request_id") for one in said(walk, "worker", "task_started")}

    assert stored["request_id"] in asked
    assert all(one["workflow_id"] for one in said(walk, "worker", "items_routed"))


def test_failures_are_told_by_kind_and_place(walk: Walk) -> None:
    [request] = said(walk, "web", "request_failed")
    task = said(walk, "worker", "task_failed")[0]

    for line in (request, task):
        assert "RaiseException P0001" in line["exception"]
        assert "services/" in line["exception"]
    assert task["error"] == "ProgrammingError P0001"


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
@pytest.mark.parametrize("value", [str(AMOUNT), CANARY, SECRET, "Bearer", "in full"])
def test_no_value_is_in_any_line(walk: Walk, process: str, value: str) -> None:
    assert value not in walk.text(process)


def test_the_database_logs_no_details_of_a_row(walk: Walk) -> None:
    text = (walk.stack.data / "servers" / "postgres.log").read_text()

    assert "ERROR" in text
    assert "in full" not in text


def root_of(walk: Walk) -> Sent:
    """Return the span of the request that sent the item."""
    [span] = [
        one
        for one in walk.collector.named("POST api/v1/workflows/<slug:slug>/items")
        if one.attributes["countersign.request_id"] == _request_of(walk)
    ]
    return span


def _request_of(walk: Walk) -> str:
    [stored] = [
        one
        for one in said(walk, "web", "items_stored")
        if walk.item_id in one["item_ids"]
    ]
    return str(stored["request_id"])


def test_a_trace_leads_from_the_request_to_the_worker_and_the_database(
    walk: Walk,
) -> None:
    root = root_of(walk)

    def spans() -> list[Sent]:
        return [one for one in walk.collector.spans if one.trace == root.trace]

    assert eventually(
        lambda: "run/reviewqueue.score_waiting" in {one.name for one in spans()}
    )
    by_id = {one.id: one for one in spans()}
    [task] = [one for one in spans() if one.name == "run/reviewqueue.score_waiting"]
    [asked] = [
        one for one in spans() if one.name == "apply_async/reviewqueue.score_waiting"
    ]
    statements = [one for one in spans() if one.parent == task.id]

    assert root.service == asked.service == "countersign-web"
    assert task.service == "countersign-worker"
    assert task.parent == asked.id
    assert by_id[asked.parent].trace == root.trace
    assert {"SELECT"} <= {one.name for one in statements}
    assert {one.attributes.get("db.system") for one in statements} >= {"postgresql"}
    assert [
        one
        for one in spans()
        if one.parent == root.id and "db.system" in one.attributes
    ]


def test_scoring_is_a_step_of_its_own(walk: Walk) -> None:
    steps = walk.collector.named("score")

    assert steps
    assert {one.service for one in steps} == {"countersign-worker"}
    assert all(one.attributes["countersign.n_items"] for one in steps)


def test_no_value_is_in_any_span(walk: Walk) -> None:
    assert eventually(lambda: any(one.is_failed for one in walk.collector.spans))
    whole = b"".join(walk.collector.bodies)

    for value in (str(AMOUNT), CANARY, SECRET, "in full", "127.0.0.1", "Python-urllib"):
        assert value.encode() not in whole
    kinds = {
        kind
        for span in walk.collector.spans
        for _, facts in span.events
        for kind in facts.values()
    }
    assert "psycopg.errors.RaiseException" in kinds


def test_the_collector_is_told_who_sends(walk: Walk) -> None:
    assert {one["authorization"] for one in walk.collector.headers} == {
        "Bearer of-ours"
    }


def test_health_and_metrics_are_not_traced(walk: Walk) -> None:
    assert not [one for one in walk.collector.spans if "health" in one.name]
