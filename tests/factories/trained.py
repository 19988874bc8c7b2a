"""Models as the product trains them, once a process, registered and put in a stage."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from unittest.mock import patch

import numpy as np
from sklearn.pipeline import Pipeline

from predictions.declaration import Declaration
from predictions.enums import Stage
from predictions.learning.artifacts import ArtifactFacts, dump
from predictions.learning.features import Column, feature_matrix
from predictions.learning.pipelines import Algorithm
from predictions.learning.scorer import Model, ScorerProcess
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.models import ModelVersion, Workflow
from predictions.services.columns import model_columns
from predictions.services.registry import change_stage, register_model
from predictions.services.training import describe
from reviewqueue.models import Snapshot


def train_on(
    declaration: Declaration,
    rows: Sequence[Mapping[str, object]],
    labels: Sequence[str],
    *,
    algorithm: Algorithm = "logistic",
) -> TrainedModel:
    """Train on rows in the order in which they came."""
    columns = model_columns(declaration)
    data = TrainingData(
        matrix=feature_matrix(rows, columns),
        labels=labels,
        times=np.arange(len(labels), dtype=float),
        columns=columns,
        label_keys=declaration.label_keys,
        positive_labels=declaration.positive_labels,
        terms=declaration.label_terms,
    )
    threshold = declaration.decision_threshold
    return train(data, algorithm=algorithm, seed=1, threshold=threshold)


def register(
    workflow: Workflow,
    model: TrainedModel,
    *,
    now: datetime,
    stage: Stage = Stage.CANDIDATE,
    threshold: float | None = None,
    share: float | None = None,
    snapshot: Snapshot | None = None,
) -> ModelVersion:
    """Register a model and move it to a stage."""
    # A test may write into the version's report; the model is shared by many.
    own = replace(model, report=deepcopy(model.report))
    described = describe(
        own, threshold=threshold, snapshot_id=snapshot.pk if snapshot else None
    )
    with _checked_once():
        version = register_model(
            workflow=workflow,
            artifact=_dumped(model.pipeline),
            description=described,
            by=None,
            now=now,
            reference=model.reference,
        )
    if stage == Stage.CANDIDATE:
        return version
    if stage == Stage.CHALLENGER:
        change_stage(version=version, to=Stage.SHADOW, by=None, reason="test", now=now)
    return change_stage(
        version=version, to=stage, by=None, reason="test", share=share, now=now
    )


@lru_cache(maxsize=8)
def _dumped(pipeline: Pipeline) -> bytes:
    return dump(pipeline)


_checked: dict[tuple[object, ...], ArtifactFacts] = {}


@contextmanager
def _checked_once() -> Iterator[None]:
    """Have the child process look at the same bytes once: it loads them to do so."""
    check = ScorerProcess.check

    def looked_up(
        own: ScorerProcess,
        model: Model,
        *,
        columns: Sequence[Column],
        label_keys: Sequence[str],
    ) -> ArtifactFacts:
        asked = (model.sha256, model.trusted, tuple(columns), tuple(label_keys))
        if asked not in _checked:
            _checked[asked] = check(own, model, columns=columns, label_keys=label_keys)
        return _checked[asked]

    with patch.object(ScorerProcess, "check", looked_up):
        yield
