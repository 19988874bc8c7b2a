"""Have models ready before the first request that waits for a score."""

import structlog
from django.db import DatabaseError, connection

from predictions.enums import Stage
from predictions.learning.failures import ScoringFailed
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import LARGE_FIELDS
from predictions.services.artifacts import scorer
from predictions.services.serving import served

log = structlog.get_logger(__name__)


def warm_scorer() -> int:
    """Start this process's scorer and load the champions; return how many.

    What cannot be loaded now is left to the batch that asks for it, which says so.
    Writes nothing. For a thread of its own, whose connection it gives back.
    """
    n_loaded = 0
    try:
        scorer().start()
        for champion in ModelVersion.objects.filter(stage=Stage.CHAMPION).defer(
            *LARGE_FIELDS
        ):
            n_loaded += _is_warm(champion)
        for name in _readers():
            scorer().load_reader(name)
    except (DatabaseError, ScoringFailed) as error:
        log.warning("scorer_not_warmed", error=type(error).__name__)
    finally:
        connection.close()
    return n_loaded


def _readers() -> set[str]:
    """Name the readers that workflows declare."""
    slots = (slot for one in Workflow.objects.all() for slot in one.declaration.media)
    return {slot.measure for slot in slots if slot.measure}


def _is_warm(champion: ModelVersion) -> bool:
    try:
        served(champion).load()
    except ScoringFailed as failure:
        log.warning(
            "model_not_warmed", model_version_id=str(champion.pk), reason=failure.reason
        )
        return False
    return True
