"""Whether each model version works: events, and a breaker against a hanging one.

A version that failed several times in a row is not asked for a while, so that its
items reach people at once instead of after the time budget; it is then tried again,
without a restart. The breaker lives in this process: losing it costs one time-out.
What happened is in the events alone, which all processes share.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from predictions.enums import ModelEventKind
from predictions.learning.failures import ScorerBusy, ScoringFailed
from predictions.models import ModelEvent, ModelVersion

FAILURES_TO_OPEN = 3
OPEN_SECONDS = 15.0


class ModelPaused(ScoringFailed):
    """The version failed again and again and is not asked for a moment."""

    reason = "model_paused"


@dataclass
class _Health:
    n_failures: int = 0
    open_until: float = 0.0


_health: dict[UUID, _Health] = {}


def refuse_while_open(version: ModelVersion) -> None:
    """Fail at once while the breaker of the version is open.

    Raises: ModelPaused.
    """
    health = _health.get(version.id)
    if health and time.monotonic() < health.open_until:
        raise ModelPaused("not asked again yet")


def note_failure(
    *, version: ModelVersion, failure: ScoringFailed, n_items: int, now: datetime
) -> None:
    """Count a batch that had no answer; write a `ModelEvent`.

    A batch that was not asked (breaker open, scorer busy with others) is not held
    against the version, but has its event too.
    """
    if not isinstance(failure, ModelPaused | ScorerBusy):
        _count_failure(version)
    _note(ModelEventKind.FAILED, version, failure.reason, n_items=n_items, now=now)


def note_bad_rows(
    *, version: ModelVersion, failure: ScoringFailed, n_items: int, now: datetime
) -> None:
    """Write a `ModelEvent` for rows without a score in a batch that was answered.

    The model works: rows that it cannot score must not stop the others, so the
    breaker closes.
    """
    _health.pop(version.id, None)
    _note(ModelEventKind.FAILED, version, failure.reason, n_items=n_items, now=now)


def note_success(*, version: ModelVersion, n_items: int, now: datetime) -> None:
    """Close the breaker; write a `ModelEvent` when the last one was a failure.

    The last one is read from the table: the failures may have been another process's.
    """
    _health.pop(version.id, None)
    if _last_kind(version) == ModelEventKind.FAILED:
        _note(ModelEventKind.RECOVERED, version, "", n_items=n_items, now=now)


def _count_failure(version: ModelVersion) -> None:
    health = _health.setdefault(version.id, _Health())
    health.n_failures += 1
    if health.n_failures >= FAILURES_TO_OPEN:
        health.open_until = time.monotonic() + OPEN_SECONDS


# Asked with every batch: the ORM takes five times as long to write it.
_LAST_KIND = """
SELECT kind FROM predictions_modelevent
WHERE model_version_id = %s AND kind IN (%s, %s)
ORDER BY at DESC, id DESC
LIMIT 1
"""


def _last_kind(version: ModelVersion) -> str | None:
    kinds = (ModelEventKind.FAILED.value, ModelEventKind.RECOVERED.value)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_KIND, [version.pk, *kinds])
        row = cursor.fetchone()
    return row[0] if row else None


def _note(
    kind: ModelEventKind,
    version: ModelVersion,
    reason: str,
    *,
    n_items: int,
    now: datetime,
) -> None:
    ModelEvent.objects.create(
        model_version=version, kind=kind, reason=reason, n_items=n_items, at=now
    )


def forget_all() -> None:
    """Close every breaker of this process."""
    _health.clear()
