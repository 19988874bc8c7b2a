"""Grant autonomy by evidence, and withdraw it: every move of a segment is made here."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import champion_of
from reviewqueue.enums import MoveCause, MoveKind, NoticeKind
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import (
    granted_before,
    is_of_reign,
    part_name,
    segments_in_force,
)
from reviewqueue.services.assessment import (
    Assessed,
    assess,
    cause_of,
    evidence_json,
    why_not,
)
from reviewqueue.services.notices import notify
from reviewqueue.services.shadow_looks import look_again
from reviewqueue.services.trust_plans import first_plan
from reviewqueue.trust.ladder import Verdict

STALE: Final = "The segment has moved since you looked at it."


class MoveRefused(Exception):
    """The segment may not move so; the message says why, `rule` in one word."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@transaction.atomic
def grant(
    *,
    workflow: Workflow,
    segment_id: UUID,
    seen_level: int,
    by: User | None,
    reason: str,
    now: datetime,
) -> TrustMove:
    """Take a segment one level down the ladder, on the evidence of this moment.

    Locks the segment, re-checks the level that the caller saw and the evidence, writes
    segment, move and notice. `by` is None where the plan grants by itself.
    Raises: Segment.DoesNotExist (also of another workflow, or not in force);
    MoveRefused: `stale`, `too_few`, `too_many_errors`, `at_floor`, `withdraw`.
    """
    segment, plan = _locked(workflow, segment_id, now=now)
    if segment.level != seen_level:
        raise MoveRefused("stale", STALE)
    found = assess(workflow=workflow, plan=plan, segments=[segment], now=now)[0]
    if found.standing.verdict != Verdict.MAY_STEP_DOWN:
        raise MoveRefused(found.standing.verdict, why_not(found.standing))
    return _move(
        found,
        workflow=workflow,
        plan=plan,
        kind=MoveKind.GRANT,
        cause=MoveCause.EVIDENCE,
        to_level=segment.level + 1,
        by=by,
        reason=reason,
        now=now,
    )


@transaction.atomic
def withdraw_by_evidence(
    *, workflow: Workflow, segment_id: UUID, now: datetime
) -> TrustMove | None:
    """Withdraw what the evidence of this moment, read under the lock, takes back.

    None where it takes nothing back (any more). Raises: Segment.DoesNotExist, as
    `grant`.
    """
    segment, plan = _locked(workflow, segment_id, now=now)
    found = assess(workflow=workflow, plan=plan, segments=[segment], now=now)[0]
    cause = cause_of(found, plan=plan, workflow=workflow, now=now)
    if cause is None:
        return None
    return _take_back(found, workflow=workflow, plan=plan, cause=cause, now=now)


def withdraw_superseded(*, workflow: Workflow, now: datetime) -> list[TrustMove]:
    """Take back what another champion earned, or this one before it last became it.

    Also what stands in slices that a plan has replaced. Nothing is routed by it; the
    record says so, and nothing comes back with a rollback.
    """
    champion = champion_of(workflow)
    moves = []
    for pk in granted_before(workflow, champion).values_list("pk", flat=True):
        with transaction.atomic():
            rows = granted_before(workflow, champion).select_for_update(no_key=True)
            segment = rows.filter(pk=pk).first()
            if segment is not None:
                moves.append(_supersede(segment, champion, workflow, now=now))
    return moves


def _supersede(
    segment: Segment,
    champion: ModelVersion | None,
    workflow: Workflow,
    *,
    now: datetime,
) -> TrustMove:
    plan = first_plan(workflow=workflow, now=now)
    found = assess(workflow=workflow, plan=plan, segments=[segment], now=now)[0]
    is_resliced = champion is not None and is_of_reign(segment, champion)
    cause = MoveCause.PLAN if is_resliced else MoveCause.CHAMPION
    return _take_back(found, workflow=workflow, plan=plan, cause=cause, now=now)


def start_lower(
    *,
    workflow: Workflow,
    segment_id: UUID,
    seen_level: int,
    by: User | None,
    reason: str,
    now: datetime,
) -> TrustMove:
    """Take a new champion's segment as far down as its shadow evidence allows.

    As `grant`, by what the version said in shadow before it was cut, read again under
    the lock: never further than the last look said, and what is found is kept. Raises:
    Segment.DoesNotExist, as `grant`; MoveRefused: `stale`, `shadow`.
    """
    with transaction.atomic():
        segment, plan = _locked(workflow, segment_id, now=now)
        if segment.level != seen_level:
            raise MoveRefused("stale", STALE)
        found = assess(workflow=workflow, plan=plan, segments=[segment], now=now)[0]
        to_level = look_again(
            segment, workflow=workflow, plan=plan, standing=found.standing, now=now
        )
        if to_level > segment.level:
            return _move(
                found,
                workflow=workflow,
                plan=plan,
                kind=MoveKind.GRANT,
                cause=MoveCause.SHADOW,
                to_level=to_level,
                by=by,
                reason=reason,
                now=now,
            )
    # what was found stays, so that it is not offered again
    raise MoveRefused("shadow", "What it said in shadow does not allow it.")


@transaction.atomic
def withdraw(
    *,
    workflow: Workflow,
    segment_id: UUID,
    cause: MoveCause,
    by: User | None,
    reason: str,
    now: datetime,
) -> TrustMove | None:
    """Take a segment back to review all; its evidence starts again now.

    None when nothing was granted: a second click, or the watch was faster.
    Raises: Segment.DoesNotExist, as `grant`.
    """
    segment, plan = _locked(workflow, segment_id, now=now)
    if segment.level == 0:
        return None
    found = assess(workflow=workflow, plan=plan, segments=[segment], now=now)[0]
    return _take_back(
        found,
        workflow=workflow,
        plan=plan,
        cause=cause,
        by=by,
        reason=reason,
        now=now,
    )


def _locked(
    workflow: Workflow, segment_id: UUID, *, now: datetime
) -> tuple[Segment, TrustPlan]:
    """Lock a segment in force. Its plan is the one of this moment."""
    in_force = {one.pk for one in segments_in_force(workflow)}
    if segment_id not in in_force:
        raise Segment.DoesNotExist
    # No key lock: items that are being routed refer to the segment, and do not wait.
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment_id)
    return segment, first_plan(workflow=workflow, now=now)


def _take_back(
    found: Assessed,
    *,
    workflow: Workflow,
    plan: TrustPlan,
    cause: MoveCause,
    by: User | None = None,
    reason: str = "",
    now: datetime,
) -> TrustMove:
    return _move(
        found,
        workflow=workflow,
        plan=plan,
        kind=MoveKind.WITHDRAW,
        cause=cause,
        to_level=0,
        by=by,
        reason=reason,
        now=now,
    )


def _move(
    found: Assessed,
    *,
    workflow: Workflow,
    plan: TrustPlan,
    kind: MoveKind,
    cause: MoveCause,
    to_level: int,
    by: User | None,
    reason: str,
    now: datetime,
) -> TrustMove:
    segment = found.segment
    before = (segment.level, segment.review_probability)
    segment.level, segment.moved_at = to_level, now
    segment.review_probability = plan.ladder[to_level]
    if kind == MoveKind.WITHDRAW:
        segment.evidence_since = now
    segment.save(
        update_fields=["level", "moved_at", "review_probability", "evidence_since"]
    )
    move = TrustMove.objects.create(
        workflow_id=segment.workflow_id,
        segment=segment,
        plan=plan,
        kind=kind,
        cause=cause,
        from_level=before[0],
        to_level=to_level,
        from_probability=before[1],
        to_probability=segment.review_probability,
        evidence=segment.shadow
        if cause == MoveCause.SHADOW
        else evidence_json(found, plan),
        by=by,
        reason=reason,
        at=now,
    )
    _tell(move, workflow=workflow, is_floor=to_level == len(plan.ladder) - 1, now=now)
    return move


def _tell(
    move: TrustMove, *, workflow: Workflow, is_floor: bool, now: datetime
) -> None:
    segment = move.segment
    share = f"{move.to_probability * 100:g} %"
    where = f"“{part_name(segment, workflow)}”, {segment.low:g} to {segment.high:g}"
    if move.kind == MoveKind.WITHDRAW:
        text = f"Autonomy withdrawn from {where}: people see every item again."
        kinds = [NoticeKind.WITHDRAWN]
    else:
        text = f"Autonomy granted to {where}: people see {share}."
        kinds = [NoticeKind.GRANTED]
        if is_floor:
            kinds.append(NoticeKind.FLOOR_REACHED)
    data = {
        "move": str(move.pk),
        "segment": str(segment.pk),
        "cause": move.cause,
        "from_probability": move.from_probability,
        "to_probability": move.to_probability,
    }
    for kind in kinds:
        notify(workflow=workflow, kind=kind, text=text, data=data, now=now)
