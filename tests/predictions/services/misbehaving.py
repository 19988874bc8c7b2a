"""Register the model that misbehaves on demand: the amount of an item tells it how."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from predictions.enums import Stage
from predictions.learning.artifacts import dump
from predictions.learning.features import Column, columns_to_json
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_model,
)
from tests.factories.predictions import raw_item, store
from tests.predictions.learning import hanging

GOOD = 100.0
COLUMNS = (Column("amount", "number"),)
LABELS = ("fraud", "legitimate")


def register_misbehaving(
    workflow: Workflow, *, now: datetime, stage: Stage = Stage.CHAMPION
) -> ModelVersion:
    """Register it in a stage; `TRUSTED_MODEL_TYPES` must name its type."""
    fitted = hanging.Misbehaving().fit(np.array([[0.0], [0.0]]), list(LABELS))
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
