"""Let rows pass through a workflow by its services, at moments of their own."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from predictions.enums import IntakeSource
from predictions.models import ModelVersion, Workflow
from predictions.services.intake import IntakeResult, store_items
from predictions.services.labelled_rows import LabelledRows
from predictions.services.training import train_version
from reviewqueue.proof.data_sets import Row
from reviewqueue.queries.policies import declared_policy
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.policies import TERMS, PolicyTerms, put_policy

BATCH: Final = 1000

type Say = Callable[[str], Any]
type Told = Callable[[object], Mapping[str, object] | None]


def relax_commits() -> None:
    """Do not wait for the disk: what a crash could lose is lost with the run anyway."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")


def put_terms(
    workflow: Workflow,
    *,
    reason: str,
    now: datetime,
    **changes: Any,  # noqa: ANN401 -- whatever the terms are
) -> None:
    """Put the declared policy in force, with some terms changed."""
    declared = declared_policy(workflow)
    terms = PolicyTerms(**{name: getattr(declared, name) for name in TERMS})
    put_policy(
        workflow=workflow,
        terms=replace(terms, **changes),
        by=None,
        reason=reason,
        now=now,
    )


def train_on(
    workflow: Workflow, rows: Sequence[Row], *, seed: int, now: datetime
) -> ModelVersion:
    """Train gradient boosting on rows, and register the version."""
    return train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=[row.features for row in rows],
            labels=[row.label for row in rows],
            occurred_at=[row.occurred_at for row in rows],
        ),
        algorithm="gradient_boosting",
        seed=seed,
        by=None,
        now=now,
    )


def let_arrive(
    workflow: Workflow, rows: Sequence[Row], *, now: datetime
) -> IntakeResult:
    """Store rows, then score and route all that waits."""
    raw = [
        {
            "external_id": row.external_id,
            "occurred_at": row.occurred_at.isoformat(),
            "features": row.features,
        }
        for row in rows
    ]
    result = store_items(
        workflow=workflow,
        chunks=[raw],
        source=IntakeSource.DEMO,
        now=now,
        wake=False,
    )
    while process_batch(workflow=workflow, limit=BATCH, now=now):
        pass
    return result


def hear_truth(workflow: Workflow, rows: Sequence[Row], *, now: datetime) -> int:
    """Record the labels of rows as late truth; return how many were taken."""
    if not rows:
        return 0
    news = [OutcomeRow(row.external_id, row.label, now) for row in rows]
    return record_outcomes(workflow=workflow, rows=news, by=None, now=now).accepted


def looks_of(
    rows: Sequence[Row], *, begin: datetime, per_day: int
) -> Iterator[tuple[datetime, list[Row]]]:
    """Yield each look that has rows: its moment, and what came in until then."""
    step = timedelta(days=1) / per_day
    moment = begin + step
    waiting: list[Row] = []
    for row in rows:
        while row.occurred_at >= moment:
            if waiting:
                yield moment, waiting
            moment, waiting = moment + step, []
        waiting.append(row)
    if waiting:
        yield moment, waiting


def figures_as_json(found: object, *, told: Told = lambda _: None) -> str:
    """Write figures down, null for what is not a number; `told` says some otherwise."""
    plain = _plain(found, told)
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: object, told: Told) -> Any:  # noqa: ANN401 -- whatever JSON can hold
    if (said := told(value)) is not None:
        value = said
    elif is_dataclass(value):
        names = value.__dataclass_fields__
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, Mapping):
        return {str(name): _plain(one, told) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, told) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
