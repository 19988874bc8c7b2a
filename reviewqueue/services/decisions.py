"""Record, undo and amend decisions. `adjudication.settle_case` draws what follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from accounts.models import User
from predictions.declaration import FieldError
from reviewqueue.enums import (
    CaseEventKind,
    CaseKind,
    CaseStatus,
    RetractionKind,
)
from reviewqueue.models import Case, CaseNote, Decision, Retraction
from reviewqueue.queries.gold import gold_terms
from reviewqueue.queries.prepared import insert
from reviewqueue.services.adjudication import Resolution, settle_case
from reviewqueue.services.claims import (
    LEASE_SLOT_CONSTRAINT,
    N_TRIES,
    TooManyLeases,
    free_slot,
)
from reviewqueue.services.decided_fields import decided_fields
from reviewqueue.services.events import note_event
from reviewqueue.services.judging import (
    MAX_NOTE_LENGTH,
    InvalidDecision,
    Judgement,
    check_judgement,
    verdict_of,
)
from reviewqueue.services.leases import (
    NO_LEASE,
    lock_case,
    lock_held_case,
    update_case,
)

_LEASED_COLUMNS = ("status", "assigned_to", *NO_LEASE)


class UndoRefused(Exception):
    """The decision cannot be taken back; the message says why."""


class AmendRefused(Exception):
    """The decision cannot be amended; the message says why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored decision and what it led to."""

    decision: Decision
    case: Case
    resolution: Resolution


@transaction.atomic
def record_decision(
    *,
    case_id: UUID,
    reviewer: User,
    lease_token: UUID,
    judgement: Judgement,
    now: datetime,
) -> Recorded:
    """Decide a case that the reviewer holds.

    Locks item and case, re-checks the token, writes decision, case, event, label or
    follow-up case. Decides nothing when anything is wrong.
    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost, InvalidDecision.
    """
    case = lock_held_case(case_id=case_id, holder=reviewer, lease_token=lease_token)
    decision = _insert(case, reviewer=reviewer, judgement=judgement, now=now)
    update_case(case, status=CaseStatus.DECIDED, closed_at=now, **NO_LEASE)
    note_event(
        case,
        CaseEventKind.DECIDED,
        actor=reviewer,
        from_status=CaseStatus.LEASED,
        now=now,
    )
    resolution = settle_case(case, now=now, decision=decision)
    return Recorded(decision, case, resolution)


@transaction.atomic
def escalate_case(
    *, case_id: UUID, holder: User, lease_token: UUID, reason: str, now: datetime
) -> Case:
    """Pass the case to an adjudicator, without a judgement.

    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost; InvalidDecision for a case
    that is an adjudicator's already, and without a reason where one is asked for.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    if case.kind == CaseKind.ADJUDICATION:
        raise InvalidDecision([FieldError("case", "nobody_above", case.kind)])
    if case.workflow.declaration.queue.escalation_reason and not reason.strip():
        raise InvalidDecision([FieldError("reason", "required", reason)])
    update_case(case, status=CaseStatus.ESCALATED, closed_at=now, **NO_LEASE)
    note_event(
        case,
        CaseEventKind.ESCALATED,
        actor=holder,
        from_status=CaseStatus.LEASED,
        now=now,
        reason=reason,
    )
    settle_case(case, now=now)
    return case


@transaction.atomic
def undo_decision(*, decision_id: UUID, by: User, now: datetime) -> Case:
    """Take one's own decision back within the undo window.

    Writes a retraction, opens the next round, and leases the case to its author again
    where a slot is free (else it waits, reserved for them).
    Raises: Decision.DoesNotExist (also for somebody else's), UndoRefused,
    FollowUpTaken.
    """
    case_id = Decision.objects.values_list("case_id", flat=True).get(
        pk=decision_id, reviewer=by
    )
    case = lock_case(case_id)
    decision = Decision.objects.get(pk=decision_id)
    window = timedelta(seconds=case.workflow.declaration.queue.undo_seconds)
    if now - decision.decided_at > window:
        seconds = int(window.total_seconds())
        msg = f"The undo window of {seconds} s is over: amend the decision instead."
        raise UndoRefused(msg)
    if not _is_live(decision):
        msg = "The decision was taken back already."
        raise UndoRefused(msg)
    if case.kind == CaseKind.GOLD and gold_terms(case.workflow_id).coaching:
        msg = "The known label was shown: the answer stands."
        raise UndoRefused(msg)
    Retraction.objects.create(
        decision=decision, kind=RetractionKind.UNDO, by=by, reason="", at=now
    )
    _reopen(case, by=by)
    # Follow-ups are locked before a lease slot is taken: the same person may be
    # claiming one of them in another tab, holding the case and waiting for the slot.
    settle_case(case, now=now)
    _lease_again(case, to=by, now=now)
    note_event(
        case,
        CaseEventKind.UNDONE,
        actor=by,
        from_status=CaseStatus.DECIDED,
        now=now,
    )
    return case


@transaction.atomic
def amend_decision(
    *,
    decision_id: UUID,
    by: User,
    may_amend_others: bool,
    judgement: Judgement,
    reason: str,
    now: datetime,
) -> Recorded:
    """Replace a decision by another, with a reason; the old row stays.

    Raises: Decision.DoesNotExist, AmendRefused, InvalidDecision, FollowUpTaken.
    """
    case_id = Decision.objects.values_list("case_id", flat=True).get(pk=decision_id)
    case = lock_case(case_id)
    decision = Decision.objects.get(pk=decision_id)
    if decision.reviewer_id != by.pk and not may_amend_others:
        raise Decision.DoesNotExist
    if not reason.strip():
        raise InvalidDecision([FieldError("reason", "missing", "")])
    if not _is_live(decision):
        msg = "The decision was taken back or amended already."
        raise AmendRefused(msg)
    Retraction.objects.create(
        decision=decision, kind=RetractionKind.AMEND, by=by, reason=reason, at=now
    )
    case.round += 1
    amended = _insert(
        case, reviewer=by, judgement=judgement, now=now, supersedes=decision
    )
    update_case(case, round=case.round)
    note_event(
        case,
        CaseEventKind.AMENDED,
        actor=by,
        from_status=case.status,
        now=now,
        reason=reason,
    )
    resolution = settle_case(case, now=now, decision=amended)
    return Recorded(amended, case, resolution)


@transaction.atomic
def add_note(*, case: Case, author: User, text: str, now: datetime) -> CaseNote:
    """Write a note beside a case. Raises: InvalidDecision when empty or too long."""
    if not text.strip():
        raise InvalidDecision([FieldError("note", "missing", "")])
    if len(text) > MAX_NOTE_LENGTH:
        raise InvalidDecision([FieldError("note", "too_long", len(text))])
    return CaseNote.objects.create(case=case, author=author, text=text, at=now)


def _insert(
    case: Case,
    *,
    reviewer: User,
    judgement: Judgement,
    now: datetime,
    supersedes: Decision | None = None,
) -> Decision:
    route = case.route
    # Amended with the recommendation in sight: no longer blind evidence.
    blind = case.blind and supersedes is None
    label = check_judgement(
        judgement, route=route, declaration=case.workflow.declaration, blind=blind
    )
    held = decided_fields(
        case, label=label, given=judgement.fields, blind=blind, supersedes=supersedes
    )
    if held.errors:
        raise InvalidDecision(held.errors)
    verdict = verdict_of(
        judgement, label, held.corrected, recommended=route.label, blind=blind
    )
    claimed_at = case.leased_at or (supersedes.claimed_at if supersedes else now)
    decision = Decision(
        workflow_id=case.workflow_id,
        case=case,
        round=case.round,
        item_id=case.item_id,
        site_id=case.site_id,
        case_kind=case.kind,
        reviewer=reviewer,
        verdict=verdict,
        label=label,
        fields=held.values,
        corrected=held.corrected,
        reason_code=judgement.reason_code,
        note=judgement.note,
        blind=blind,
        recommended_label=route.label,
        probability=route.probability,
        model_version_id=route.model_version_id,
        claimed_at=claimed_at,
        opened_at=case.opened_at or claimed_at,
        decided_at=now,
        supersedes=supersedes,
    )
    insert(decision)
    return decision


def _is_live(decision: Decision) -> bool:
    return not Retraction.objects.filter(pk=decision.pk).exists()


def _reopen(case: Case, *, by: User) -> None:
    if (other := _other_reader(case, than=by)) is not None:
        update_case(case, excluded_reviewer=other)
    update_case(
        case,
        status=CaseStatus.PENDING,
        closed_at=None,
        round=case.round + 1,
        blind=False,  # the recommendation was revealed by the first judgement
        assigned_to=by,
    )


def _other_reader(case: Case, *, than: User) -> User | None:
    """Return who gave the other of two opinions: they must not give this one too."""
    if case.kind in {CaseKind.ADJUDICATION, CaseKind.GOLD}:
        return None
    readings = Decision.objects.filter(
        item_id=case.item_id,
        retraction=None,
        case_kind__in=(CaseKind.REVIEW, CaseKind.SECOND),
    )
    other = readings.exclude(case=case).exclude(reviewer=than).order_by("id").first()
    return other.reviewer if other else None


def _lease_again(case: Case, *, to: User, now: datetime) -> None:
    """Lease a reserved case to the person where a slot is free, else let it wait."""
    rules = case.workflow.declaration.queue
    for _ in range(N_TRIES):
        try:
            with transaction.atomic():
                slot = free_slot(
                    workflow=case.workflow, reviewer=to, limit=rules.max_leases, now=now
                )
                _lease(case, to=to, slot=slot, seconds=rules.lease_seconds, now=now)
        except TooManyLeases:
            return
        except IntegrityError as error:
            # The same person claimed in another tab and took the slot.
            if LEASE_SLOT_CONSTRAINT not in str(error):
                raise
            case.refresh_from_db(fields=_LEASED_COLUMNS)
        else:
            return


def _lease(case: Case, *, to: User, slot: int, seconds: int, now: datetime) -> None:
    update_case(
        case,
        status=CaseStatus.LEASED,
        assigned_to=to if case.kind == CaseKind.GOLD else None,
        leased_by=to,
        lease_token=uuid4(),
        lease_slot=slot,
        leased_at=now,
        lease_expires_at=now + timedelta(seconds=seconds),
        opened_at=now,
    )
