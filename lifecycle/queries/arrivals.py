"""What monitors of the model read of items: features, scores, what was refused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from accounts.sites import ALL_SITES, Sites, as_array
from lifecycle.queries.windows import Window
from predictions.enums import SCORING_STAGES, ModelEventKind, Stage
from predictions.learning.features import Matrix, columns_from_json, feature_matrix
from predictions.masking import masked_values
from predictions.models import Item, ModelEvent, ModelVersion, QuarantinedItem, Workflow
from predictions.queries.measured import features_sql, measurements_of

OLDEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Met:
    """A sample [n] of what a version met: inputs [n, k], raw scores, positive calls."""

    matrix: Matrix
    scores: NDArray[np.float64]
    calls: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)


# A hash of the id thins out: a sample of the whole window, the same at every try.
_MET = """
SELECT {features}, p.score, p.label
FROM (SELECT item_id FROM reviewqueue_route
      WHERE workflow_id = %(workflow)s
        AND routed_at >= %(since)s AND routed_at < %(until)s
        AND (%(sites)s::uuid[] IS NULL OR site_id = ANY(%(sites)s::uuid[]))
      ORDER BY md5(item_id::text) LIMIT %(most)s) r
JOIN predictions_item i ON i.id = r.item_id
JOIN predictions_prediction p
    ON p.item_id = r.item_id AND p.model_version_id = %(version)s
"""


def met_by(
    version: ModelVersion, window: Window, *, most: int, sites: Sites = ALL_SITES
) -> Met:
    """Read what a version was asked about in a window: a sample of at most so many."""
    values: dict[str, Any] = {
        "workflow": version.workflow_id,
        "version": version.pk,
        "since": window.since,
        "until": window.until,
        "most": most,
        "sites": as_array(sites),
    }
    features = features_sql(version.workflow.declaration)
    with connection.cursor() as cursor:
        cursor.execute(_MET.format(features=features), values)
        found = cursor.fetchall()
    positive = frozenset(version.workflow.declaration.positive_labels)
    columns = columns_from_json(version.columns)
    declaration = version.workflow.declaration
    known = [masked_values(orjson.loads(one), declaration) for one, _, _ in found]
    matrix = feature_matrix(known, columns)
    return Met(
        matrix[:, : len(columns)],
        np.array([score for _, score, _ in found], dtype=np.float64),
        np.array([label in positive for _, _, label in found], dtype=np.bool_),
    )


def scoring_since(version: ModelVersion) -> datetime:
    """Return since when a version has been asked about every item, without a gap."""
    moves = ModelEvent.objects.filter(
        model_version=version, kind=ModelEventKind.STAGE_CHANGED
    ).order_by("-at", "-pk")
    since = version.created_at
    for move in moves:
        if move.to_stage not in SCORING_STAGES:
            break
        since = move.at
    return since


def champion_since(version: ModelVersion) -> datetime:
    """Return when a version last became champion; else when it was registered."""
    moves = ModelEvent.objects.filter(model_version=version, to_stage=Stage.CHAMPION)
    at = moves.order_by("-at").values_list("at", flat=True).first()
    return at or version.created_at


def newest_rows(
    workflow: Workflow, *, until: datetime, most: int
) -> list[tuple[Mapping[str, object], Sequence[str]]]:
    """Read features and warnings of the newest items of seven days, newest first."""
    items = Item.objects.filter(workflow=workflow).order_by("-pk")
    rows = items.values_list("pk", "features", "warnings", "received_at")[:most]
    found = [one for one in rows if until - OLDEST <= one[3] <= until]
    known = measurements_of(workflow.declaration, [one[0] for one in found])
    return [
        ({**sent, **known[pk].values} if pk in known else sent, warnings)
        for pk, sent, warnings, _ in found
    ]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Of the newest n arrivals k were refused, by field and rule."""

    k: int
    n: int
    rules: Mapping[str, int]


def newest_refusals(workflow: Workflow, *, until: datetime, most: int) -> Refusals:
    """Count what was refused among the newest arrivals of seven days."""
    items = Item.objects.filter(workflow=workflow).order_by("-pk")
    refused = QuarantinedItem.objects.filter(workflow=workflow)
    # by status each has its index; resubmitted ones are items as well
    rows = refused.order_by("-pk").values_list("received_at", "errors")[:most]
    arrived: list[tuple[datetime, Sequence[Mapping[str, object]] | None]] = [
        (at, None) for at in items.values_list("received_at", flat=True)[:most]
    ]
    arrived += [(at, errors) for at, errors in rows]
    newest = sorted(arrived, key=lambda one: one[0], reverse=True)[:most]
    within = [one for one in newest if until - OLDEST <= one[0] <= until]
    broken = [errors for _, errors in within if errors is not None]
    rules = Counter(name for errors in broken for name in _named(errors))
    return Refusals(len(broken), len(within), rules)


def _named(errors: Sequence[Mapping[str, object]]) -> set[str]:
    """Name field and rule of each error: never a value."""
    return {f"{one.get('field')}: {one.get('rule')}"[:80] for one in errors}
