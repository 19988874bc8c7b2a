"""Find the segments in which the parts of a recommendation earn trust."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Site
from predictions.declaration import Declaration
from predictions.enums import Stage
from predictions.fields.predicted import Predicted
from predictions.models import ModelVersion, Workflow
from predictions.services.scoring import Recommendation, ScoredItem
from reviewqueue.models import Segment
from reviewqueue.queries.trust import (
    SITE_FEATURE,
    SegmentMap,
    is_by_site,
    is_of_reign,
    of_labels,
    plan_in_force,
    segments_of,
    trusted_fields,
)
from reviewqueue.services.segment_cuts import cut_segments, fields_uncut
from reviewqueue.trust.parts import asked_together


@dataclass(frozen=True, slots=True)
class Placed:
    """The segments of an item's parts; None for a part that is in none.

    `fields`, in declared order, are those of the fields that are trusted and asked for
    with the recommended label; None where the workflow has none that are trusted.
    """

    label: Segment | None
    fields: tuple[Segment | None, ...] | None = None

    @property
    def review_probability(self) -> float:
        """How often people see the item: as often as its most demanding part asks."""
        parts = (self.label, *(self.fields or ()))
        return asked_together(
            [one.review_probability if one else None for one in parts]
        )

    @property
    def recorded(self) -> tuple[Segment, ...]:
        """Those to be written down with what each asked for; none without fields."""
        if self.fields is None:
            return ()
        return tuple(one for one in (self.label, *self.fields) if one is not None)


def find_segments(
    *,
    workflow: Workflow,
    scored: Sequence[ScoredItem],
    features: Mapping[UUID, Mapping[str, object]],
    now: datetime,
    site_ids: Mapping[UUID, UUID | None] | None = None,
) -> dict[UUID, Placed]:
    """Return the segments of each scored item by its id, for those that have one.

    Cuts the champion's segments once it has made 200 recommendations: until then
    everything goes to people, outside any segment. So does what a challenger
    recommends: it has earned nothing. Cuts those of a field anew that is declared
    otherwise than before.
    """
    scored = [one for one in scored if _is_champions(one)]
    said = [one.recommendation for one in scored if one.recommendation]
    if not said:
        return {}
    champion = said[0].model_version
    known = _cut_where_needed(workflow, champion, now=now)
    if not known:
        return {}
    places = _Places.of(
        [_in_this_reign(one, champion) for one in known], workflow.declaration
    )
    if is_by_site(places.of_labels.feature, workflow.declaration):
        features = _by_site(site_ids or {})
    found = {}
    for one in scored:
        if one.recommendation and one.recommendation.probability is not None:
            placed = places.find(one.recommendation, features.get(one.item_id, {}))
            if placed.label is not None or placed.fields is not None:
                found[one.item_id] = placed
    return found


@dataclass(frozen=True, slots=True)
class _Places:
    """Finds the segments of a champion's recommendations."""

    of_labels: SegmentMap
    of_fields: Mapping[str, "_FieldSegments"]
    declaration: Declaration

    @classmethod
    def of(cls, known: list[Segment], declaration: Declaration) -> "_Places":
        names = dict.fromkeys(one.field for one in known if one.field)
        of_fields = {
            name: _FieldSegments.of([one for one in known if one.field == name])
            for name in names
        }
        return cls(SegmentMap.of(of_labels(known)), of_fields, declaration)

    def find(self, said: Recommendation, features: Mapping[str, object]) -> Placed:
        label = self.of_labels.find(
            label=said.label, probability=said.probability or 0.0, features=features
        )
        if not self.of_fields:
            return Placed(label)
        asked = self.declaration.fields_with(said.label)
        fields = (
            self.of_fields[one.name].find(one.name, said.fields)
            for one in asked
            if one.name in self.of_fields
        )
        return Placed(label, tuple(fields))


@dataclass(frozen=True, slots=True)
class _FieldSegments:
    """The segments of one field: its bands, and what has no confidence."""

    bands: SegmentMap
    without: Segment | None

    @classmethod
    def of(cls, segments: list[Segment]) -> "_FieldSegments":
        bands = [one for one in segments if not one.without_confidence]
        without = [one for one in segments if one.without_confidence]
        return cls(SegmentMap.of(bands), without[0] if without else None)

    def find(self, name: str, said: Predicted | None) -> Segment | None:
        """Return the segment of what was said; none where nothing was of any field."""
        if said is None:
            return None
        confidence = said.confidences.get(name)
        if confidence is None:
            return self.without
        return self.bands.find(label="", probability=confidence, features={})


def _by_site(
    site_ids: Mapping[UUID, UUID | None],
) -> dict[UUID, Mapping[str, object]]:
    """Return the key of each item's site, as if it was a feature."""
    wanted = {pk for pk in site_ids.values() if pk is not None}
    keys = dict(Site.objects.filter(pk__in=wanted).values_list("pk", "key"))
    return {
        item: {SITE_FEATURE: keys[pk]}
        for item, pk in site_ids.items()
        if pk is not None
    }


def _is_champions(one: ScoredItem) -> bool:
    said = one.recommendation
    return said is not None and said.model_version.stage == Stage.CHAMPION


def _in_this_reign(segment: Segment, champion: ModelVersion) -> Segment:
    """Return a segment as items are routed by it; writes nothing.

    What a version earned before it was champion this time counts for nothing, also
    until the watch has taken it back.
    """
    if not is_of_reign(segment, champion):
        segment.level, segment.review_probability = 0, 1.0
    return segment


def _cut_where_needed(
    workflow: Workflow, version: ModelVersion, *, now: datetime
) -> list[Segment]:
    known = segments_of(version)
    if known and not fields_uncut(known, workflow.declaration.fields):
        return known
    plan = plan_in_force(workflow)
    if known and not fields_uncut(known, trusted_fields(plan, workflow.declaration)):
        return known
    return cut_segments(workflow=workflow, version=version, plan=plan, now=now)
