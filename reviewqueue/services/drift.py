"""Withdraw autonomy where scores or inputs moved away from those of the evidence."""

from datetime import datetime, timedelta
from typing import Final

from predictions.models import Workflow
from reviewqueue.enums import MoveCause
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.drift import sent_in
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.autonomy import withdraw
from reviewqueue.trust.drift import Drift, detect_drift

SCORE: Final = ""  # no feature has this name

# What repeats every day, or every week, is no drift. Scores are to be heard of soon;
# inputs (an hour, a weekday) follow the calendar more than scores do.
SCORE_WINDOW: Final = timedelta(days=1)
INPUT_WINDOW: Final = timedelta(days=7)


def watch_drift(*, workflow: Workflow, now: datetime) -> list[TrustMove]:
    """Look at every segment that people do not see all of; withdraw where it moved.

    What was sent to people before the last move is what its evidence was gathered on;
    what came since is held against it.
    """
    plan = plan_in_force(workflow)
    moves = [
        _withdraw(segment, found, workflow=workflow, now=now)
        for segment in segments_in_force(workflow)
        if segment.level
        for found in drifts_of(segment, plan, now=now)
        if found.is_beyond(plan.drift_distance)
    ]
    return [one for one in moves if one is not None]


def drifts_of(segment: Segment, plan: TrustPlan, *, now: datetime) -> list[Drift]:
    """Say how far a segment's scores, and its inputs, moved since its last move.

    Each of the two has half of the plan's alpha.
    """
    by_day = sent_in(segment, window=SCORE_WINDOW, now=now)
    by_week = sent_in(segment, window=INPUT_WINDOW, now=now)
    seed = segment.pk.int & 0xFFFF_FFFF
    return [
        detect_drift(rows, n_before=n_before, alpha=plan.alpha / 2, seed=seed)
        for rows, n_before in (
            ({SCORE: by_day.probability}, by_day.n_before),
            (by_week.inputs, by_week.n_before),
        )
        if rows
    ]


def _withdraw(
    segment: Segment, found: Drift, *, workflow: Workflow, now: datetime
) -> TrustMove | None:
    names = {one.name: one.label for one in workflow.declaration.all_features}
    score = "Confidence" if segment.field else "Probability"
    name = score if found.name == SCORE else names.get(found.name, found.name)
    share = f"{(found.distance or 0) * 100:.0f} %"
    return withdraw(
        workflow=workflow,
        segment_id=segment.pk,
        cause=MoveCause.DRIFT,
        by=None,
        reason=f"{name}: {share} of the values are elsewhere than before.",
        now=now,
    )
