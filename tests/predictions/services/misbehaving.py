"""The model that misbehaves on demand: the amount of an item tells it how."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from predictions.enums import ModelEventKind, Stage
from predictions.learning.artifacts import dump
from predictions.learning.features import Column, columns_to_json
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_model,
)
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.predictions.learning import hanging

GOOD = 100.0
COLUMNS = (Column("amount", "number"),)
LABELS = ("fraud", "legitimate")
TO_PEOPLE = ("review", "model_failed")
FINE = ("review", "uncalibrated")  # the misbehaving model has no calibration


def register_misbehaving(
    workflow: Workflow, *, now: datetime, stage: Stage = Stage.CHAMPION
) -> ModelVersion:
    """Register it in a stage, with an artifact of the workflow's own.

    `TRUSTED_MODEL_TYPES` must name its type.
    """
    fitted = hanging.Misbehaving().fit(np.zeros((2, 1)), list(LABELS))
    fitted.name_ = workflow.slug
    version = register_model(
        workflow=workflow,
        artifact=dump(fitted),
        description=ModelDescription(
            columns=columns_to_json(COLUMNS), label_keys=LABELS
        ),
        by=None,
        now=now,
    )
    return change_stage(version=version, to=stage, by=None, reason="test", now=now)


def store_amounts(
    workflow: Workflow, amounts: Sequence[float], *, now: datetime, first: int = 0
) -> None:
    """Store one item for each amount, numbered from `first`."""
    raw = [
        raw_item(first + number, now=now, amount=amount)
        for number, amount in enumerate(amounts)
    ]
    store(workflow, raw, now=now)


def run(workflow: Workflow, *amounts: float, now: datetime) -> list[tuple[str, str]]:
    """Store, score and route; return (kind, reason) in the order of the amounts."""
    first = Route.objects.count()
    store_amounts(workflow, amounts, now=now, first=first)
    process_batch(workflow=workflow, limit=1000, now=now)
    wanted = [f"tx-{first + number}" for number in range(len(amounts))]
    routes = {
        route.item.external_id: (route.kind, route.reason)
        for route in Route.objects.select_related("item")
    }
    return [routes[name] for name in wanted]


def failures(version: ModelVersion) -> list[tuple[str, str, int]]:
    """List what happened to a version but its stages, oldest first."""
    events = ModelEvent.objects.filter(model_version=version).exclude(
        kind__in=(ModelEventKind.STAGE_CHANGED, ModelEventKind.REGISTERED)
    )
    return list(events.order_by("at", "id").values_list("kind", "reason", "n_items"))
