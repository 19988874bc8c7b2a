"""The steps of a case, shortened for tests; each goes through the real service."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import Queue
from reviewqueue.models import Case, CaseEvent, Decision, Label, Route
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Recorded, amend_decision, record_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_items

LEASE = timedelta(seconds=300)  # as the workflow of the tests declares
OTHER = {"fraud": "legitimate", "legitimate": "fraud", "": "fraud"}


def open_cases(workflow: Workflow, n: int, *, now: datetime) -> list[Case]:
    """Store, score and route `n` items; return their cases in the queue's order."""
    make_items(workflow, n, now=now)
    process_batch(workflow=workflow, limit=n, now=now)
    return in_order(workflow)


def in_order(workflow: Workflow) -> list[Case]:
    cases = Case.objects.filter(workflow=workflow)
    return list(cases.order_by("-priority", "due_at", "id"))


def claim(
    workflow: Workflow,
    person: User,
    *,
    now: datetime,
    queues: Sequence[Queue] = (Queue.REVIEW,),
) -> Case:
    """Claim the next case and insist on getting one."""
    case = maybe_claim(workflow, person, now=now, queues=queues)
    assert case is not None
    return case


def maybe_claim(
    workflow: Workflow,
    person: User,
    *,
    now: datetime,
    queues: Sequence[Queue] = (Queue.REVIEW,),
) -> Case | None:
    return claim_next_case(workflow=workflow, reviewer=person, queues=queues, now=now)


def token(case: Case) -> UUID:
    assert case.lease_token is not None
    return case.lease_token


def record(
    case: Case, person: User, judgement: Judgement, *, now: datetime
) -> Recorded:
    """Judge a held case."""
    return record_decision(
        case_id=case.pk,
        reviewer=person,
        lease_token=token(case),
        judgement=judgement,
        now=now,
    )


def decide(case: Case, person: User, *, now: datetime, label: str = "") -> Recorded:
    """Judge a held case: the recommended label unless another one is given."""
    return record(case, person, Judgement(label=label or case.route.label), now=now)


def decide_unsure(case: Case, person: User, *, now: datetime) -> Recorded:
    return record(case, person, Judgement(verdict="unsure"), now=now)


def amend(
    decision: Decision,
    person: User,
    *,
    now: datetime,
    label: str = "",
    reason: str = "looked again",
    may_amend_others: bool = False,
) -> Decision:
    """Replace a decision: by the other label unless one is given."""
    return amend_decision(
        decision_id=decision.pk,
        by=person,
        may_amend_others=may_amend_others,
        judgement=Judgement(label=label or OTHER[decision.label]),
        reason=reason,
        now=now,
    ).decision


def events_of(case: Case) -> list[tuple[str, str, str]]:
    """List a case's transitions as (kind, from, to)."""
    rows = CaseEvent.objects.filter(case=case).order_by("at", "id")
    return list(rows.values_list("kind", "from_status", "to_status"))


def labels_of(route: Route) -> list[tuple[int, str, str]]:
    """List the versions of an item's truth as (version, label, source)."""
    rows = Label.objects.filter(item_id=route.item_id).order_by("version")
    return list(rows.values_list("version", "label", "source"))
