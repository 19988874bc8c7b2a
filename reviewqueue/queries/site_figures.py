"""How often the champion was found wrong at one site, segment by segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Site
from predictions.models import Workflow
from reviewqueue.models import Segment
from reviewqueue.queries.rates import Proportion, proportion
from reviewqueue.queries.trust import is_by_site, of_labels, segments_in_force
from reviewqueue.trust.segments import OTHER


@dataclass(frozen=True, slots=True)
class SegmentAtSite:
    """`wrong` is of the items of the site that people saw, with a label in force."""

    segment: Segment
    wrong: Proportion


# From the site to its items: few, where those of a segment are many.
_AT_SITE = """
SELECT r.segment_id, count(*) FILTER (WHERE o.is_error), count(*)
FROM reviewqueue_route r
JOIN reviewqueue_segment s ON s.id = r.segment_id
JOIN reviewqueue_observation o ON o.item_id = r.item_id
WHERE r.site_id = %(site)s AND r.kind = 'review' AND r.segment_id = ANY(%(segments)s)
  AND r.routed_at >= s.evidence_since AND o.is_error IS NOT NULL
GROUP BY r.segment_id
"""


def segments_at(workflow: Workflow, site: Site) -> list[SegmentAtSite]:
    """Return each segment of the champion with what people found at one site.

    Since the segment's evidence moment, blind or not: for reading, never a ground for
    a grant, which the bounds over all sites are.
    """
    segments = _of_site(of_labels(segments_in_force(workflow)), workflow, site)
    values: dict[str, Any] = {
        "site": site.pk,
        "segments": [one.pk for one in segments],
    }
    with connection.cursor() as cursor:
        cursor.execute(_AT_SITE, values)
        found = {pk: (k, n) for pk, k, n in cursor.fetchall()}
    return [
        SegmentAtSite(one, proportion(*found.get(one.pk, (0, 0)))) for one in segments
    ]


def _of_site(
    segments: Sequence[Segment], workflow: Workflow, site: Site
) -> list[Segment]:
    """Leave out the slices of other sites: who looks may not know that they are there.

    A site that is too small for slices of its own is among the others.
    """
    own = {one.label for one in segments if one.value == site.key}
    return [
        one
        for one in segments
        if not is_by_site(one.feature, workflow.declaration)
        or one.value == (site.key if one.label in own else OTHER)
    ]
