"""Train a model version from labelled rows and register it as a candidate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from accounts.models import User
from predictions.learning.artifacts import dump
from predictions.learning.features import columns_to_json, feature_matrix
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TrainingData, train
from predictions.models import ModelVersion, Workflow
from predictions.services.columns import model_columns
from predictions.services.registry import ModelDescription, register_model


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows to learn from, all of the same length; weights are 1 / review probability.

    `occurred_at` orders them: the model is trained on the past and judged on what
    came after it.
    """

    features: Sequence[Mapping[str, object]]
    labels: Sequence[str]
    occurred_at: Sequence[datetime]
    weights: Sequence[float] | None = None
    snapshot_id: UUID | None = None


def joined_rows(parts: Sequence[LabelledRows]) -> LabelledRows:
    """Put rows of several sources together; rows without weights weigh 1."""
    if len(parts) == 1:
        return parts[0]
    return LabelledRows(
        features=[one for part in parts for one in part.features],
        labels=[one for part in parts for one in part.labels],
        occurred_at=[one for part in parts for one in part.occurred_at],
        weights=[
            one for part in parts for one in part.weights or [1.0] * len(part.labels)
        ],
        snapshot_id=next(
            (part.snapshot_id for part in parts if part.snapshot_id is not None), None
        ),
    )


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
