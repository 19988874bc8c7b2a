"""The terms of autonomy in force, and the segments that stand under them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from django.db.models import QuerySet

from predictions.declaration import Declaration
from predictions.declaration_fields import FieldSpec
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import champion_of
from reviewqueue.enums import EvidenceKind
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.models.tally import BAND_ENDS
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.trust.ladder import tolerated_rate
from reviewqueue.trust.segments import Slice, find_slice

STEPS: Final = (1.0, 0.5, 0.25, 0.1)
MAX_FLOOR: Final = 0.05
# A quarter of the values are elsewhere: what monitors commonly call a large move.
DRIFT_DISTANCE: Final = 0.25
UNASKED: Final = 1.0  # the tolerated rate of a field that is asked for nothing
SITE_FEATURE: Final = "site"  # slices by site, where no feature has this name


def plan_in_force(workflow: Workflow) -> TrustPlan:
    """Return the highest version; before one is written, what we suggest (0)."""
    known = TrustPlan.objects.filter(workflow=workflow).order_by("-version").first()
    return known or suggested_plan(workflow)


def suggested_plan(workflow: Workflow) -> TrustPlan:
    """Return the plan that a new workflow starts with, not stored yet."""
    floor = min(policy_in_force(workflow).audit_share, MAX_FLOOR)
    return TrustPlan(
        workflow=workflow,
        version=0,
        delta=0.05,
        alpha=0.001,
        evidence=EvidenceKind.BLIND,
        ladder=[*STEPS, floor],
        tolerated={},
        tolerated_fields={},
        review_minutes=1.0,
        segment_feature="",
        edges=list(BAND_ENDS),
        min_share=0.05,
        min_reviews=20,
        auto_grant=False,
        gold_share=0.0,
        gold_floor=0.8,
        drift_distance=DRIFT_DISTANCE,
        coaching=True,
        reason="as suggested",
        created_at=workflow.created_at,
    )


def tolerated_of(label: str, plan: TrustPlan, declaration: Declaration) -> float:
    """Return the error rate tolerated where a label is recommended, 0..1.

    By hand where the plan says so, else where passing costs as much as reviewing. By a
    matrix every error counts as the dearest that the label can be: the rate says how
    many are wrong, and not which.
    """
    by_hand: float | None = plan.tolerated.get(label)
    if by_hand is not None:
        return by_hand
    return tolerated_rate(
        review_cost=declaration.costs.review_minute * plan.review_minutes,
        error_cost=declaration.dearest_error(label),
    )


def tolerated_in(
    segment: Segment, plan: TrustPlan, declaration: Declaration
) -> float | None:
    """Return the error rate tolerated in a segment, 0..1; None where none was set.

    That of a field is set by hand: costs are declared for labels alone.
    """
    if not segment.field:
        return tolerated_of(segment.label, plan, declaration)
    by_hand: float | None = plan.tolerated_fields.get(segment.field)
    return by_hand


def trusted_fields(plan: TrustPlan, declaration: Declaration) -> tuple[FieldSpec, ...]:
    """Return the fields that have segments: all but those asked for nothing."""
    rates = plan.tolerated_fields
    return tuple(one for one in declaration.fields if rates.get(one.name) != UNASKED)


def declared_as(spec: FieldSpec) -> str:
    """Return a short hash of all that a field is declared as, but its words."""
    said = spec.model_dump(
        mode="json", exclude={"title", "description"}, exclude_defaults=True
    )
    written = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(written).hexdigest()[:16]


def segments_of(version: ModelVersion) -> list[Segment]:
    """Return the segments of a version as they were cut last, in a stable order.

    Those of the labels, then those of each field, in the order and as declared now.
    """
    cut = segments_cut(version)
    of_labels = [one for one in cut if not one.field]
    found = [one for one in of_labels if one.slicing == of_labels[0].slicing]
    if len(of_labels) < len(cut):
        since = found[0].slicing
        for spec in version.workflow.declaration.fields:
            found += _of_field(spec, [one for one in cut if one.slicing >= since])
    return found


def segments_cut(version: ModelVersion) -> list[Segment]:
    """Return every segment that a version has had, those cut last first."""
    rows = Segment.objects.filter(
        workflow_id=version.workflow_id, model_version=version
    )
    return list(rows.order_by("-slicing", "label", "value", "low"))


def _of_field(spec: FieldSpec, cut: Sequence[Segment]) -> list[Segment]:
    own = [one for one in cut if one.field == spec.name]
    if not own or own[0].declared != declared_as(spec):
        return []
    last = [one for one in own if one.slicing == own[0].slicing]
    return sorted(last, key=lambda one: (one.without_confidence, one.low))


def segments_in_force(workflow: Workflow) -> list[Segment]:
    """Return the segments of the champion, none without one or before they are cut."""
    champion = champion_of(workflow)
    if champion is None:
        return []
    champion.workflow = workflow  # no second look for it
    return segments_of(champion)


def of_labels(segments: Sequence[Segment]) -> list[Segment]:
    """Return those of the labels: fields have no shadow evidence and no what-if."""
    return [one for one in segments if not one.field]


def part_name(segment: Segment, workflow: Workflow) -> str:
    """Name what a segment is of: its label, or its field."""
    declaration = workflow.declaration
    if not segment.field:
        return declaration.label_name(segment.label)
    titles = {one.name: one.label for one in declaration.fields}
    return titles.get(segment.field, segment.field)


def is_of_reign(segment: Segment, champion: ModelVersion) -> bool:
    """Say whether a segment's evidence began since its version last became champion."""
    is_its = segment.model_version_id == champion.pk
    return is_its and segment.evidence_since >= champion.stage_changed_at


def plan_of_last_move(segment: Segment) -> UUID | None:
    """Return the plan by which a segment came to where it is, None where it began.

    Not to be told from moments: a plan is dated before it waited for its turn.
    """
    moves = TrustMove.objects.filter(segment=segment)
    return moves.order_by("-id").values_list("plan_id", flat=True).first()


def granted_before(
    workflow: Workflow, champion: ModelVersion | None
) -> QuerySet[Segment]:
    """Return the granted segments of former champions, reigns and slices."""
    granted = Segment.objects.filter(workflow=workflow, level__gt=0)
    if champion is None:
        return granted
    champion.workflow = workflow
    in_force = [one.pk for one in segments_of(champion)]
    return granted.exclude(
        pk__in=in_force, evidence_since__gte=champion.stage_changed_at
    )


@dataclass(frozen=True, slots=True)
class SegmentMap:
    """Finds the segment of a recommendation among those of one version."""

    segments: tuple[Segment, ...]
    slices: tuple[Slice, ...]
    feature: str

    @classmethod
    def of(cls, segments: list[Segment]) -> "SegmentMap":
        """Prepare the segments of one slicing."""
        slices = (Slice(one.label, one.low, one.high, one.value) for one in segments)
        feature = segments[0].feature if segments else ""
        return cls(tuple(segments), tuple(slices), feature)

    def find(
        self, *, label: str, probability: float, features: Mapping[str, object]
    ) -> Segment | None:
        """Return the segment that holds the recommendation, None without one."""
        value = value_text(features.get(self.feature)) if self.feature else ""
        index = find_slice(
            self.slices, label=label, probability=probability, value=value
        )
        return None if index is None else self.segments[index]


def is_by_site(feature: str, declaration: Declaration) -> bool:
    """Say whether slices by that name are cut by the site of an item."""
    return feature == SITE_FEATURE and declaration.feature(feature) is None


def value_sql(feature: str, declaration: Declaration) -> str:
    """Return SQL for the value that a slice goes by, of an item named `i` in it.

    Its parameter is `feature`.
    """
    if is_by_site(feature, declaration):
        site = "SELECT x.key FROM accounts_site x WHERE x.id = i.site_id"
        return f"COALESCE(({site}), '')"
    return "COALESCE(LEFT(i.features ->> %(feature)s, 200), '')"


def value_text(value: object) -> str:
    """Write the value of a segment's feature as segments keep it, and JSON has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)[:200]
