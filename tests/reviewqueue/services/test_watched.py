"""What the watch looks at, and what blind evidence is, whatever is said afterwards."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Observation, Segment, TrustPlan
from reviewqueue.queries.trust import plan_in_force
from reviewqueue.services.assessment import assess
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.trust_watch import watch_trust
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import OTHER, amend, claim, decide
from tests.reviewqueue.services.trust_steps import cut, earn, grant_step, review, route

HOUR = timedelta(hours=1)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


def blind_case(workflow: Workflow, person: User, *, now: datetime) -> Case:
    """Return a held case that was drawn to be blind."""
    Case.objects.filter(status="pending").update(status="decided", closed_at=now)
    set_policy(workflow, mode="earned", blind_share=1.0, now=now)
    route(workflow, 1, start=400, now=now)
    case = claim(workflow, person, now=now)
    assert case.blind
    return case


def is_error(case: Case) -> bool | None:
    return Observation.objects.get(case=case).is_error


def test_what_was_said_blind_counts_though_it_was_undone_after_the_reveal(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = blind_case(workflow, alice, now=now)
    right, wrong = case.route.label, OTHER[case.route.label]
    first = decide(case, alice, label=wrong, now=now).decision
    assert is_error(case) is True

    again = undo_decision(decision_id=first.pk, by=alice, now=now)
    assert is_error(case) is None
    decide(again, alice, label=right, now=now)

    assert is_error(case) is True


def test_what_was_said_blind_counts_though_it_was_amended(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = blind_case(workflow, alice, now=now)
    right, wrong = case.route.label, OTHER[case.route.label]
    first = decide(case, alice, label=wrong, now=now).decision

    amend(first, alice, label=right, now=now + HOUR)

    assert is_error(case) is True


def test_late_truth_stands_above_what_was_said_blind(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = blind_case(workflow, alice, now=now)
    right, wrong = case.route.label, OTHER[case.route.label]
    decide(case, alice, label=wrong, now=now)

    truth = OutcomeRow(case.item.external_id, right, now)
    record_outcomes(workflow=workflow, rows=[truth], by=None, now=now + HOUR)

    assert is_error(case) is False


def test_undone_decision_on_a_case_that_was_shown_is_forgotten(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    wrong = OTHER[case.route.label]
    first = decide(case, alice, label=wrong, now=now).decision

    again = undo_decision(decision_id=first.pk, by=alice, now=now)
    decide(again, alice, now=now)

    assert is_error(case) is False


def test_watch_hears_of_errors_in_cases_that_were_shown(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    """Nothing of it is evidence for a grant; all of it is a reason for a look."""
    set_policy(workflow, mode="earned", blind_share=0.0, now=now)
    later = earn(workflow, segment, alice, now=now)
    Segment.objects.filter(pk=segment.pk).update(moved_at=later)
    route(workflow, 60, start=2000, now=later)
    n_open = Case.objects.filter(status="pending").count()
    review(workflow, alice, n_open, n_wrong=n_open, now=later + HOUR)
    segment.refresh_from_db()

    (found,) = assess(
        workflow=workflow,
        plan=_counting_blind(workflow),
        segments=[segment],
        now=later + HOUR,
    )

    assert found.standing.reviews == 0
    assert found.evidence.watched.all()
    assert found.standing.cause == "alarm"


def _counting_blind(workflow: Workflow) -> TrustPlan:
    terms = plan_in_force(workflow)
    terms.evidence = "blind"
    return terms


def test_audits_that_nobody_looks_at_withdraw_after_a_long_clean_history(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    route(workflow, 60, start=300, now=now)
    review(workflow, alice, 60, now=now)
    grant_step(workflow, segment, alice, now=now)
    later = now + HOUR
    route(workflow, 40, start=2000, now=later)
    due = Case.objects.filter(route__segment=segment, route__routed_at__gte=later)
    assert 5 <= due.count() <= 40 < 60

    moves = watch_trust(workflow=workflow, now=later + timedelta(days=30))

    assert [(one.kind, one.cause) for one in moves] == [("withdraw", "missing_audits")]
