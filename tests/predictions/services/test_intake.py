"""Storing: everything sent is an item, a duplicate or in quarantine, once."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import DataError, connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictions.enums import IntakeSource
from predictions.intake.readers import PayloadTooLarge
from predictions.intake.rows import RejectedItem
from predictions.models import Item, PendingScore, QuarantinedItem, Workflow
from predictions.services import intake, item_taking
from predictions.services.copying import FEW_ROWS
from predictions.services.intake import IntakeResult, store_items
from tests.factories.predictions import make_workflow, raw_item, store

pytestmark = pytest.mark.django_db

MANY = item_taking.LOOK_FIRST_UP_TO + 50


@pytest.fixture(autouse=True, params=[FEW_ROWS, 0], ids=["insert", "copy"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few items are stored in another way than many: see that nothing differs."""
    monkeypatch.setattr(item_taking, "FEW_ROWS", request.param)


def counts(result: IntakeResult) -> tuple[int, int, int]:
    return result.accepted, result.duplicates, result.n_quarantined


def test_every_column_is_stored_as_sent(workflow: Workflow, now: datetime) -> None:
    raw = raw_item(7, now=now, extra='a\\b "c"\n\t€ \\u0000')
    raw["external_id"] = 'tx\\7\t"é"'
    raw["occurred_at"] = "1969-12-31T23:59:59.000001+02:00"

    result = store(workflow, [raw], now=now)

    assert counts(result) == (1, 0, 0)
    item = Item.objects.get()
    assert item.external_id == 'tx\\7\t"é"'
    assert item.features == raw["features"]
    assert item.subject == "c-0"
    assert item.warnings == ["unknown_field: extra"]
    assert item.occurred_at == datetime(1969, 12, 31, 21, 59, 59, 1, tzinfo=UTC)
    assert item.received_at == now
    assert len(bytes(item.content_hash)) == 32
    assert (item.source, item.workflow_version) == ("api", 1)
    assert item.id.int >> 80 == int(now.timestamp() * 1000)
    assert PendingScore.objects.get().item_id == item.pk


def test_calendar_ends_can_be_stored(workflow: Workflow, now: datetime) -> None:
    raw = raw_item(1, now=now)
    raw["occurred_at"] = "0001-01-01T00:00:00Z"

    store(workflow, [raw], now=now)

    assert Item.objects.get().occurred_at == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("n", [3, MANY])
def test_sending_again_stores_nothing_and_says_so(
    workflow: Workflow, now: datetime, n: int
) -> None:
    batch = [raw_item(number, now=now) for number in range(n)]
    first = store(workflow, batch, now=now)

    again = store(workflow, [*batch, raw_item(n, now=now)], now=now)

    assert counts(first) == (n, 0, 0)
    assert counts(again) == (1, n, 0)
    assert Item.objects.count() == PendingScore.objects.count() == n + 1


@pytest.mark.parametrize("n", [3, MANY])
def test_other_content_is_refused_and_both_are_named(
    workflow: Workflow, now: datetime, n: int
) -> None:
    store(workflow, [raw_item(number, now=now) for number in range(n)], now=now)
    changed = raw_item(1, now=now, amount=99.0)

    batch = [raw_item(0, now=now), changed]
    batch += [raw_item(number, now=now) for number in range(2, n)]
    result = store(workflow, batch, now=now)

    assert counts(result) == (0, n - 1, 1)
    [refused] = result.quarantined
    assert (refused.index, refused.external_id) == (1, "tx-1")
    [error] = refused.errors
    stored = bytes(Item.objects.get(external_id="tx-1").content_hash).hex()
    assert (error.field, error.rule) == ("external_id", "conflict")
    assert isinstance(error.value, dict)
    assert error.value["stored_sha256"] == stored
    assert error.value["received_sha256"] != stored
    kept = QuarantinedItem.objects.get()
    assert kept.payload["features"]["amount"] == 99.0
    assert Item.objects.get(external_id="tx-1").features["amount"] == 11.0


def test_repeats_within_a_chunk_are_duplicates_or_conflicts(
    workflow: Workflow, now: datetime
) -> None:
    batch = [
        raw_item(1, now=now),
        raw_item(1, now=now),
        raw_item(1, now=now, amount=5.0),
        raw_item(2, now=now),
    ]

    result = store(workflow, batch, now=now)

    assert counts(result) == (2, 1, 1)
    assert result.quarantined[0].index == 2
    assert Item.objects.get(external_id="tx-1").features["amount"] == 11.0


def test_same_id_in_another_workflow_is_another_item(
    workflow: Workflow, now: datetime
) -> None:
    other = make_workflow(now=now, slug="others", name="Others")
    store(workflow, [raw_item(1, now=now)], now=now)

    result = store(other, [raw_item(1, now=now, amount=5.0)], now=now)

    assert counts(result) == (1, 0, 0)


def test_bad_items_are_kept_with_their_place_and_the_rest_goes_on(
    workflow: Workflow, now: datetime
) -> None:
    unread = RejectedItem(0, None, "{oops", [])
    bad = raw_item(2, now=now, amount=-1)

    result = store_items(
        workflow=workflow,
        chunks=[
            [raw_item(0, now=now), unread, raw_item(1, now=now), bad],
            ["text", raw_item(3, now=now)],
        ],
        source=IntakeSource.COMMAND,
        now=now,
        wake=False,
    )

    assert counts(result) == (3, 0, 3)
    assert [one.index for one in result.quarantined] == [1, 3, 4]
    kept = QuarantinedItem.objects.order_by("id")
    assert [one.payload for one in kept] == ["{oops", bad, "text"]
    assert [one.source for one in kept] == ["command"] * 3
    detail = "amount: -1 is below the least allowed, 0 €"
    assert kept[1].errors == [
        {"field": "amount", "rule": "range", "value": -1.0, "detail": detail}
    ]
    assert result.quarantined[1].errors[0].detail == detail


def test_ids_are_told_when_asked_for(workflow: Workflow, now: datetime) -> None:
    store(workflow, [raw_item(1, now=now)], now=now)

    result = store_items(
        workflow=workflow,
        chunks=[[raw_item(2, now=now), raw_item(1, now=now)]],
        source=IntakeSource.API,
        now=now,
        keep_ids=True,
        wake=False,
    )

    stored = dict(Item.objects.values_list("external_id", "id"))
    assert result.item_ids == stored


def test_ids_ascend_in_the_order_of_arrival(workflow: Workflow, now: datetime) -> None:
    batch = [raw_item(number, now=now) for number in (5, 3, 9, 1)]

    store(workflow, batch, now=now)

    names = Item.objects.order_by("id").values_list("external_id", flat=True)
    assert list(names) == ["tx-5", "tx-3", "tx-9", "tx-1"]


def test_only_the_first_thousand_refusals_are_listed(
    workflow: Workflow, now: datetime
) -> None:
    result = store(workflow, [None] * 1200, now=now)

    assert counts(result) == (0, 0, 1200)
    assert len(result.quarantined) == 1000
    assert QuarantinedItem.objects.count() == 1200


def test_chunks_before_a_payload_that_ends_badly_stay(
    workflow: Workflow, now: datetime
) -> None:
    def chunks() -> Any:  # noqa: ANN401 -- a generator that fails
        yield [raw_item(1, now=now), None]
        raise PayloadTooLarge(10)

    with pytest.raises(PayloadTooLarge) as stopped:
        store_items(
            workflow=workflow, chunks=chunks(), source=IntakeSource.API, now=now
        )

    assert Item.objects.count() == 1
    assert str(stopped.value) == (
        "More than the 10 bytes that are allowed. Of the 2 items before, 1 were "
        "stored, 0 were there already and 1 are in quarantine."
    )


def test_chunk_that_fails_in_the_middle_stores_nothing(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(**_: object) -> None:
        msg = "the server went away"
        raise DataError(msg)

    monkeypatch.setattr(intake, "store_refused", failing)

    with pytest.raises(DataError):
        store(workflow, [raw_item(1, now=now), None], now=now)

    assert Item.objects.count() == PendingScore.objects.count() == 0


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63, max_value=2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=[])), inner, max_size=4
        )
    ),
    max_leaves=12,
)
NEAR_ITEMS = st.fixed_dictionaries(
    {
        "external_id": ANY_JSON | st.sampled_from(["a", "b", "\x00", "\ud800"]),
        "occurred_at": st.sampled_from(["2026-03-01", "2026-03-01T10:00:00Z", 7]),
        "features": st.dictionaries(
            st.sampled_from(["amount", "night", "customer", "card_present", "x", "\0"]),
            ANY_JSON,
        )
        | ANY_JSON,
    },
    optional={"media": ANY_JSON},
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.lists(ANY_JSON | NEAR_ITEMS, max_size=8))
def test_anything_can_be_stored_as_item_or_in_quarantine(
    workflow: Workflow, now: datetime, raw: list[object]
) -> None:
    before = Item.objects.count(), QuarantinedItem.objects.count()

    result = store(workflow, raw, now=now)

    assert sum(counts(result)) == len(raw)
    assert Item.objects.count() == before[0] + result.accepted
    assert QuarantinedItem.objects.count() == before[1] + result.n_quarantined
    for one in result.quarantined:
        assert one.errors
        orjson.dumps([error.to_json() for error in one.errors])


def _together(
    workflow: Workflow, batches: Sequence[Sequence[object]], now: datetime
) -> list[IntakeResult]:
    barrier = threading.Barrier(len(batches))
    results: list[IntakeResult] = []

    def send(batch: Sequence[object]) -> None:
        try:
            barrier.wait()
            results.append(store(workflow, batch, now=now))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n", [40, MANY])
def test_eight_senders_of_one_batch_store_it_once(now: datetime, n: int) -> None:
    workflow = make_workflow(now=now)
    batch = [raw_item(number, now=now) for number in range(n)]
    # Half of them send it backwards: they must not wait for each other in a circle.
    batches = [batch, batch[::-1]] * 4

    results = _together(workflow, batches, now)

    assert len(results) == 8
    assert sum(one.accepted for one in results) == n
    assert sum(one.duplicates for one in results) == 7 * n
    assert all(sum(counts(one)) == n for one in results)
    assert Item.objects.count() == PendingScore.objects.count() == n


@pytest.mark.django_db(transaction=True)
def test_senders_of_conflicting_content_store_one_and_keep_the_other(
    now: datetime,
) -> None:
    workflow = make_workflow(now=now)
    batches = [
        [raw_item(number, now=now, amount=float(sender)) for number in range(30)]
        for sender in range(4)
    ]

    results = _together(workflow, batches, now)

    assert sum(one.accepted for one in results) == Item.objects.count() == 30
    assert sum(one.n_quarantined for one in results) == 90
    assert QuarantinedItem.objects.count() == 90


@pytest.mark.django_db(transaction=True)
def test_workers_are_woken_once_per_chunk_after_the_commit(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make_workflow(now=now)
    seen: list[tuple[bool, int]] = []

    def wake(_: object) -> None:
        seen.append((connection.in_atomic_block, Item.objects.count()))

    monkeypatch.setattr(intake, "wake_scoring", wake)

    store_items(
        workflow=workflow,
        chunks=[[raw_item(1, now=now)], [raw_item(2, now=now)]],
        source=IntakeSource.API,
        now=now,
    )

    assert seen == [(False, 1), (False, 2)]


def test_future_is_measured_from_the_moment_passed_in(
    workflow: Workflow, now: datetime
) -> None:
    raw = raw_item(1, now=now)
    raw["occurred_at"] = (now + timedelta(hours=2)).isoformat()

    assert counts(store(workflow, [raw], now=now)) == (0, 0, 1)
    assert counts(store(workflow, [raw], now=now + timedelta(hours=2))) == (1, 0, 0)
