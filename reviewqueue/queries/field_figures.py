"""Of each declared field: how often it is corrected, and how far people agree on it."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

from accounts.sites import ALL_SITES, Sites, as_array
from predictions.declaration_fields import FieldSpec
from predictions.fields.comparing import match_f1, mean_overlap, same_value
from predictions.models import Workflow
from reviewqueue.enums import CaseKind
from reviewqueue.queries.judgements import MAX_ROWS
from reviewqueue.trust.agreement import (
    Agreement,
    Judgements,
    interval_alpha,
    krippendorff_alpha,
    mean_closeness,
)
from reviewqueue.trust.reliance import Share, share_of

SEED: Final = 20_260_302
NOTHING: Final = ""
# Which coefficient says how far people agree on fields of a type.
MEASURES: Final[Mapping[str, str]] = {
    "number": "alpha_interval",
    "integer": "alpha_interval",
    "datetime": "alpha_interval",
    "category": "alpha",
    "boolean": "alpha",
    "text": "alpha",
    "boxes": "mean_overlap",
    "polygons": "mean_overlap",
    "points": "f1",
    "spans": "f1",
}


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """One field: corrections of what was shown and of what was withheld, agreement.

    `same`: the share of items whose people are the same within the tolerance, over the
    pairs of an item; `coefficient` is what `measure` names.
    """

    name: str
    title: str
    type: str
    measure: str
    shown: Share
    blind: Share
    same: Agreement
    coefficient: Agreement


type Reading = tuple[str, Mapping[str, Any]]  # label and fields

_COUNTED = """
SELECT d.label, d.blind, d.corrected, count(*)
FROM (
    SELECT * FROM reviewqueue_decision d
    WHERE workflow_id = %(workflow)s
      AND decided_at >= %(since)s AND decided_at < %(until)s
      AND (%(sites)s::uuid[] IS NULL OR site_id = ANY(%(sites)s::uuid[]))
      AND case_kind = ANY(%(kinds)s) AND supersedes_id IS NULL AND fields IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction x
                      WHERE x.decision_id = d.id AND x.kind = 'undo')
    ORDER BY decided_at DESC, id DESC LIMIT %(limit)s
) d
JOIN reviewqueue_route r ON r.item_id = d.item_id
WHERE EXISTS (SELECT 1 FROM predictions_predictedfields f
              WHERE f.prediction_id = r.prediction_id)
GROUP BY 1, 2, 3
"""
# The items with several readers first: most of what there is has one.
_SHARED = """
SELECT d.item_id, d.reviewer_id, d.label, d.fields
FROM reviewqueue_decision d
WHERE d.workflow_id = %(workflow)s
  AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
  AND (%(sites)s::uuid[] IS NULL OR d.site_id = ANY(%(sites)s::uuid[]))
  AND d.case_kind = ANY(%(kinds)s) AND d.supersedes_id IS NULL
  AND d.fields IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction x
                  WHERE x.decision_id = d.id AND x.kind = 'undo')
  AND EXISTS (SELECT 1 FROM reviewqueue_decision o
              WHERE o.item_id = d.item_id AND o.reviewer_id <> d.reviewer_id
                AND o.case_kind = ANY(%(kinds)s) AND o.fields IS NOT NULL)
ORDER BY d.decided_at DESC, d.id DESC LIMIT %(limit)s
"""


def field_figures(
    workflow: Workflow,
    *,
    since: datetime,
    until: datetime,
    sites: Sites = ALL_SITES,
) -> list[FieldFigures]:
    """Return the figures of each field over the newest 20,000 judgements of a window.

    As people first judged, without adjudication and gold.
    """
    specs = workflow.declaration.fields
    if not specs:
        return []
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "since": since,
        "until": until,
        "sites": as_array(sites),
        "kinds": [CaseKind.REVIEW.value, CaseKind.SECOND.value],
        "limit": MAX_ROWS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, values)
        counted = cursor.fetchall()
        cursor.execute(_SHARED, values)
        items = _by_item(cursor.fetchall())
    return [_figures(one, counted, items) for one in specs]


def _by_item(rows: Sequence[tuple[UUID, UUID, str, str]]) -> list[list[Reading]]:
    """Return the readings of each item, one of each person; the rows are newest first.

    In the order of the items' ids: the same rows give the same interval.
    """
    found: dict[UUID, dict[UUID, Reading]] = defaultdict(dict)
    for item, reviewer, label, fields in rows:
        found[item][reviewer] = (label, orjson.loads(fields))
    return [list(found[item].values()) for item in sorted(found)]


def _figures(
    spec: FieldSpec,
    counted: Sequence[tuple[str, bool, list[str], int]],
    items: Sequence[Sequence[Reading]],
) -> FieldFigures:
    n: Counter[bool] = Counter()
    wrong: Counter[bool] = Counter()
    for label, blind, corrected, count in counted:
        if spec.is_asked_with(label):
            n[blind] += count
            wrong[blind] += count * (spec.name in corrected)
    asked = [
        [
            fields.get(spec.name)
            for label, fields in readings
            if spec.is_asked_with(label)
        ]
        for readings in items
    ]
    shared = [given for given in asked if len(given) >= 2]
    return FieldFigures(
        name=spec.name,
        title=spec.label,
        type=spec.type,
        measure=MEASURES[spec.type],
        shown=share_of(wrong[False], n[False]),
        blind=share_of(wrong[True], n[True]),
        same=_closeness(spec, shared, _same),
        coefficient=_coefficient(spec, shared),
    )


def _coefficient(spec: FieldSpec, shared: Sequence[Sequence[object]]) -> Agreement:
    measure = MEASURES[spec.type]
    if measure == "alpha_interval":
        numbers = [
            [_number(value) for value in given if value is not None] for given in shared
        ]
        return interval_alpha(numbers, seed=SEED)
    if measure == "alpha":
        rows = [
            (str(item), str(person), _named(value))
            for item, given in enumerate(shared)
            for person, value in enumerate(given)
        ]
        columns = ([row[at] for row in rows] for at in range(3))
        return krippendorff_alpha(Judgements.of(*columns), seed=SEED)
    near = mean_overlap if measure == "mean_overlap" else match_f1
    return _closeness(
        spec, shared, lambda one, a, b: near(one, _regions(a), _regions(b))
    )


type _Near = Callable[[FieldSpec, object, object], float]


def _closeness(
    spec: FieldSpec, shared: Sequence[Sequence[object]], near: _Near
) -> Agreement:
    means = []
    for given in shared:
        pairs = [near(spec, a, b) for a, b in combinations(given, 2)]
        means.append(math.fsum(pairs) / len(pairs))
    return mean_closeness(means, [len(given) for given in shared], seed=SEED)


def _same(spec: FieldSpec, first: object, second: object) -> float:
    return float(same_value(spec, first, second))


def _regions(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    if isinstance(value, int | float):
        return float(value)
    return datetime.fromisoformat(str(value)).timestamp()


def _named(value: object) -> str:
    if value is None:
        return NOTHING
    return str(value)
