"""Four candidates that must not get far: poisoned, leaking, slow, lying."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from lifecycle.proof.declared import FLIPPED, LEAK, honest_columns
from lifecycle.proof.jobs import asked_run, held, trained_by
from lifecycle.services.training_data import read_rows
from predictions.declaration import Declaration
from predictions.enums import Stage
from predictions.learning.artifacts import dump
from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.candidates import with_columns
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.models import ModelVersion, Workflow
from predictions.services.promotion import StageRefused
from predictions.services.registry import change_stage, register_model
from predictions.services.training import describe
from reviewqueue.models import Snapshot

# Each copies the batch and does nothing else: the model is right, and late.
N_IDLE_STEPS: Final = 3_600
# Hardly read by the model: a lie that costs nothing measurable.
SWAPPED: Final = ("amount", "customer_mean_30d")


@dataclass(frozen=True, slots=True)
class Planted:
    """A bad candidate: the gate that should stop it, those that did, and the figure."""

    kind: str
    what: str
    should: str
    failed: tuple[str, ...]
    says: str
    refused_at: str

    @property
    def is_stopped(self) -> bool:
        return self.should in self.failed and bool(self.refused_at)


@dataclass(frozen=True, slots=True)
class _Setting:
    workflow: Workflow
    snapshot: Snapshot
    seed: int
    now: datetime

    @property
    def declaration(self) -> Declaration:
        return self.workflow.declaration


@dataclass(frozen=True, slots=True)
class _Kind:
    """How to make a bad candidate, and the gate that should stop it."""

    name: str
    what: str
    should: str
    make: Callable[[_Setting], ModelVersion]


def plant_candidates(
    workflow: Workflow, snapshot: Snapshot, *, seed: int, now: datetime
) -> list[Planted]:
    """Register four bad candidates, hold each against the gates, and try to shadow it.

    All learn from the champion's own snapshot. Raises: JobFailed.
    """
    setting = _Setting(workflow, snapshot, seed, now)
    return [_tried(one, one.make(setting), now=now) for one in KINDS]


def _tried(kind: "_Kind", version: ModelVersion, *, now: datetime) -> Planted:
    report = held(version, now=now)
    failed = [one for one in report.results if one["verdict"] != "passed"]
    stopping = next((one for one in failed if one["key"] == kind.should), None)
    refused_at = _refused_at(version, now=now)
    return Planted(
        kind.name,
        kind.what,
        kind.should,
        tuple(one["key"] for one in failed if one["verdict"] == "failed"),
        str(stopping["says"]) if stopping else "It did not stop it.",
        refused_at,
    )


def _refused_at(version: ModelVersion, *, now: datetime) -> str:
    """Try to shadow a version; one that nothing stops is retired at once."""
    reason = "to see whether gates stop it"
    try:
        change_stage(version=version, to=Stage.SHADOW, by=None, reason=reason, now=now)
    except StageRefused as refusal:
        return refusal.gate
    change_stage(version=version, to=Stage.RETIRED, by=None, reason=reason, now=now)
    return ""


def _poisoned(setting: _Setting) -> ModelVersion:
    data = _data(setting)
    part = next(one for one in setting.declaration.slices if one.name == FLIPPED)
    at = [column.name for column in data.columns].index(part.feature)
    code = data.columns[at].values.index(str(part.values[0]))
    inside = data.matrix[:, at] == code
    usual, other = data.label_keys
    flipped = [
        (other if label == usual else usual) if is_in else label
        for label, is_in in zip(data.labels, inside.tolist(), strict=True)
    ]
    return _registered(setting, _model(setting, replace(data, labels=flipped)))


def _leaking(setting: _Setting) -> ModelVersion:
    names = [one.name for one in honest_columns(setting.declaration)]
    spec = CandidateSpec("gradient_boosting", features=(*names, LEAK))
    run = asked_run(
        setting.workflow,
        seed=setting.seed,
        now=setting.now,
        snapshot=setting.snapshot,
        candidate=spec,
    )
    return trained_by(run, now=setting.now)


def _slow(setting: _Setting) -> ModelVersion:
    model = _model(setting, _data(setting))
    idle = StandardScaler(with_mean=False, with_std=False)
    idle.fit(np.zeros((2, len(model.columns))))
    steps = [(f"idle_{number}", idle) for number in range(N_IDLE_STEPS)]
    pipeline = Pipeline([*steps, ("model", model.pipeline)])
    return _registered(setting, replace(model, pipeline=pipeline))


def _lying(setting: _Setting) -> ModelVersion:
    """Say that two columns are each other."""
    model = _model(setting, _data(setting))
    one, other = SWAPPED
    names = {one: other, other: one}
    columns = tuple(
        replace(column, name=names.get(column.name, column.name))
        for column in model.columns
    )
    return _registered(setting, replace(model, columns=columns))


def _data(setting: _Setting) -> TrainingData:
    rows = read_rows(setting.snapshot, on_group=lambda: None)
    names = [one.name for one in honest_columns(setting.declaration)]
    return with_columns(rows.data, names)


def _model(setting: _Setting, data: TrainingData) -> TrainedModel:
    threshold = setting.declaration.decision_threshold
    return train(
        data, algorithm="gradient_boosting", seed=setting.seed, threshold=threshold
    )


def _registered(setting: _Setting, model: TrainedModel) -> ModelVersion:
    return register_model(
        workflow=setting.workflow,
        artifact=dump(model.pipeline),
        description=describe(model, snapshot_id=setting.snapshot.pk),
        by=None,
        now=setting.now,
    )


KINDS: Final = (
    _Kind(
        "poisoned",
        f"labels flipped in “{FLIPPED}”",
        f"no_worse_than_champion:{FLIPPED}",
        _poisoned,
    ),
    _Kind("leaking", f"reads {LEAK}", "no_leaking_columns", _leaking),
    _Kind(
        "slow",
        f"{N_IDLE_STEPS:,} steps that do nothing before the model",
        "latency_p99_ms_at_most",
        _slow,
    ),
    _Kind(
        "lying",
        f"says that {SWAPPED[0]} is {SWAPPED[1]}, and the other way round",
        "artifact_safety",
        _lying,
    ),
)
