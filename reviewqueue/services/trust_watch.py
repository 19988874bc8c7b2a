"""Look at all that was granted: withdraw what must be, grant what the plan grants."""

from datetime import datetime

from predictions.models import Workflow
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import of_labels, plan_in_force, segments_in_force
from reviewqueue.services.assessment import Assessed, assess, cause_of
from reviewqueue.services.autonomy import (
    MoveRefused,
    grant,
    start_lower,
    withdraw_by_evidence,
    withdraw_superseded,
)
from reviewqueue.services.shadow_looks import look_at_shadow, shadow_level
from reviewqueue.trust.ladder import Verdict


def watch_trust(*, workflow: Workflow, now: datetime) -> list[TrustMove]:
    """Withdraw what the evidence takes back; grant what the plan grants by itself.

    Looks first at what a new champion said in shadow, where that is due.
    Each segment moves in a transaction of its own, on evidence read again under its
    lock; one that somebody else moved meanwhile waits for the next look.
    """
    plan = plan_in_force(workflow)
    moves = withdraw_superseded(workflow=workflow, now=now)
    segments = segments_in_force(workflow)
    cut = of_labels(segments)
    if look_at_shadow(workflow=workflow, plan=plan, segments=cut, now=now):
        segments = segments_in_force(workflow)
    for found in assess(workflow=workflow, plan=plan, segments=segments, now=now):
        move = _follow(found, plan=plan, workflow=workflow, now=now)
        if move is not None:
            moves.append(move)
    return moves


def _follow(
    found: Assessed, *, plan: TrustPlan, workflow: Workflow, now: datetime
) -> TrustMove | None:
    segment = found.segment
    try:
        if cause_of(found, plan=plan, workflow=workflow, now=now) is not None:
            return withdraw_by_evidence(
                workflow=workflow, segment_id=segment.pk, now=now
            )
        return _step_down(found, plan=plan, workflow=workflow, now=now)
    except (MoveRefused, Segment.DoesNotExist):
        # Somebody else was faster: another move, another champion, other slices.
        return None


def _step_down(
    found: Assessed, *, plan: TrustPlan, workflow: Workflow, now: datetime
) -> TrustMove | None:
    if not plan.auto_grant:
        return None
    standing, segment = found.standing, found.segment
    lower = shadow_level(segment, plan=plan, standing=standing) - segment.level
    may_step_down = standing.verdict == Verdict.MAY_STEP_DOWN
    if lower <= 0 and not may_step_down:
        return None
    step = start_lower if lower > int(may_step_down) else grant
    return step(
        workflow=workflow,
        segment_id=segment.pk,
        seen_level=segment.level,
        by=None,
        reason="",
        now=now,
    )
