"""Record, undo and amend decisions. `adjudication.settle_item` draws what follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from accounts.models import User
from predictions.declaration import Declaration, FieldError
from reviewqueue.enums import (
    CaseEventKind,
    CaseKind,
    CaseStatus,
    RetractionKind,
    Verdict,
)
from reviewqueue.models import Case, CaseNote, Decision, Retraction, Route
from reviewqueue.services.adjudication import Resolution, settle_item
from reviewqueue.services.claims import (
    LEASE_SLOT_CONSTRAINT,
    N_TRIES,
    TooManyLeases,
    free_slot,
)
from reviewqueue.services.events import note_event
from reviewqueue.services.leases import (
    NO_LEASE,
    lock_case,
    lock_held_case,
    update_case,
)

MAX_NOTE_LENGTH = 4000
_LEASED_COLUMNS = ("status", "assigned_to", *NO_LEASE)


class InvalidDecision(ValueError):
    """What was sent is not a decision that this case can take."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


class UndoRefused(Exception):
    """The decision cannot be taken back; the message says why."""


class AmendRefused(Exception):
    """The decision cannot be amended; the message says why."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said. An empty verdict follows from the label."""

    verdict: str = ""
    label: str = ""
    reason_code: str = ""
    note: str = ""


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
    resolution = settle_item(route=case.route, actor=reviewer, now=now)
    return Recorded(decision, case, resolution)


@transaction.atomic
def escalate_case(
    *, case_id: UUID, holder: User, lease_token: UUID, reason: str, now: datetime
) -> Case:
    """Pass the case to an adjudicator, without a judgement.

    Raises: Case.DoesNotExist, AlreadyDecided, LeaseLost; InvalidDecision for a case
    that is an adjudicator's already.
    """
    case = lock_held_case(case_id=case_id, holder=holder, lease_token=lease_token)
    if case.kind == CaseKind.ADJUDICATION:
        raise InvalidDecision([FieldError("case", "nobody_above", case.kind)])
    update_case(case, status=CaseStatus.ESCALATED, closed_at=now, **NO_LEASE)
    note_event(
        case,
        CaseEventKind.ESCALATED,
        actor=holder,
        from_status=CaseStatus.LEASED,
        now=now,
        reason=reason,
    )
    settle_item(route=case.route, actor=holder, now=now)
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
    Retraction.objects.create(
        decision=decision, kind=RetractionKind.UNDO, by=by, reason="", at=now
    )
    _reopen(case, by=by)
    # Follow-ups are locked before a lease slot is taken: the same person may be
    # claiming one of them in another tab, holding the case and waiting for the slot.
    settle_item(route=case.route, actor=by, now=now)
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
    resolution = settle_item(route=case.route, actor=by, now=now)
    return Recorded(amended, case, resolution)


@transaction.atomic
def add_note(*, case: Case, author: User, text: str, now: datetime) -> CaseNote:
    """Write a note beside a case. Raises: InvalidDecision when empty or too long."""
    if not text.strip():
        raise InvalidDecision([FieldError("note", "missing", "")])
    if len(text) > MAX_NOTE_LENGTH:
        raise InvalidDecision([FieldError("note", "too_long", len(text))])
    return CaseNote.objects.create(case=case, author=author, text=text, at=now)


def check_judgement(
    judgement: Judgement, *, route: Route, declaration: Declaration, blind: bool
) -> Verdict:
    """Return the verdict that a judgement amounts to.

    In a blind case the verdict follows from the label alone.
    Raises: InvalidDecision naming field, rule and value.
    """
    errors: list[FieldError] = []
    if judgement.verdict not in {"", *Verdict.values}:
        errors.append(FieldError("verdict", "value", judgement.verdict))
    if judgement.label and judgement.label not in declaration.label_keys:
        errors.append(FieldError("label", "value", judgement.label))
    known_reasons = {code.key for code in declaration.reason_codes}
    if judgement.reason_code and judgement.reason_code not in known_reasons:
        errors.append(FieldError("reason_code", "value", judgement.reason_code))
    if len(judgement.note) > MAX_NOTE_LENGTH:
        errors.append(FieldError("note", "too_long", len(judgement.note)))
    if "\x00" in judgement.note:
        errors.append(FieldError("note", "characters", "NUL"))
    if errors:
        raise InvalidDecision(errors)
    return _verdict(judgement, recommended=route.label, blind=blind)


def _verdict(judgement: Judgement, *, recommended: str, blind: bool) -> Verdict:
    if judgement.verdict == Verdict.UNSURE:
        if judgement.label:
            raise InvalidDecision([FieldError("label", "not_allowed", judgement.label)])
        return Verdict.UNSURE
    if judgement.verdict == Verdict.CONFIRM and not judgement.label:
        if blind or not recommended:
            raise InvalidDecision([FieldError("label", "missing", "")])
        return Verdict.CONFIRM
    if not judgement.label:
        raise InvalidDecision([FieldError("label", "missing", "")])
    follows = Verdict.CONFIRM if judgement.label == recommended else Verdict.OVERRIDE
    if not blind and judgement.verdict not in {"", follows}:
        raise InvalidDecision([FieldError("label", judgement.verdict, judgement.label)])
    return follows


def _insert(
    case: Case,
    *,
    reviewer: User,
    judgement: Judgement,
    now: datetime,
    supersedes: Decision | None = None,
) -> Decision:
    route = case.route
    verdict = check_judgement(
        judgement,
        route=route,
        declaration=case.workflow.declaration,
        blind=case.blind and supersedes is None,
    )
    label = route.label if verdict == Verdict.CONFIRM else judgement.label
    claimed_at = case.leased_at or (supersedes.claimed_at if supersedes else now)
    return Decision.objects.create(
        workflow_id=case.workflow_id,
        case=case,
        round=case.round,
        item_id=case.item_id,
        case_kind=case.kind,
        reviewer=reviewer,
        verdict=verdict,
        label=label,
        reason_code=judgement.reason_code,
        note=judgement.note,
        # Amended with the recommendation in sight: no longer blind evidence.
        blind=case.blind and supersedes is None,
        recommended_label=route.label,
        probability=route.probability,
        model_version_id=route.model_version_id,
        claimed_at=claimed_at,
        opened_at=case.opened_at or claimed_at,
        decided_at=now,
        supersedes=supersedes,
    )


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
    if case.kind == CaseKind.ADJUDICATION:
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
        assigned_to=None,
        leased_by=to,
        lease_token=uuid4(),
        lease_slot=slot,
        leased_at=now,
        lease_expires_at=now + timedelta(seconds=seconds),
        opened_at=now,
    )
