"""Autonomy goes when what comes in is no longer what the evidence was gathered on."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import MoveCause, NoticeKind
from reviewqueue.models import Notice, Segment, TrustMove
from reviewqueue.queries.drift import sent_in
from reviewqueue.services.drift import watch_drift
from reviewqueue.services.pipeline import process_batch
from reviewqueue.tasks_trust import watch_workflow_drift
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.trust_steps import cut, plan, route

HOUR = timedelta(hours=1)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


@pytest.fixture
def granted(workflow: Workflow, segment: Segment, now: datetime) -> datetime:
    """The moment of the segment's first step, after four days of items."""
    for day in range(4):
        moment = now + timedelta(days=day)
        route(workflow, 50, start=300 + 50 * day, now=moment)
    moved_at = now + timedelta(days=4)
    Segment.objects.filter(pk=segment.pk).update(
        level=1, review_probability=0.5, evidence_since=now, moved_at=moved_at
    )
    segment.refresh_from_db()
    return moved_at


def route_moved(workflow: Workflow, n: int, *, now: datetime, start: int) -> None:
    """Route items that look legitimate still, and none of them as sure as some were."""
    rows = [raw_item(start + at, now=now, amount=10.0) for at in range(n)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def test_scores_that_moved_withdraw_autonomy_when_the_day_is_over(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    route_moved(workflow, 160, start=7000, now=granted + HOUR)
    assert watch_drift(workflow=workflow, now=granted + 23 * HOUR) == []

    (move,) = watch_drift(workflow=workflow, now=granted + 24 * HOUR)

    assert (move.segment, move.kind, move.cause) == (
        segment,
        "withdraw",
        MoveCause.DRIFT,
    )
    assert move.reason.startswith("Probability: ")
    assert move.reason.endswith(" of the values are elsewhere than before.")
    segment.refresh_from_db()
    assert (segment.level, segment.review_probability) == (0, 1)
    assert Notice.objects.filter(kind=NoticeKind.WITHDRAWN).count() == 1
    assert watch_drift(workflow=workflow, now=granted + 25 * HOUR) == []


def test_more_of_the_same_changes_nothing(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    route(workflow, 300, start=7000, now=granted + HOUR)

    assert watch_drift(workflow=workflow, now=granted + 24 * HOUR) == []

    segment.refresh_from_db()
    assert segment.level == 1


def test_what_repeats_every_day_is_no_drift(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    """Nights of sure items, days of others: in order, each half has moved."""
    for day in range(4):
        moment = granted + day * 24 * HOUR
        rows = [raw_item(7000 + 60 * day + at, now=moment) for at in range(60)]
        for at, row in enumerate(rows):
            row["features"]["amount"] = 10.0 + at % 50
        store(workflow, rows[:30], now=moment)
        process_batch(workflow=workflow, limit=30, now=moment + HOUR)
        store(workflow, rows[30:], now=moment)
        process_batch(workflow=workflow, limit=30, now=moment + 12 * HOUR)

    assert watch_drift(workflow=workflow, now=granted + 96 * HOUR) == []


def test_plan_may_say_that_no_drift_withdraws(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    plan(workflow, now=granted, drift_distance=1.0)
    route_moved(workflow, 160, start=7000, now=granted + HOUR)

    assert watch_drift(workflow=workflow, now=granted + 24 * HOUR) == []


def test_what_people_see_all_of_is_not_watched(
    workflow: Workflow, segment: Segment, now: datetime
) -> None:
    route(workflow, 100, start=5000, now=now)
    route_moved(workflow, 100, start=7000, now=now + HOUR)

    assert watch_drift(workflow=workflow, now=now + 48 * HOUR) == []
    assert not TrustMove.objects.exists()


def test_rows_are_what_the_model_read_and_said(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    route(workflow, 60, start=8000, now=granted + HOUR)

    sent = sent_in(segment, window=24 * HOUR, now=granted + 24 * HOUR)

    assert set(sent.inputs) == {one["name"] for one in segment.model_version.columns}
    seen = segment.routes.filter(kind="review")
    before = seen.filter(routed_at__lt=granted, routed_at__gte=granted - 96 * HOUR)
    since = seen.filter(routed_at__gt=granted)
    assert sent.n_before == before.count() > 150
    assert sorted(sent.inputs["amount"][sent.n_before :]) == sorted(
        one.item.features["amount"] for one in since
    )
    assert sorted(sent.probability[sent.n_before :]) == pytest.approx(
        sorted(since.values_list("probability", flat=True))
    )


@pytest.mark.parametrize(
    ("hours", "days_read"), [(23, 0), (24, 1), (47, 1), (96, 4), (119, 4), (120, 1)]
)
def test_only_whole_windows_of_the_block_that_runs_are_read(
    workflow: Workflow,
    segment: Segment,
    granted: datetime,
    hours: int,
    days_read: int,
) -> None:
    for day in range(5):
        route(workflow, 20, start=8000 + 20 * day, now=granted + day * 24 * HOUR + HOUR)
    now = granted + hours * HOUR
    last = granted + (hours // 24) * 24 * HOUR
    first = last - days_read * 24 * HOUR

    sent = sent_in(segment, window=24 * HOUR, now=now)

    seen = segment.routes.filter(kind="review")
    expected = seen.filter(routed_at__gte=first, routed_at__lt=last).count()
    assert sent.probability.size - sent.n_before == expected


def test_window_is_thinned_out(
    workflow: Workflow,
    segment: Segment,
    granted: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reviewqueue.queries.drift.N_IN_WINDOW", 10)
    route(workflow, 60, start=8000, now=granted + HOUR)

    sent = sent_in(segment, window=24 * HOUR, now=granted + 24 * HOUR)

    assert (sent.n_before, sent.probability.size) == (40, 50)


def test_first_window_since_stands_in_for_evidence_of_less_than_one(
    workflow: Workflow, segment: Segment, granted: datetime
) -> None:
    """Who earns in hours has no whole day behind: what came first is held against."""
    Segment.objects.update(evidence_since=granted - HOUR)
    segment.refresh_from_db()
    for day in range(6):
        moment = granted + day * 24 * HOUR + HOUR
        route(workflow, 10 + day, start=8000 + 20 * day, now=moment)
    seen = segment.routes.filter(kind="review", routed_at__gt=granted)

    def read(hours: int) -> tuple[int, int]:
        sent = sent_in(segment, window=24 * HOUR, now=granted + hours * HOUR)
        return sent.n_before, sent.probability.size - sent.n_before

    def of_days(first: int, last: int) -> int:
        since, until = granted + first * 24 * HOUR, granted + last * 24 * HOUR
        return seen.filter(routed_at__gte=since, routed_at__lt=until).count()

    assert read(23)[1] == 0
    assert read(24) == (of_days(0, 1), 0)
    assert read(48) == (of_days(0, 1), of_days(1, 2))
    assert read(5 * 24) == (of_days(0, 1), of_days(1, 5))
    assert read(6 * 24) == (of_days(0, 1), of_days(5, 6))


def test_task_looks_at_a_workflow(
    workflow: Workflow, granted: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    route_moved(workflow, 160, start=7000, now=granted + HOUR)
    monkeypatch.setattr(timezone, "now", lambda: granted + 24 * HOUR)

    assert watch_workflow_drift(workflow_id=str(workflow.pk)) == 1
