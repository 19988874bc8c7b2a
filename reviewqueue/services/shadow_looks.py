"""Look at what a new champion said in shadow, and say how far down it may start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from predictions.models import Workflow
from reviewqueue.enums import EvidenceKind
from reviewqueue.models import Segment, TrustPlan
from reviewqueue.queries.gold import reviewers_below_floor
from reviewqueue.queries.shadow_evidence import (
    ShadowEvidence,
    Window,
    n_tried,
    shadow_evidence_of,
    shadow_window,
)
from reviewqueue.queries.trust import of_labels, segments_of, tolerated_of
from reviewqueue.trust.ladder import Standing
from reviewqueue.trust.shadow import ShadowTerms, can_start_lower, judge_shadow

FRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for the segments of a version, and on what terms."""

    workflow: Workflow
    plan: TrustPlan
    window: Window
    n_tried: int
    evidence: dict[UUID, ShadowEvidence]
    at: datetime

    def terms(self, segment: Segment) -> ShadowTerms:
        shares = segment.n_sharing * self.n_tried
        return ShadowTerms(
            tolerated=tolerated_of(segment.label, self.plan, self.workflow.declaration),
            delta=self.plan.delta * segment.shadow_share / shares,
            min_reviews=self.plan.min_reviews,
            n_levels=len(self.plan.ladder),
        )

    def can_help(self, segment: Segment) -> bool:
        return can_start_lower(self.evidence[segment.pk].seen, self.terms(segment))

    def as_json(self, segment: Segment) -> dict[str, object]:
        """Write down what was found for a segment: counts, bound, promise, versions."""
        terms, evidence = self.terms(segment), self.evidence[segment.pk]
        found = judge_shadow(evidence.seen, terms)
        return {
            "reviews": found.reviews,
            "errors": found.errors,
            "unresolved": evidence.n_unresolved,
            "bound": found.bound,
            "level": found.level,
            "tolerated": terms.tolerated,
            "delta": terms.delta,
            "versions_tried": self.n_tried,
            "shares": [list(row) for row in evidence.rows],
            "counts": self.plan.evidence,
            "since": self.window.since,
            "until": self.window.until,
            "at": self.at,
            "plan_version": self.plan.version,
            "model_version": str(segment.model_version_id),
        }


def look_at_shadow(
    *, workflow: Workflow, plan: TrustPlan, segments: Sequence[Segment], now: datetime
) -> bool:
    """Make the looks that are due at segments of one slicing; say whether any was.

    Where no look could help, none is made, and the segment's own evidence has all of
    its share of delta. Writes each by compare-and-set: of two watchers one looks.
    """
    due = [one for one in segments if one.shadow_share and one.shadow is None]
    if not due:
        return False
    read = read_shadow(workflow=workflow, plan=plan, segments=segments, now=now)
    for one in due:
        not_yet = Segment.objects.filter(
            pk=one.pk, shadow_share__gt=0, shadow__isnull=True
        )
        if read.can_help(one):
            not_yet.update(shadow=read.as_json(one))
        else:
            not_yet.update(shadow_share=0)
    return True


def read_shadow(
    *, workflow: Workflow, plan: TrustPlan, segments: Sequence[Segment], now: datetime
) -> Read:
    """Read the shadow evidence of all segments of one slicing; writes nothing."""
    first = segments[0]
    window = shadow_window(workflow, cut_at=first.created_at, now=now)
    evidence = shadow_evidence_of(
        segments,
        window=window,
        is_blind=plan.evidence == EvidenceKind.BLIND,
        excluded_reviewers=reviewers_below_floor(workflow, plan),
    )
    tried = n_tried(first.model_version)
    return Read(workflow, plan, window, tried, evidence, now)


def look_again(
    segment: Segment,
    *,
    workflow: Workflow,
    plan: TrustPlan,
    standing: Standing,
    now: datetime,
) -> int:
    """Look anew where a segment may start lower, and return how low it may.

    Never lower than the last look said: that is what a person saw. One of less than a
    minute ago, as when the plan grants by itself, is not repeated. Keeps what was found
    on the segment, whose lock the caller holds. The bound holds at every look.
    """
    offered = shadow_level(segment, plan=plan, standing=standing)
    if offered <= segment.level or _is_fresh(segment, plan, now):
        return offered
    segments = of_labels(segments_of(segment.model_version))
    read = read_shadow(workflow=workflow, plan=plan, segments=segments, now=now)
    segment.shadow = read.as_json(segment)
    segment.save(update_fields=["shadow"])
    return min(offered, shadow_level(segment, plan=plan, standing=standing))


def _is_fresh(segment: Segment, plan: TrustPlan, now: datetime) -> bool:
    found = shadow_of(segment)
    if found is None or found["plan_version"] != plan.version:
        return False
    return now - datetime.fromisoformat(found["at"]) < FRESH


def shadow_level(segment: Segment, *, plan: TrustPlan, standing: Standing) -> int:
    """Return how far down shadow evidence lets a segment go, at least where it is.

    Nowhere where the segment's own evidence, of which `standing` is, speaks against it.
    """
    found = shadow_of(segment)
    if found is None:
        return segment.level
    if standing.alarm.at is not None or standing.lower > found["tolerated"]:
        return segment.level
    allowed = min(int(found["level"]), len(plan.ladder) - 2)
    return max(allowed, segment.level)


def shadow_of(segment: Segment) -> dict[str, Any] | None:
    """Return what the last look found; nothing once autonomy was withdrawn.

    What was learnt before a withdrawal no longer describes the segment.
    """
    if segment.evidence_since != segment.created_at:
        return None
    found: dict[str, Any] | None = segment.shadow
    return found
