"""Readings: stored once each, and one item for each window, whoever closes it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Site
from predictions.intake.readers import MalformedPayload
from predictions.models import (
    Item,
    ItemWindow,
    Machine,
    PendingScore,
    QuarantinedItem,
    SeriesReading,
    Workflow,
)
from predictions.services import windows
from predictions.services.series import NoSeries, ReadingsStored, store_readings
from predictions.services.windows import close_idle_windows, window_rows
from tests.factories.series import (
    hour_of,
    items_of,
    make_series_workflow,
    reading,
    send,
)
from tests.predictions.services.test_media_races import at_once

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def mills(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


def counts(result: ReadingsStored) -> tuple[int, int, int, int, int]:
    return (
        result.accepted,
        result.duplicates,
        result.n_refused,
        result.late,
        result.items,
    )


def broken(result: ReadingsStored) -> list[tuple[int, str, str, object]]:
    return [
        (one.index, error.field, error.rule, error.value)
        for one in result.refused
        for error in one.errors
    ]


def test_windows_become_items_with_their_columns(
    mills: Workflow, now: datetime
) -> None:
    sent = hour_of(T0, [40, 42, 44, 46, 48])  # 8:00 to 8:20
    result = send(mills, sent, now=now)

    # At 8:20 the window to 8:15 is over, and that to 8:30 is not.
    assert counts(result) == (5, 0, 0, 0, 1)
    (item,) = items_of(mills)
    assert item.external_id == "mill-1@2026-03-01T08:15:00Z"
    assert (item.subject, item.source) == ("mill-1", "readings")
    assert item.occurred_at == T0 + 15 * MINUTES
    assert item.features == {
        "machine": "mill-1",
        "torque_last": 44.0,
        "torque_mean": 42.0,
        "torque_min": 40.0,
        "torque_max": 44.0,
        "torque_spread": pytest.approx((8 / 3) ** 0.5),
        "torque_slope": pytest.approx(24.0),
        "wear_last": 10.0,
        "wear_mean": 5.0,
        "wear_min": 0.0,
        "wear_max": 10.0,
        "wear_spread": pytest.approx((50 / 3) ** 0.5),
        "wear_slope": pytest.approx(60.0),
    }
    assert item.warnings == []
    assert PendingScore.objects.filter(item=item).exists()
    window = ItemWindow.objects.get()
    assert (window.starts_at, window.ends_at) == (T0 - 45 * MINUTES, T0 + 15 * MINUTES)
    assert [values["torque"] for _, _, values in window_rows(window)] == [40, 42, 44]


def test_sent_again_whole_nothing_changes(mills: Workflow, now: datetime) -> None:
    sent = hour_of(T0, [40.0] * 20)
    first = send(mills, sent, now=now)

    again = send(mills, sent, now=now)

    assert counts(first) == (20, 0, 0, 0, 6)
    assert counts(again) == (0, 20, 0, 0, 0)
    assert len(items_of(mills)) == 6


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_order_within_an_open_window_does_not_matter(
    mills: Workflow, now: datetime, order: Sequence[int]
) -> None:
    sent = hour_of(T0, [40, 50, 60, 70])
    for at in order[:-1]:
        send(mills, [sent[at]], now=now)
    send(mills, [sent[order[-1]], reading(T0 + 30 * MINUTES)], now=now)
    # Whatever was late for one window is there once all windows are over.
    send(mills, [reading(T0 + 50 * MINUTES)], now=now)

    last = items_of(mills)[-1]
    assert last.external_id == "mill-1@2026-03-01T08:45:00Z"
    assert (last.features["torque_min"], last.features["torque_max"]) == (40.0, 70.0)


def test_a_late_reading_is_kept_and_changes_no_item(
    mills: Workflow, now: datetime
) -> None:
    send(mills, hour_of(T0, [40, 42, 44, 46, 48]), now=now)
    (before,) = items_of(mills)

    result = send(mills, [reading(T0 + 7 * MINUTES, 149.0)], now=now)
    send(mills, [reading(T0 + 31 * MINUTES)], now=now)

    assert counts(result) == (1, 0, 0, 1, 0)
    assert SeriesReading.objects.get(is_late=True).values == {"torque": 149.0}
    first, second = items_of(mills)
    assert (first.pk, first.features) == (before.pk, before.features)
    shown = [values["torque"] for _, _, values in window_rows(first.window)]
    assert shown == [40, 42, 44]
    assert second.features["torque_max"] == 149.0  # its window was open


def test_other_values_of_the_same_moment_are_refused(
    mills: Workflow, now: datetime
) -> None:
    send(mills, [reading(T0, 40.0)], now=now)

    result = send(mills, [reading(T0, 40.0), reading(T0, 41.0)], now=now)

    assert counts(result) == (0, 1, 1, 0, 0)
    assert broken(result) == [(1, "torque", "conflict", 41.0)]
    assert "stored already" in result.refused[0].errors[0].detail


def test_each_broken_rule_is_named(mills: Workflow, now: datetime) -> None:
    at = T0.isoformat()
    future = (now + timedelta(days=1)).isoformat()
    sent = [
        {"machine": "m", "at": at, "values": {"torque": 151}},
        {"machine": "m", "at": at, "values": {"torque": "12"}},
        {"machine": "m", "at": at, "values": {}},
        {"machine": "m", "values": {"torque": 1}},
        {"at": at, "values": {"torque": 1}},
        {"machine": "m", "at": future, "values": {"torque": 1}},
        {"machine": "m" * 101, "at": at, "values": {"torque": 1}},
        {"machine": "m", "at": at, "values": {"grade": "X"}},
        {"machine": "m", "at": at},
        "torque",
        {"machine": "m", "at": at, "values": {"speed": 1}},
        {"machine": "m", "at": at, "site": "nowhere", "values": {"torque": 1}},
    ]

    result = send(mills, sent, now=now)

    assert [(at, name, rule) for at, name, rule, _ in broken(result)] == [
        (0, "torque", "range"),
        (1, "torque", "type"),
        (2, "values", "missing"),
        (3, "at", "missing"),
        (4, "machine", "missing"),
        (5, "at", "future"),
        (6, "machine", "length"),
        (7, "grade", "value"),
        (8, "values", "missing"),
        (9, "reading", "type"),
        (10, "values", "missing"),
        (11, "site", "unknown_site"),
    ]
    assert all(error.detail for one in result.refused for error in one.errors)
    assert result.ignored == ["speed"]
    assert counts(result) == (0, 0, 12, 0, 0)
    assert not SeriesReading.objects.exists()
    assert not QuarantinedItem.objects.exists()


def test_an_item_has_the_newest_of_the_other_features(
    mills: Workflow, now: datetime
) -> None:
    sent = [
        reading(T0, grade="L"),
        reading(T0 + 5 * MINUTES, grade="H"),
        reading(T0 + 6 * MINUTES),
        reading(T0 + 16 * MINUTES),
    ]

    send(mills, sent, now=now)

    assert items_of(mills)[0].features["grade"] == "H"


def test_too_few_readings_and_silence_make_no_item(
    mills: Workflow, now: datetime
) -> None:
    send(mills, [reading(T0), reading(T0 + 40 * MINUTES)], now=now)
    assert items_of(mills) == []  # one reading to 8:15, nothing new to 8:30

    send(mills, [reading(T0 + 200 * MINUTES)], now=now)

    (item,) = items_of(mills)
    assert item.external_id == "mill-1@2026-03-01T08:45:00Z"


def test_after_a_long_silence_a_window_begins_anew(now: datetime, db: None) -> None:
    workflow = make_series_workflow(now=now)
    series = workflow.declaration.series
    assert series is not None
    rows = [
        (i, T0 + minutes * MINUTES, {"torque": float(minutes)})
        for i, minutes in enumerate((0, 5, 30, 35))
    ]
    anew = series.model_copy(update={"gap_minutes": 20.0})

    (whole,) = windows.windows_of(rows, series, [T0 + 45 * MINUTES])
    (cut,) = windows.windows_of(rows, anew, [T0 + 45 * MINUTES])

    assert [at for at, _, _ in whole[1]] == [0, 1, 2, 3]
    assert [at for at, _, _ in cut[1]] == [2, 3]


def test_the_sweep_closes_what_a_silent_machine_left_open(
    mills: Workflow, now: datetime
) -> None:
    send(mills, hour_of(T0, [40, 42]), now=now)

    just_now = close_idle_windows(now=now + 4 * MINUTES)
    later = close_idle_windows(now=now + 5 * MINUTES)
    again = close_idle_windows(now=now + 6 * MINUTES)

    assert (just_now, later, again) == (0, 1, 0)
    assert items_of(mills)[0].external_id == "mill-1@2026-03-01T08:15:00Z"


def test_a_crash_before_the_commit_leaves_nothing(
    mills: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*args: object, **kwargs: object) -> None:
        raise IntegrityError

    sent = hour_of(T0, [40] * 5)
    with monkeypatch.context() as patch:
        patch.setattr(windows, "_note_windows", broken_off)
        with pytest.raises(IntegrityError), transaction.atomic():
            send(mills, sent, now=now)
    assert not SeriesReading.objects.exists()
    assert not Item.objects.filter(workflow=mills).exists()

    assert counts(send(mills, sent, now=now)) == (5, 0, 0, 0, 1)


def test_a_machine_belongs_to_the_site_that_it_named_first(
    mills: Workflow, now: datetime
) -> None:
    north = Site.objects.create(
        scope_id=mills.pk, key="north", name="North", created_at=now
    )
    south = Site.objects.create(
        scope_id=mills.pk, key="south", name="South", created_at=now
    )
    sent = [{**one, "site": "north"} for one in hour_of(T0, [40] * 5)]

    send(mills, sent, now=now, sites=frozenset({north.pk}))
    other = [{**reading(T0 + 25 * MINUTES), "site": "south"}]
    result = send(mills, other, now=now, sites=frozenset({south.pk}))
    bare = send(
        mills, [reading(T0 + 30 * MINUTES)], now=now, sites=frozenset({south.pk})
    )

    assert items_of(mills)[0].site == north
    assert broken(result) == [(0, "site", "other_site", None)]
    assert broken(bare) == [(0, "site", "missing", None)]


def test_without_a_series_no_readings_are_taken(
    workflow: Workflow, now: datetime
) -> None:
    with pytest.raises(NoSeries):
        send(workflow, [reading(T0)], now=now)


def test_what_was_stored_before_a_broken_body_is_said(
    mills: Workflow, now: datetime
) -> None:
    def chunks() -> object:
        yield [reading(T0)]
        raise MalformedPayload("json: cut off", 12)

    with pytest.raises(MalformedPayload) as caught:
        store_readings(workflow=mills, chunks=chunks(), now=now)  # type: ignore[arg-type]

    assert "Of the 1 readings before, 1 were stored" in caught.value.stored


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_machine_make_each_window_once(now: datetime) -> None:
    workflow = make_series_workflow(now=now)
    sent = hour_of(T0, [40.0 + i for i in range(48)])  # four hours
    n = 4

    def work(number: int) -> int:
        # All of them send everything, in parts that begin elsewhere for each.
        made = send(workflow, sent[: number + 1], now=now).items
        for begin in range(number + 1, len(sent), 4):
            made += send(workflow, sent[begin : begin + 4], now=now).items
        return made

    made = at_once(work, n)

    assert SeriesReading.objects.count() == 48
    assert Machine.objects.count() == 1
    items = items_of(workflow)
    ends = [item.window.ends_at for item in items]
    assert ends == [T0 + minutes * MINUTES for minutes in range(15, 226, 15)]
    assert sum(made) == len(items) == 15
    # An hour of readings, five minutes apart, whoever sent which.
    assert [item.features["torque_last"] for item in items] == [
        40.0 + 3 * i - 1 for i in range(1, 16)
    ]


@pytest.mark.django_db(transaction=True)
def test_senders_and_sweeps_at_once_make_each_window_once(now: datetime) -> None:
    workflow = make_series_workflow(now=now)
    send(workflow, hour_of(T0, [40, 41]), now=now - 10 * MINUTES)
    meet = Barrier(2)

    def work(number: int) -> int:
        meet.wait(timeout=30)
        if number:
            return close_idle_windows(now=now)
        return send(workflow, [reading(T0 + 16 * MINUTES)], now=now).items

    made = at_once(work, 2)
    connection.close()

    assert sum(made) == 1 == len(items_of(workflow))
