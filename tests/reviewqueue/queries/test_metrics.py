"""Figures computed by hand from a few decisions whose every column is known."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Decision, Retraction
from reviewqueue.queries.metrics import (
    WorkflowMetrics,
    band_name,
    workflow_metrics,
)
from reviewqueue.queries.rates import proportion
from reviewqueue.queries.tallies import Days, Narrowing
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import make_workflow, set_policy
from tests.reviewqueue.services.steps import open_cases

pytestmark = pytest.mark.django_db
OTHER = {"fraud": "legitimate", "legitimate": "fraud"}
type Judge = Callable[..., Decision]


@pytest.fixture
def judge(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Judge:
    """Write one decision; every column may be said."""
    cases = iter(open_cases(workflow, 12, now=now))

    def write(verdict: str = "confirm", **columns: Any) -> Decision:  # noqa: ANN401
        case: Case = next(cases)
        said = columns.pop("recommended_label", "fraud")
        labels = {"confirm": said, "override": OTHER.get(said, "fraud"), "unsure": ""}
        given = {
            "case_kind": "review",
            "reviewer": alice,
            "blind": False,
            "probability": 0.3,
            "model_version": champion,
            "claimed_at": now,
            "opened_at": now,
            "decided_at": now + timedelta(seconds=20),
        }
        return Decision.objects.create(
            workflow=workflow,
            case=case,
            round=case.round,
            item=case.item,
            verdict=verdict,
            label=labels[verdict],
            recommended_label=said,
            **given | columns,
        )

    return write


def figures(
    workflow: Workflow,
    now: datetime,
    *,
    narrowing: Narrowing | None = None,
    period_days: int = 1,
    n_days: int = 7,
) -> WorkflowMetrics:
    days = Days(now.date() - timedelta(days=n_days - 1), now.date())
    return workflow_metrics(
        workflow,
        days=days,
        now=now,
        narrowing=narrowing or Narrowing(),
        period_days=period_days,
    )


def test_three_of_four_confirmed_with_their_wilson_interval(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    for verdict in ("confirm", "confirm", "confirm", "override", "unsure"):
        judge(verdict)

    total = figures(workflow, now).confirmation.total

    assert (total.shown.k, total.shown.n, total.n_unsure) == (3, 4, 1)
    # by hand: z = 1.959964, centre (p + z²/2n) / (1 + z²/n), half width beside it
    assert total.shown.low == pytest.approx(0.300642, abs=1e-6)
    assert total.shown.high == pytest.approx(0.954413, abs=1e-6)
    assert (total.overridden.k, total.overridden.n) == (1, 4)
    assert total.overridden.low == pytest.approx(1 - 0.954413, abs=1e-6)


def test_blind_stands_beside_shown_and_the_gap_has_an_interval(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    for verdict in ("confirm", "confirm", "confirm", "override"):
        judge(verdict)
    for verdict in ("confirm", "override"):
        judge(verdict, blind=True)

    found = figures(workflow, now).confirmation

    assert (found.total.blind.k, found.total.blind.n) == (1, 2)
    assert found.gap is not None
    assert found.gap.difference == pytest.approx(0.25)
    assert found.gap.low < 0.25 < found.gap.high


def test_adjudications_and_cases_without_a_recommendation_are_no_readings(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    judge("confirm")
    judge("confirm", case_kind="adjudication")
    judge("override", recommended_label="", model_version=None, probability=None)

    found = figures(workflow, now)

    assert found.confirmation.total.shown.n == 1
    assert found.operations.n_decided == 3


def test_what_was_undone_is_out_and_said_so(
    workflow: Workflow, judge: Judge, alice: User, now: datetime
) -> None:
    judge("confirm")
    undone = judge("override")
    Retraction.objects.create(decision=undone, kind="undo", by=alice, at=now)

    found = figures(workflow, now)

    assert (found.confirmation.total.shown.k, found.confirmation.total.shown.n) == (
        1,
        1,
    )
    assert (found.operations.n_undone, found.operations.n_decided) == (1, 1)


def test_margins_name_their_values_and_lead_to_them(
    workflow: Workflow, judge: Judge, bob: User, champion: ModelVersion, now: datetime
) -> None:
    judge("confirm", recommended_label="legitimate", probability=0.01)
    judge("override", probability=0.9, reviewer=bob, reason_code="customer_confirmed")
    judge("confirm", probability=1.0)
    judge("confirm", probability=None)

    found = figures(workflow, now).confirmation

    def rows(name: str) -> list[tuple[str, int, int]]:
        return [(r.name, r.shown.k, r.shown.n) for r in getattr(found, name)]

    assert rows("by_label") == [("Fraud", 2, 3), ("Legitimate", 1, 1)]
    assert rows("by_band") == [
        ("not calibrated", 1, 1),
        (band_name(1), 1, 1),
        (band_name(7), 1, 2),
    ]
    assert rows("by_reviewer") == [("alice", 3, 3), ("bob", 0, 1)]
    assert rows("by_reason") == [
        ("Customer confirmed", 0, 1),
        ("no reason given", 3, 3),
    ]
    assert rows("by_model") == [("v1", 3, 4)]
    assert found.by_band[2].query["band"] == "7"
    assert found.by_reason[1].query["reason"] == "-"
    assert found.by_reviewer[1].query["reviewer"] == "bob"


def test_one_label_narrows_every_margin(
    workflow: Workflow, judge: Judge, bob: User, champion: ModelVersion, now: datetime
) -> None:
    judge("confirm", recommended_label="legitimate", probability=0.01)
    judge("override", reviewer=bob)

    for narrowing in (Narrowing("fraud"), Narrowing("fraud", champion.pk)):
        found = figures(workflow, now, narrowing=narrowing).confirmation

        assert (found.total.shown.k, found.total.shown.n) == (0, 1)
        assert [row.name for row in found.by_label] == ["Fraud"]
        assert [row.name for row in found.by_reviewer] == ["bob"]
        assert [row.name for row in found.by_band] == [band_name(4)]
        assert [row.name for row in found.by_model] == ["v1"]
        assert found.total.query["recommended_label"] == "fraud"


def test_days_are_whole_and_in_utc(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    midnight = now.replace(hour=0)
    judge("confirm", decided_at=midnight - timedelta(microseconds=1))
    judge("override", decided_at=midnight)

    rows = figures(workflow, now, n_days=2).confirmation.over_time
    today = figures(workflow, now, n_days=1).confirmation.over_time

    assert [(row.key, row.shown.k, row.shown.n) for row in rows] == [
        ("2026-03-01", 1, 1),
        ("2026-03-02", 0, 1),
    ]
    assert [row.key for row in today] == ["2026-03-02"]
    assert today[0].query["decided_from"] == "2026-03-02T00:00Z"
    assert today[0].query["decided_to"] == "2026-03-03T00:00Z"


def test_weeks_end_with_the_window(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    judge("confirm")
    judge("confirm", decided_at=now - timedelta(days=6))
    judge("override", decided_at=now - timedelta(days=7))

    found = figures(workflow, now, n_days=10, period_days=7)

    assert [(row.name, row.shown.n) for row in found.confirmation.over_time] == [
        ("21 Feb–23 Feb", 1),  # noqa: RUF001 -- a range
        ("24 Feb–2 Mar", 2),  # noqa: RUF001 -- a range
    ]
    assert [one.n_decided for one in found.operations.over_time] == [1, 2]


def test_late_is_what_was_decided_after_it_was_due(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    judge("confirm", decided_at=now + timedelta(minutes=240))
    judge("confirm", decided_at=now + timedelta(minutes=240, microseconds=1))

    kept = figures(workflow, now).operations.sla_kept

    assert (kept.k, kept.n) == (1, 2)


def test_review_rate_counts_routes_by_reason(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    set_policy(workflow, now=now, mode="above", low=0.99, audit_share=0.4)
    open_cases(workflow, 20, now=now)

    found = figures(workflow, now).operations
    n_people = Case.objects.filter(workflow=workflow).count()

    assert (found.review_rate.k, found.review_rate.n) == (n_people, 20)
    assert 0 < n_people < 20
    assert {(one.reason, one.kind): one.share.k for one in found.reasons} == {
        ("audit", "review"): n_people,
        ("passed", "auto"): 20 - n_people,
    }
    assert found.over_time[-1].n_audit == n_people


def test_items_that_no_model_scored_are_failures(
    workflow: Workflow, now: datetime
) -> None:
    open_cases(workflow, 3, now=now)

    found = figures(workflow, now).operations

    assert (found.scoring_failed.k, found.scoring_failed.n) == (3, 3)
    assert found.backlog.n_waiting == 3
    assert found.backlog.oldest_at == now


def test_times_are_percentiles_in_seconds(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    for seconds in (10, 20, 30, 40, 50):
        judge("confirm", decided_at=now + timedelta(seconds=seconds))

    found = figures(workflow, now).operations.seconds_per_decision

    assert (found.n, found.p50, found.p90) == (5, 30.0, 46.0)


def test_late_truth_is_held_against_what_was_said_and_done(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    cases = open_cases(workflow, 4, now=now)
    truths = ["fraud", "legitimate", "legitimate", "legitimate"]
    news = [
        OutcomeRow(case.item.external_id, truth, now)
        for case, truth in zip(cases, truths, strict=True)
    ]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    said = [case.route.label for case in cases]

    found = figures(workflow, now).operations.late_truth

    n_right = sum(a == b for a, b in zip(said, truths, strict=True))
    assert (found.recommended.accuracy.k, found.recommended.accuracy.n) == (n_right, 4)
    assert (found.recommended.recall.k, found.recommended.recall.n) == (
        int(said[0] == "fraud"),
        1,
    )
    assert found.recommended.false_positive_rate.n == 3
    assert found.recommended.false_positive_rate.k == said[1:].count("fraud")
    assert found.done.accuracy.n == 0  # nobody has decided yet
    assert list(found.by_model) == ["v1"]


def test_later_outcome_takes_the_place_of_the_earlier(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    for minutes, label in enumerate(("fraud", "legitimate")):
        at = now + timedelta(minutes=minutes)
        news = [OutcomeRow("tx-0", label, at)]
        record_outcomes(workflow=workflow, rows=news, by=None, now=at)

    found = figures(workflow, now).operations.late_truth.recommended

    assert (found.accuracy.n, found.recall.n, found.false_positive_rate.n) == (1, 0, 1)


def test_nothing_gives_no_rate_and_no_error(workflow: Workflow, now: datetime) -> None:
    found = figures(workflow, now)

    assert found.confirmation.total.shown.share is None
    assert found.confirmation.gap is None
    assert found.confirmation.over_time == []
    assert found.operations.review_rate.n == 0
    assert found.operations.seconds_per_decision.p50 is None
    assert len(found.operations.over_time) == 7


def test_another_workflow_is_not_counted(
    workflow: Workflow, judge: Judge, now: datetime
) -> None:
    judge("confirm")
    other = make_workflow(now=now, slug="others", name="Others")

    assert figures(other, now).confirmation.total.shown.n == 0


def test_figures_cost_the_same_queries_however_much_there_is(
    workflow: Workflow,
    judge: Judge,
    now: datetime,
    django_assert_num_queries: Any,  # noqa: ANN401 -- a fixture
) -> None:
    for n in (1, 6):
        for _ in range(n):
            judge("confirm")
        with django_assert_num_queries(23):
            figures(workflow, now)


def test_rest_of_a_rate_has_the_mirrored_interval() -> None:
    rate, rest = proportion(30, 40), proportion(10, 40)

    assert rate.others().share == rest.share
    assert rate.others().low == pytest.approx(rest.low)
    assert rate.others().high == pytest.approx(rest.high)
    assert proportion(0, 0).others() == proportion(0, 0)


@pytest.mark.parametrize(
    ("n", "length", "lengths"),
    [(1, 1, [1]), (7, 7, [7]), (10, 7, [3, 7]), (90, 7, [6] + [7] * 12)],
)
def test_periods_cover_the_window(n: int, length: int, lengths: list[int]) -> None:
    days = Days(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=n - 1))

    periods = days.periods(length)

    assert [period.n for period in periods] == lengths
    assert [day for period in periods for day in period] == list(days)
