"""Figures of a workflow over a window: what the dashboard and the API show.

Confirmation is counted over live decisions (not undone, not amended away) of first and
second readers on cases that had a recommendation. One pass over the decisions makes
cells; every margin is a sum of cells, so that all figures agree with each other.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from predictions.learning.evaluation import newcombe_difference, wilson_interval
from predictions.models import ModelVersion, Workflow
from reviewqueue.queries.operations import Operations, operations_of

# Lower ends of the probability bands; a band holds its lower end, the last one also 1.
BANDS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
NO_BAND = -1

_CELLS = """
SELECT (d.decided_at AT TIME ZONE 'UTC')::date, d.model_version_id,
       d.recommended_label, d.reviewer_id, d.reason_code, d.verdict, d.blind,
       CASE WHEN d.probability IS NULL THEN -1
            ELSE width_bucket(d.probability, %(bands)s::float8[]) - 1 END,
       count(*)
FROM reviewqueue_decision d
WHERE d.workflow_id = %(workflow)s
  AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
  AND d.case_kind <> 'adjudication'
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction r WHERE r.decision_id = d.id)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """How many decisions share all of these."""

    day: date
    model_version_id: UUID | None
    label: str
    reviewer_id: UUID
    reason_code: str
    verdict: str
    blind: bool
    band: int
    n: int


@dataclass(frozen=True, slots=True)
class Share:
    """k of n with its 95 % Wilson interval; all None without any."""

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a dimension: confirmed of judged, shown and blind apart.

    `query` leads to the decisions behind the figures.
    """

    key: str
    name: str
    shown: Share
    blind: Share
    n_unsure: int
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Gap:
    """Agreement when shown minus agreement when blind, with its 95 % interval."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Confirmation:
    shown: Share
    blind: Share
    overridden: Share
    gap: Gap | None
    n_decisions: int
    n_unsure: int
    by_day: list[Row]
    by_model: list[Row]
    by_label: list[Row]
    by_band: list[Row]
    by_reviewer: list[Row]
    by_reason: list[Row]


@dataclass(frozen=True, slots=True)
class WorkflowMetrics:
    since: datetime
    until: datetime
    confirmation: Confirmation
    operations: Operations
    query: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the API."""
        return asdict(self)


def workflow_metrics(
    workflow: Workflow, *, since: datetime, until: datetime, now: datetime
) -> WorkflowMetrics:
    """Return every figure of a workflow over [since, until)."""
    window = {"decided_from": since.isoformat(), "decided_to": until.isoformat()}
    return WorkflowMetrics(
        since=since,
        until=until,
        confirmation=confirmation_of(workflow, since=since, until=until),
        operations=operations_of(workflow, since=since, until=until, now=now),
        query=window,
    )


def confirmation_of(
    workflow: Workflow, *, since: datetime, until: datetime
) -> Confirmation:
    """Return the confirmation figures over [since, until)."""
    cells = decision_cells(workflow, since=since, until=until)
    known = [cell for cell in cells if cell.label]
    window = {"decided_from": since.isoformat(), "decided_to": until.isoformat()}
    rows = _RowMaker(known, window)
    shown, blind = _agreed(known, blind=False), _agreed(known, blind=True)
    models = ModelVersion.objects.filter(workflow=workflow)
    numbers = {version.pk: version.number for version in models.only("id", "number")}
    people = _usernames({cell.reviewer_id for cell in known})
    declaration = workflow.declaration
    return Confirmation(
        shown=shown,
        blind=blind,
        overridden=share(shown.n - shown.k, shown.n),
        gap=_gap(shown, blind),
        n_decisions=sum(cell.n for cell in cells),
        n_unsure=sum(cell.n for cell in cells if cell.verdict == "unsure"),
        by_day=rows.by(lambda cell: cell.day.isoformat(), str, "day"),
        by_model=rows.by(
            lambda cell: (
                numbers.get(cell.model_version_id, 0) if cell.model_version_id else 0
            ),
            lambda number: f"v{number}",
            "model_version",
        ),
        by_label=rows.by(
            lambda cell: cell.label, declaration.label_name, "recommended_label"
        ),
        by_band=rows.by(lambda cell: cell.band, band_name, "band"),
        by_reviewer=rows.by(lambda cell: people[cell.reviewer_id], str, "reviewer"),
        by_reason=rows.by(
            lambda cell: cell.reason_code,
            lambda key: declaration.reason_name(key) if key else "no reason given",
            "reason",
        ),
    )


def decision_cells(
    workflow: Workflow, *, since: datetime, until: datetime
) -> list[Cell]:
    """Count live decisions of readers in one pass."""
    parameters = {
        "workflow": workflow.pk,
        "since": since,
        "until": until,
        "bands": list(BANDS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, parameters)
        found = cursor.fetchall()
    return [
        Cell(day, model, label, reviewer, reason, verdict, blind, band, n)
        for day, model, label, reviewer, reason, verdict, blind, band, n in found
    ]


def share(k: int, n: int) -> Share:
    """Return k of n with its Wilson interval."""
    if not n:
        return Share(0, 0, None, None, None)
    interval = wilson_interval(k, n)
    return Share(k, n, k / n, interval.low, interval.high)


def band_name(band: int) -> str:
    """Write a band: `5 % - 10 %`."""
    if band == NO_BAND:
        return "not calibrated"
    low, high = band_ends(band)
    return f"{low * 100:g} – {high * 100:g} %"  # noqa: RUF001 -- a range of figures


def band_ends(band: int) -> tuple[float, float]:
    """Return the ends of a band; the upper one belongs to the next band."""
    ends = (*BANDS, 1.0)
    return ends[band], ends[band + 1]


class _RowMaker:
    """Sums cells along one dimension at a time."""

    def __init__(self, cells: Iterable[Cell], window: Mapping[str, str]) -> None:
        self._cells = list(cells)
        self._window = dict(window)

    def by[Key: Hashable](
        self,
        key_of: Callable[[Cell], Key],
        name_of: Callable[[Any], str],
        dimension: str,
    ) -> list[Row]:
        groups: dict[Key, list[Cell]] = defaultdict(list)
        for cell in self._cells:
            groups[key_of(cell)].append(cell)
        return [
            Row(
                key=str(key),
                name=name_of(key),
                shown=_agreed(groups[key], blind=False),
                blind=_agreed(groups[key], blind=True),
                n_unsure=sum(c.n for c in groups[key] if c.verdict == "unsure"),
                query=self._window | _query(dimension, key),
            )
            for key in sorted(groups, key=lambda key: (str(type(key)), key))
        ]


def _query(dimension: str, key: object) -> dict[str, str]:
    if dimension == "day":
        return {"decided_from": f"{key}T00:00:00+00:00", "day": str(key)}
    if dimension == "band" and isinstance(key, int):
        if key == NO_BAND:
            return {}
        low, high = band_ends(key)
        return {"band_low": f"{low:g}", "band_high": f"{high:g}"}
    return {dimension: str(key)}


def _agreed(cells: Iterable[Cell], *, blind: bool) -> Share:
    judged = [c for c in cells if c.blind == blind and c.verdict != "unsure"]
    k = sum(cell.n for cell in judged if cell.verdict == "confirm")
    return share(k, sum(cell.n for cell in judged))


def _gap(shown: Share, blind: Share) -> Gap | None:
    if not shown.n or not blind.n:
        return None
    found = newcombe_difference(shown.k, shown.n, blind.k, blind.n)
    return Gap(found.value, found.low, found.high)


def _usernames(ids: set[UUID]) -> dict[UUID, str]:
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
