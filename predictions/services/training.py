"""Train a model version from labelled rows and register it as a candidate."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from accounts.models import User
from predictions.learning.artifacts import dump
from predictions.learning.features import columns_to_json, feature_matrix
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TrainingData, train
from predictions.models import ModelVersion, Workflow
from predictions.services.columns import model_columns
from predictions.services.labelled_rows import LabelledRows
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

    Rows of one subject stay on one side of the split.
    Raises: TooFewLabels saying which count is short; RegistrationRefused.
    """
    declaration = workflow.declaration
    columns = model_columns(declaration)
    subject = declaration.subject
    trained = train(
        TrainingData(
            matrix=feature_matrix(rows.features, columns),
            labels=list(rows.labels),
            times=np.array([moment.timestamp() for moment in rows.occurred_at]),
            columns=columns,
            label_keys=declaration.label_keys,
            positive_labels=declaration.positive_labels,
            weights=None if rows.weights is None else np.asarray(rows.weights),
            subjects=[_subject(row, subject) for row in rows.features]
            if subject
            else None,
        ),
        algorithm=algorithm,
        seed=seed,
        threshold=declaration.decision_threshold,
    )
    return register_model(
        workflow=workflow,
        artifact=dump(trained.pipeline),
        description=ModelDescription(
            columns=columns_to_json(trained.columns),
            label_keys=trained.label_keys,
            calibration=trained.calibration.to_json(),
            references=trained.references,
            report=trained.report,
            name=name or algorithm.replace("_", " "),
            threshold=declaration.decision_threshold,
            snapshot_id=rows.snapshot_id,
        ),
        by=by,
        now=now,
    )


def _subject(row: Mapping[str, object], name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value)
