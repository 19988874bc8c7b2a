"""Which items two versions are compared on, what counts as true, what is said."""

import dataclasses
import json
from datetime import date, datetime, timedelta

import pytest

from accounts.models import User
from lifecycle.queries.comparison import comparison_of, judge, report_of
from lifecycle.queries.paired import Basis, Pair, basis_of, pairs_of, told_apart
from predictions.declaration import declaration_from_json
from predictions.enums import Stage
from predictions.models import Item, ModelVersion, Prediction, Workflow
from predictions.services.registry import change_stage
from reviewqueue.models import Route
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import make_model, set_policy
from tests.lifecycle.comparing import FRAUD, LEGITIMATE, SLA, decide_all, run
from tests.reviewqueue.services.trust_steps import plan

N = 30


@pytest.fixture
def beside(workflow: Workflow, champion: ModelVersion, now: datetime) -> ModelVersion:
    """A shadow that says fraud less often."""
    plan(workflow, now=now, evidence="all")
    return make_model(workflow, now=now, stage=Stage.SHADOW, threshold=0.999)


def said(version: ModelVersion) -> dict[object, str]:
    rows = Prediction.objects.filter(model_version=version)
    return dict(rows.values_list("item_id", "label"))


def counted(workflow: Workflow, version: ModelVersion, *, now: datetime) -> list[Pair]:
    basis = basis_of(version, now=now)
    assert basis is not None
    return pairs_of(basis, workflow.declaration.slices)


def test_same_items_are_held_against_what_people_found(
    workflow: Workflow,
    champion: ModelVersion,
    beside: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)
    report = comparison_of(beside, now=now + SLA + timedelta(1))

    first, second = said(champion), said(beside)
    n_apart = sum(first[one] != second[one] for one in first)
    wrong = [sum(one == FRAUD for one in each.values()) for each in (first, second)]
    assert n_apart > 3
    assert report is not None
    found = report.overall
    assert (found.n, found.n_differ, found.n_open) == (N, n_apart, 0)
    # a false alarm costs 20
    assert found.champion == pytest.approx(20 * wrong[0] / N)
    assert found.challenger == pytest.approx(20 * wrong[1] / N)
    assert found.difference == pytest.approx(-20 * n_apart / N)
    assert (report.loss, report.currency, report.margin) == ("costs", "EUR", 0.8)
    assert report.truths == {"shown": N}
    assert [(one.whose, one.n) for one in report.met] == [
        ("champion", N),
        ("challenger", 0),
    ]
    assert json.loads(json.dumps(report.to_json())) == report.to_json()
    assert type(report).from_json(report.to_json()) == report


def test_only_items_whose_time_is_over_count(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)

    assert counted(workflow, beside, now=now + SLA) == []
    pairs = counted(workflow, beside, now=now + SLA + timedelta(seconds=1))
    assert sum(one.n for one in pairs) == N


def test_what_passed_and_what_was_put_back_is_not_drawn(
    workflow: Workflow, beside: ModelVersion, now: datetime
) -> None:
    set_policy(workflow, mode="above", low=0.5, audit_share=0.25, now=now)
    run(workflow, 60, now=now)

    pairs = counted(workflow, beside, now=now + timedelta(1))
    sent = Route.objects.filter(kind="review")
    assert sum(one.n for one in pairs) == sent.count() < 60
    assert {one.share for one in pairs} == {0.25, 1.0}
    assert {one.kind for one in pairs} == {"open"}


def test_blind_evidence_counts_what_was_drawn_to_be_blind_by_its_chance(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    plan(workflow, now=now, evidence="blind")
    set_policy(workflow, mode="all", blind_share=0.4, now=now)
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)

    pairs = counted(workflow, beside, now=now + timedelta(1))
    n_blind = Route.objects.filter(blind=True).count()
    assert 0 < n_blind < N
    assert sum(one.n for one in pairs) == n_blind
    assert {(one.share, one.kind) for one in pairs} == {(0.4, "blind")}


def test_late_truth_wins_and_is_told_from_decisions(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)
    rows = [OutcomeRow(f"tx-{at}", FRAUD, now + timedelta(hours=1)) for at in range(4)]
    record_outcomes(workflow=workflow, rows=rows, by=None, now=now + timedelta(hours=2))

    pairs = counted(workflow, beside, now=now + timedelta(1))
    late = [one for one in pairs if one.kind == "outcome"]
    assert sum(one.n for one in late) == 4
    assert {one.truth for one in late} == {FRAUD}
    assert {one.truth for one in pairs if one.kind == "shown"} == {LEGITIMATE}


def test_comparison_begins_when_the_second_of_them_began(
    workflow: Workflow, champion: ModelVersion, beside: ModelVersion, now: datetime
) -> None:
    day = timedelta(days=1)
    basis = basis_of(beside, now=now + 9 * day)
    assert basis is not None
    assert (basis.champion, basis.since) == (champion, now)

    # to another of the two stages it goes on
    challenging = change_stage(
        version=beside, to=Stage.CHALLENGER, by=None, reason="r", now=now + day
    )
    basis = basis_of(challenging, now=now + 9 * day)
    assert basis is not None
    assert basis.since == now

    other = make_model(workflow, now=now + 2 * day, stage=Stage.CHAMPION)
    basis = basis_of(challenging, now=now + 9 * day)
    assert basis is not None
    assert (basis.champion, basis.since) == (other, now + 2 * day)

    change_stage(
        version=beside, to=Stage.RETIRED, by=None, reason="r", now=now + 3 * day
    )
    again = change_stage(
        version=beside, to=Stage.SHADOW, by=None, reason="r", now=now + 4 * day
    )
    basis = basis_of(again, now=now + 9 * day)
    assert basis is not None
    assert basis.since == now + 4 * day


@pytest.mark.parametrize("stage", [Stage.CANDIDATE, Stage.RETIRED])
def test_what_does_not_run_beside_a_champion_is_not_compared(
    workflow: Workflow, champion: ModelVersion, now: datetime, stage: Stage
) -> None:
    version = make_model(workflow, now=now, stage=stage)

    assert comparison_of(version, now=now) is None
    assert comparison_of(champion, now=now) is None
    change_stage(version=champion, to=Stage.RETIRED, by=None, reason="r", now=now)
    shadow = make_model(workflow, now=now, stage=Stage.SHADOW)
    assert comparison_of(shadow, now=now) is None


def test_items_where_they_differ_are_listed_the_newest_first(
    workflow: Workflow,
    champion: ModelVersion,
    beside: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)
    basis = basis_of(beside, now=now + timedelta(1))
    assert basis is not None

    first, second = said(champion), said(beside)
    apart = [one for one in first if first[one] != second[one]]
    found = told_apart(basis, limit=3)
    newest = Item.objects.filter(pk__in=apart).order_by("-pk")[:3]
    assert [one.item_id for one in found] == [one.pk for one in newest]
    assert {one.truth for one in found} == {LEGITIMATE}


def test_slices_are_counted_and_share_delta(
    workflow: Workflow, beside: ModelVersion, alice: User, now: datetime
) -> None:
    data = workflow.declaration.to_json()
    data["slices"] = [
        {"name": "small", "feature": "amount", "maximum": 220},
        {"name": "large", "feature": "amount", "minimum": 220},
        {"name": "present", "feature": "card_present", "values": ["yes"]},
    ]
    workflow.declaration_json = declaration_from_json(data).to_json()
    workflow.save()
    run(workflow, N, now=now)
    decide_all(workflow, alice, now=now)

    beside = ModelVersion.objects.get(pk=beside.pk)
    report = comparison_of(beside, now=now + timedelta(1))
    assert report is not None
    # 100, 130, 160, 190
    sizes = [(one.name, one.judged.n) for one in report.slices]
    assert sizes == [("small", 4), ("large", N - 4), ("present", 0)]
    whole = report.slices[1].judged
    assert whole.low is not None
    assert report.overall.low is not None
    assert whole.low < report.overall.low


def pair(
    champion: str, challenger: str, truth: str, n: int, share: float = 1.0
) -> Pair:
    kind = "blind" if truth else "open"
    day = date(2026, 3, 2)
    return Pair(day, champion, challenger, truth, kind, share, None, "", n)  # type: ignore[arg-type]  # a literal


def basis_for(workflow: Workflow, now: datetime) -> Basis:
    return Basis(
        ModelVersion(workflow=workflow, number=1),
        ModelVersion(workflow=workflow, number=2),
        now,
        now,
        is_blind=True,
        excluded=frozenset(),
    )


BETTER = [pair(FRAUD, LEGITIMATE, LEGITIMATE, 60), pair(FRAUD, FRAUD, FRAUD, 340)]


@pytest.mark.parametrize(
    ("more", "verdict", "n_open"),
    [
        ([], "better", 0),
        # nobody knows what these are: the challenger may be wrong about all
        ([pair(FRAUD, LEGITIMATE, "", 200)], "undecided", 200),
        # whatever they are, both are right or both wrong
        ([pair(FRAUD, FRAUD, "", 200)], "better", 200),
    ],
)
def test_items_without_a_label_count_as_the_worst_that_they_may_be(
    workflow: Workflow, now: datetime, more: list[Pair], verdict: str, n_open: int
) -> None:
    basis = basis_for(workflow, now)

    found = judge(basis, [*BETTER, *more], workflow.declaration).overall

    assert (found.verdict, found.n, found.n_open) == (verdict, 400, n_open)
    assert found.difference == pytest.approx(-20 * 60 / 400)
    assert None not in (found.low, found.high)
    assert (found.low or 0) <= (found.difference or 0) <= (found.high or 0)
    if verdict == "undecided":
        assert found.more_needed is None
        assert "200 more that are due have no label yet" in found.says


def test_worse_is_said_only_if_it_is_in_the_best_case(
    workflow: Workflow, now: datetime
) -> None:
    basis = basis_for(workflow, now)
    worse = [pair(LEGITIMATE, FRAUD, LEGITIMATE, 80), pair(FRAUD, FRAUD, FRAUD, 320)]
    open_ = pair(LEGITIMATE, FRAUD, "", 100)

    assert judge(basis, worse, workflow.declaration).overall.verdict == "worse"
    found = judge(basis, [*worse, open_], workflow.declaration).overall
    assert found.verdict == "undecided"


def test_errors_count_where_the_workflow_says_so(
    workflow: Workflow, now: datetime
) -> None:
    declaration = workflow.declaration
    asked = declaration.promotion.model_copy(
        update={"loss": "errors", "delta": 0.2, "margin": 0.05}
    )
    declaration = declaration.model_copy(update={"promotion": asked})

    report = judge(basis_for(workflow, now), BETTER, declaration)

    assert (report.loss, report.currency) == ("errors", "")
    assert (report.delta, report.margin) == (0.2, 0.05)
    assert report.overall.difference == pytest.approx(-60 / 400)


def test_rows_of_a_report_come_from_one_basis(
    workflow: Workflow, beside: ModelVersion, now: datetime
) -> None:
    basis = basis_of(beside, now=now)
    assert basis is not None
    empty = report_of(dataclasses.replace(basis, until=basis.since))
    assert (empty.overall.n, empty.overall.verdict, empty.days) == (0, "undecided", [])
    assert empty.overall.difference is None
