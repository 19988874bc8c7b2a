"""Items drawn for people, and what turned out: what every estimate rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from lifecycle.judging.business import Rows
from lifecycle.judging.model import Truths
from lifecycle.queries.windows import Window
from predictions.enums import Stage
from predictions.models import ModelEvent, ModelVersion, Workflow

MAX_READ = 200_000
MAX_SINGLE = 5_000

# Review probability is known for what routing sent; what was put back was chosen, and
# has a route that passed. Late truth has the highest version of a label.
_DRAWN = """
WITH drawn AS MATERIALIZED (
    SELECT item_id, routed_at, model_version_id, label, probability, review_probability
    FROM reviewqueue_route
    WHERE workflow_id = %(workflow)s AND kind = 'review' AND label <> ''
      AND routed_at >= %(since)s AND routed_at < %(until)s
      AND (%(version)s::uuid IS NULL OR model_version_id = %(version)s::uuid)
    ORDER BY routed_at DESC LIMIT %(most)s
), known AS (
    SELECT d.*, l.label AS found, l.source
    FROM drawn d
    CROSS JOIN LATERAL (
        SELECT label, source FROM reviewqueue_label
        WHERE item_id = d.item_id ORDER BY version DESC LIMIT 1
    ) l
    WHERE l.label <> ''
)
"""
_ONE_BY_ONE = """
SELECT probability, label, found, review_probability, source = 'outcome' FROM known
"""
_BY_DAY = """
SELECT (routed_at AT TIME ZONE 'UTC')::date, label, found, review_probability, count(*)
FROM known GROUP BY 1, 2, 3, 4
"""


def truths_of(version: ModelVersion, window: Window) -> Truths:
    """Read the newest 5,000 items of a version in a window whose truth is known."""
    found = _read(
        _ONE_BY_ONE, version.workflow, window, version=version.pk, most=MAX_SINGLE
    )
    positive = frozenset(version.workflow.declaration.positive_labels)
    floats = np.float64
    return Truths(
        np.array([_nan(one[0]) for one in found], dtype=floats),
        np.array([one[2] in positive for one in found], dtype=np.bool_),
        np.array([one[1] == one[2] for one in found], dtype=np.bool_),
        np.array([one[3] for one in found], dtype=floats),
        np.array([one[4] for one in found], dtype=np.bool_),
    )


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


@dataclass(frozen=True, slots=True)
class Group:
    """So many items of one day (UTC) that are alike."""

    day: date
    said_positive: bool
    is_positive: bool
    p: float
    copies: int
    cost: float


def groups_of(workflow: Workflow, window: Window) -> list[Group]:
    """Read items of all versions whose truth is known, in groups, by day."""
    declaration = workflow.declaration
    positive = frozenset(declaration.positive_labels)
    return [
        Group(
            day,
            said in positive,
            found in positive,
            p,
            n,
            declaration.error_cost(said, found),
        )
        for day, said, found, p, n in _read(
            _BY_DAY, workflow, window, version=None, most=MAX_READ
        )
    ]


def as_rows(groups: Iterable[Group]) -> Rows:
    """Return groups as arrays."""
    listed = list(groups)
    return Rows(
        np.array([one.said_positive for one in listed], dtype=np.bool_),
        np.array([one.is_positive for one in listed], dtype=np.bool_),
        np.array([one.p for one in listed], dtype=np.float64),
        np.array([one.copies for one in listed], dtype=np.float64),
        np.array([one.cost for one in listed], dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Coming:
    """A version became champion: its number, and when."""

    number: int
    at: datetime


def promotions_of(workflow: Workflow, window: Window) -> list[Coming]:
    """List who became champion in a window, the newest first."""
    moves = ModelEvent.objects.filter(
        model_version__in=ModelVersion.objects.filter(workflow=workflow),
        to_stage=Stage.CHAMPION,
        at__gte=window.since,
        at__lt=window.until,
    ).order_by("-at")
    return [Coming(*one) for one in moves.values_list("model_version__number", "at")]


def _read(
    statement: str,
    workflow: Workflow,
    window: Window,
    *,
    version: UUID | None,
    most: int,
) -> Sequence[tuple[Any, ...]]:
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "version": version,
        "since": window.since,
        "until": window.until,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN + statement, values)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return rows
