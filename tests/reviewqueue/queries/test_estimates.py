"""Rates over all items by hand, from a few reviewed ones whose chances are known."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Route
from reviewqueue.queries.estimates import AllItems, all_items
from reviewqueue.queries.tallies import Days
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.repair import put_back
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.steps import (
    OTHER,
    claim,
    decide,
    maybe_claim,
    open_cases,
)

pytestmark = pytest.mark.django_db
SHARE = 0.25


@pytest.fixture
def everything_seen(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Workflow:
    """Four items that people see all of: three confirmed, one overridden."""
    open_cases(workflow, 4, now=now)
    for number in range(4):
        case = claim(workflow, alice, now=now)
        label = OTHER[case.route.label] if number == 3 else case.route.label
        decide(case, alice, now=now, label=label)
    return workflow


@pytest.fixture
def n_audited(everything_seen: Workflow, alice: User, now: datetime) -> int:
    """Of forty more that pass by a rule a quarter is drawn; all of them overridden."""
    workflow = everything_seen
    set_policy(workflow, mode="above", low=1.0, audit_share=SHARE, now=now)
    rows = [raw_item(100 + at, now=now, amount=12.0) for at in range(40)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=40, now=now)
    n = 0
    while case := maybe_claim(workflow, alice, now=now):
        decide(case, alice, now=now, label=OTHER[case.route.label])
        n += 1
    assert 0 < n < 40
    return n


def found_in(workflow: Workflow, now: datetime, *, n_days: int = 7) -> AllItems:
    found = all_items(
        workflow, Days(now.date() - timedelta(days=n_days - 1), now.date())
    )
    assert found is not None
    return found


def test_audited_items_stand_for_those_that_passed(
    workflow: Workflow, n_audited: int, now: datetime
) -> None:
    found = found_in(workflow, now)

    # three confirmed at 1 of four at 1 and n at a quarter
    expected = 3 / (4 + n_audited / SHARE)
    assert found.shown.share == pytest.approx(expected)
    assert found.shown.n == 4 + n_audited
    assert found.shown.n_effective < found.shown.n
    assert found.by_people.accuracy.share == pytest.approx(expected)
    assert found.shown.low is not None
    assert found.shown.high is not None
    assert 0 < found.shown.low < expected < found.shown.high < 1
    assert (found.version, found.n_read, found.is_capped) == (1, 4 + n_audited, False)


def test_rates_over_groups_take_their_own_items(
    workflow: Workflow, n_audited: int, now: datetime
) -> None:
    found = found_in(workflow, now).by_people

    # nothing was said to be fraud; the overridden ones were
    n_all = 4 + n_audited / SHARE
    assert found.precision.share is None
    assert found.recall.share == 0
    assert found.recall.n == 1 + n_audited
    assert found.false_positive_rate.share == 0
    assert found.false_positive_rate.n == 3
    assert found.prevalence.share == pytest.approx((1 + n_audited / SHARE) / n_all)


def test_outcomes_of_the_same_items_stand_beside_people(
    workflow: Workflow, everything_seen: Workflow, now: datetime
) -> None:
    news = [OutcomeRow(f"tx-{at}", "legitimate", now) for at in range(3)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)

    found = found_in(workflow, now)

    assert (found.by_outcomes.accuracy.share, found.by_outcomes.accuracy.n) == (1, 3)
    assert (found.by_people.accuracy.share, found.by_people.accuracy.n) == (0.75, 4)


def test_decision_after_late_truth_is_still_what_people_say(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    news = [OutcomeRow("tx-0", "legitimate", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now, label="fraud")

    found = found_in(workflow, now)

    assert (found.by_people.accuracy.share, found.by_outcomes.accuracy.share) == (0, 1)


def test_what_was_taken_back_counts_nowhere(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    done = decide(claim(workflow, alice, now=now), alice, now=now)
    undo_decision(decision_id=done.decision.pk, by=alice, now=now)

    found = found_in(workflow, now)

    assert (found.shown.n, found.by_people.accuracy.n) == (0, 0)
    assert found.shown.share is None


def test_blind_readings_stand_apart(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, blind_share=1.0)
    open_cases(workflow, 2, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)

    found = found_in(workflow, now)

    assert (found.shown.n, found.blind.n, found.blind.share) == (0, 1, 1)


def test_what_was_put_back_was_chosen_and_is_left_out(
    workflow: Workflow, n_audited: int, sam: User, alice: User, now: datetime
) -> None:
    passed = Route.objects.filter(workflow=workflow, kind="auto")
    put_back(
        workflow=workflow,
        item_ids=[passed.earliest("item_id").item_id],
        by=sam,
        reason="a complaint",
        now=now,
    )
    decide(claim(workflow, alice, now=now), alice, now=now)

    assert found_in(workflow, now).by_people.accuracy.n == 4 + n_audited


def test_items_of_other_days_are_left_out(
    workflow: Workflow, everything_seen: Workflow, now: datetime
) -> None:
    found = found_in(workflow, now + timedelta(days=7))

    assert (found.n_read, found.by_people.accuracy.n) == (0, 0)


def test_newest_decisions_are_read_and_it_is_said(
    workflow: Workflow,
    everything_seen: Workflow,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reviewqueue.queries.estimates.MAX_READ", 3)

    found = found_in(workflow, now)

    assert (found.n_read, found.is_capped, found.shown.n) == (3, True, 3)


def test_nothing_without_a_champion(workflow: Workflow, now: datetime) -> None:
    assert all_items(workflow, Days(now.date(), now.date())) is None
