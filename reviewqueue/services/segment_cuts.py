"""Cut what a champion recommends into the segments in which it earns trust."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection, transaction

from predictions.declaration_fields import FieldSpec
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Segment, TrustPlan
from reviewqueue.queries.shadow_evidence import has_run_in_shadow
from reviewqueue.queries.trust import (
    declared_as,
    segments_cut,
    segments_of,
    trusted_fields,
    value_sql,
)
from reviewqueue.trust.parts import sharing
from reviewqueue.trust.segments import OTHER, Slice, cut_slices, find_slice
from reviewqueue.trust.shadow import SHADOW_SHARE

# Fewer recommendations than these say nothing about where the bands should end.
MIN_PREDICTIONS: Final = 200
MAX_PREDICTIONS: Final = 10_000


def fields_uncut(
    known: Sequence[Segment], fields: Sequence[FieldSpec]
) -> list[FieldSpec]:
    """Return the fields without segments among those known."""
    cut = {one.field for one in known}
    return [one for one in fields if one.name not in cut]


@transaction.atomic
def cut_segments(
    *,
    workflow: Workflow,
    version: ModelVersion,
    plan: TrustPlan,
    now: datetime,
    is_anew: bool = False,
) -> list[Segment]:
    """Write the segments of a version, all at review all; the evidence starts now.

    Cuts by its latest 10,000 recommendations, never by what people decided. Locks the
    workflow; with `is_anew` a new slicing replaces the last one. A field that is
    declared otherwise than before is cut anew alone; with a field more, or trusted
    again, all are, because they share delta. Where the version ran in shadow before
    its first, half of the labels' delta is kept for the look at what it said.
    """
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    cut = segments_cut(version)
    known = segments_of(version) if cut else []
    fields = trusted_fields(plan, workflow.declaration)
    uncut = fields_uncut(known, fields)
    if known and not is_anew and not uncut:
        return known
    epoch = {one.field for one in cut if one.slicing >= known[0].slicing}
    is_part = bool(known) and not is_anew and {one.name for one in uncut} <= epoch
    if is_part:
        fields, n_parts = tuple(uncut), len(epoch)
    else:
        n_parts = 1 + len(fields)
    made = _Cutting(
        workflow=workflow,
        version=version,
        plan=plan,
        slicing=cut[0].slicing + 1 if cut else 1,
        n_parts=n_parts,
        now=now,
    )
    rows = [] if is_part else made.of_labels(is_first=not cut)
    if rows or is_part:
        rows += made.of_fields(fields)
    Segment.objects.bulk_create(rows)
    return segments_of(version)


@dataclass(frozen=True, slots=True)
class _Cutting:
    """One cut: of whom, on what terms, and among how many parts delta is shared."""

    workflow: Workflow
    version: ModelVersion
    plan: TrustPlan
    slicing: int
    n_parts: int
    now: datetime

    def of_labels(self, *, is_first: bool) -> list[Segment]:
        slices = _slices(self.workflow, self.version, self.plan)
        is_looked_at = is_first and has_run_in_shadow(self.version)
        return [
            self._segment(
                one,
                share=share,
                n_sharing=sharing(self.n_parts, len(slices)),
                feature=self.plan.segment_feature,
                shadow_share=SHADOW_SHARE if is_looked_at else 0,
            )
            for one, share in slices
        ]

    def of_fields(self, fields: Sequence[FieldSpec]) -> list[Segment]:
        if not fields:
            return []
        rows = _recent_confidences(self.workflow, self.version)
        return [one for spec in fields for one in self._of_field(spec, rows)]

    def _of_field(
        self, spec: FieldSpec, rows: Sequence[tuple[str, Mapping[str, float]]]
    ) -> list[Segment]:
        """Return the bands of a field's confidence, and the one for what has none."""
        asked = [
            said.get(spec.name) for label, said in rows if spec.is_asked_with(label)
        ]
        given = [one for one in asked if one is not None]
        none = [""] * len(given)
        bands = cut_slices(
            none,
            given,
            none,
            label_keys=[""],
            edges=self.plan.edges,
            min_share=self.plan.min_share,
        )
        counts = Counter(
            find_slice(bands, label="", probability=one, value="") for one in given
        )
        of_field = {
            "field": spec.name,
            "declared": declared_as(spec),
            "n_sharing": sharing(self.n_parts, len(bands)),
        }
        n = max(len(rows), 1)
        found = [
            self._segment(one, share=counts[at] / n, **of_field)
            for at, one in enumerate(bands)
        ]
        without = self._segment(
            Slice("", 0.0, 1.0),
            share=(len(asked) - len(given)) / n,
            without_confidence=True,
            **of_field,
        )
        return [*found, without]

    def _segment(self, one: Slice, **columns: Any) -> Segment:  # noqa: ANN401 -- of a model
        return Segment(
            workflow=self.workflow,
            model_version=self.version,
            slicing=self.slicing,
            label=one.label,
            low=one.low,
            high=one.high,
            value=one.value,
            evidence_since=self.now,
            moved_at=self.now,
            created_at=self.now,
            **columns,
        )


_CONFIDENCES = """
SELECT p.label, COALESCE(f.confidences, '{}'::jsonb)::text
FROM (SELECT id FROM predictions_item
      WHERE workflow_id = %(workflow)s ORDER BY id DESC LIMIT %(limit)s) i
JOIN predictions_prediction p ON p.item_id = i.id AND p.model_version_id = %(version)s
LEFT JOIN predictions_predictedfields f ON f.prediction_id = p.id
"""


def _recent_confidences(
    workflow: Workflow, version: ModelVersion
) -> list[tuple[str, Mapping[str, float]]]:
    """Return what a version recommended lately: the label, and confidences by field."""
    values = {
        "workflow": workflow.pk,
        "version": version.pk,
        "limit": MAX_PREDICTIONS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONFIDENCES, values)
        return [(label, orjson.loads(said)) for label, said in cursor.fetchall()]


_RECENT = """
SELECT p.label, p.probability, {value}
FROM (SELECT id, features, site_id FROM predictions_item
      WHERE workflow_id = %(workflow)s ORDER BY id DESC LIMIT %(limit)s) i
JOIN predictions_prediction p ON p.item_id = i.id AND p.model_version_id = %(version)s
WHERE p.probability IS NOT NULL
"""


def _slices(
    workflow: Workflow, version: ModelVersion, plan: TrustPlan
) -> list[tuple[Slice, float]]:
    """Cut slices, each with its share of the recommendations looked at."""
    values = {
        "feature": plan.segment_feature,
        "workflow": workflow.pk,
        "version": version.pk,
        "limit": MAX_PREDICTIONS,
    }
    with connection.cursor() as cursor:
        value = value_sql(plan.segment_feature, workflow.declaration)
        cursor.execute(_RECENT.format(value=value), values)
        rows = cursor.fetchall()
    if len(rows) < MIN_PREDICTIONS:
        return []
    labels, probabilities, kinds = zip(*rows, strict=True)
    slices = cut_slices(
        labels,
        probabilities,
        kinds if plan.segment_feature else [OTHER] * len(rows),
        label_keys=workflow.declaration.label_keys,
        edges=plan.edges,
        min_share=plan.min_share,
    )
    counts = Counter(
        find_slice(slices, label=label, probability=probability, value=kind)
        for label, probability, kind in rows
    )
    return [(one, counts[at] / len(rows)) for at, one in enumerate(slices)]
