"""Whether each model version works: events, and a breaker against a hanging one.

A version that failed several times in a row is not asked for a while, so that its
items reach people at once instead of after the time budget; it is then tried again,
without a restart. The breaker lives in this process: losing it costs one time-out.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from predictions.enums import ModelEventKind
from predictions.learning.failures import ScoringFailed
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
    """Count a failed batch; write a `ModelEvent` (also while the breaker is open)."""
    health = _health.setdefault(version.id, _Health())
    if time.monotonic() >= health.open_until:
        health.n_failures += 1
        if health.n_failures >= FAILURES_TO_OPEN:
            health.open_until = time.monotonic() + OPEN_SECONDS
    ModelEvent.objects.create(
        model_version=version,
        kind=ModelEventKind.FAILED,
        reason=failure.reason,
        n_items=n_items,
        at=now,
    )


def note_success(*, version: ModelVersion, n_items: int, now: datetime) -> None:
    """Close the breaker; write a `ModelEvent` when there were failures before."""
    if _health.pop(version.id, None) is None:
        return
    ModelEvent.objects.create(
        model_version=version,
        kind=ModelEventKind.RECOVERED,
        n_items=n_items,
        at=now,
    )
