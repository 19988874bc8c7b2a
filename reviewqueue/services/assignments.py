"""What a supervisor does with a case that somebody else may hold."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from reviewqueue.enums import OPEN_STATUSES, CaseEventKind, CaseKind, CaseStatus
from reviewqueue.models import Case, CaseSkip
from reviewqueue.services.claims import back_to_queue
from reviewqueue.services.events import note_event
from reviewqueue.services.leases import may_have, update_case


class AssignmentRefused(Exception):
    """The case cannot be reserved for this person; the message says why."""


@transaction.atomic
def release_by_supervisor(
    *, case: Case, supervisor: User, reason: str, now: datetime
) -> Case:
    """Take a case from whoever holds it. A case that nobody holds stays as it is."""
    locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if locked.status == CaseStatus.LEASED:
        back_to_queue(
            locked, CaseEventKind.RELEASED, actor=supervisor, reason=reason, now=now
        )
    return locked


@transaction.atomic
def assign_case(
    *, case: Case, to: User | None, supervisor: User, reason: str, now: datetime
) -> Case:
    """Reserve an open case for one person, or (None) open it to everyone again.

    A lease that somebody else holds ends; that the person skipped the case before
    counts no more. Whether they have the role is the caller's to check.
    Raises: AssignmentRefused for a closed case, or one that they may not decide.
    """
    locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    _check_assignment(locked, to=to)
    if to is not None:
        CaseSkip.objects.filter(case=locked, reviewer=to).delete()
    if locked.status == CaseStatus.LEASED and locked.leased_by_id != getattr(
        to, "pk", None
    ):
        back_to_queue(
            locked, CaseEventKind.RELEASED, actor=supervisor, reason=reason, now=now
        )
    update_case(locked, assigned_to=to)
    note_event(
        locked,
        CaseEventKind.REASSIGNED,
        actor=supervisor,
        from_status=locked.status,
        now=now,
        reason=reason,
    )
    return locked


def _check_assignment(case: Case, *, to: User | None) -> None:
    if case.status not in OPEN_STATUSES:
        msg = "The case is closed: nobody has to look at it any more."
        raise AssignmentRefused(msg)
    if case.kind == CaseKind.GOLD:
        msg = "A gold case stays with the reviewer it was placed before."
        raise AssignmentRefused(msg)
    if to is not None and case.excluded_reviewer_id == to.pk:
        msg = "The first reader cannot give the second opinion."
        raise AssignmentRefused(msg)
    if to is not None and not may_have(case, to):
        msg = "The person is limited to other sites than that of the case."
        raise AssignmentRefused(msg)
