"""Train a model version from labelled rows and register it as a candidate."""

from datetime import datetime
from uuid import UUID

import numpy as np

from accounts.models import User
from predictions.declaration import Declaration
from predictions.learning.artifacts import dump
from predictions.learning.features import columns_to_json, feature_matrix
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.masking import masked_values
from predictions.models import ModelVersion, Workflow
from predictions.services.columns import model_columns
from predictions.services.labelled_rows import LabelledRows, split_group
from predictions.services.registry import ModelDescription, register_model


def train_version(
    *,
    workflow: Workflow,
    rows: LabelledRows,
    algorithm: Algorithm,
    seed: int,
    by: User | None,
    now: datetime,
    name: str = "",
) -> ModelVersion:
    """Train on the declared features and register the result; does not promote.

    Rows of one subject stay on one side of the split; of a machine, those of a day.
    Raises: TooFewLabels saying which count is short; RegistrationRefused.
    """
    declaration = workflow.declaration
    columns = model_columns(declaration)
    trained = train(
        TrainingData(
            matrix=feature_matrix(
                [masked_values(row, declaration) for row in rows.features], columns
            ),
            labels=list(rows.labels),
            times=np.array([moment.timestamp() for moment in rows.occurred_at]),
            columns=columns,
            label_keys=declaration.label_keys,
            positive_labels=declaration.positive_labels,
            weights=None if rows.weights is None else np.asarray(rows.weights),
            subjects=_subjects(rows, declaration),
            terms=declaration.label_terms,
        ),
        algorithm=algorithm,
        seed=seed,
        threshold=declaration.decision_threshold,
    )
    return register_model(
        workflow=workflow,
        artifact=dump(trained.pipeline),
        description=describe(
            trained,
            name=name or algorithm.replace("_", " "),
            snapshot_id=rows.snapshot_id,
        ),
        by=by,
        now=now,
        reference=trained.reference,
    )


def describe(
    trained: TrainedModel,
    *,
    name: str = "",
    threshold: float | None = None,
    snapshot_id: UUID | None = None,
) -> ModelDescription:
    """Return what the registry asks of a model; its own threshold by default."""
    return ModelDescription(
        columns=columns_to_json(trained.columns),
        label_keys=trained.label_keys,
        calibration=trained.calibration.to_json(),
        references=trained.references,
        report=trained.report,
        name=name,
        threshold=threshold or trained.threshold,
        snapshot_id=snapshot_id,
    )


def _subjects(rows: LabelledRows, declaration: Declaration) -> list[str | None] | None:
    """Return what belongs on one side of the split, where subjects are declared."""
    name = declaration.subject
    if name is None:
        return None
    found = (row.get(name) for row in rows.features)
    known = (None if value is None else str(value) for value in found)
    return [
        split_group(declaration, value, moment)
        for value, moment in zip(known, rows.occurred_at, strict=True)
    ]
