"""Score items with the champion and with every version that runs beside it."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7_batch
from predictions.declaration import Declaration
from predictions.enums import SCORING_STAGES, Stage
from predictions.learning.calibration import Calibration
from predictions.learning.failures import (
    ArtifactChanged,
    DeclarationChanged,
    ScoringFailed,
)
from predictions.learning.features import Column, columns_from_json, feature_matrix
from predictions.learning.recommendation import Recommendations, recommend
from predictions.learning.scorer import ScoreResult, shared_scorer
from predictions.models import ModelVersion, Prediction, Workflow
from predictions.services import model_health
from predictions.services.artifacts import forget_local_artifact, scorer_model
from predictions.services.columns import undeclared_columns, unfit_labels
from predictions.services.copying import copy_rows


@dataclass(frozen=True, slots=True)
class ItemToScore:
    id: UUID
    features: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The champion's prediction for one item."""

    prediction_id: UUID
    model_version_id: UUID
    label: str
    score: float
    probability: float | None
    confidence: float | None
    threshold: float


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item with its recommendation, or with the reason why there is none."""

    item_id: UUID
    recommendation: Recommendation | None
    failure: str = ""


def score_items(
    *, workflow: Workflow, items: Sequence[ItemToScore], now: datetime
) -> list[ScoredItem]:
    """Score items with all running versions and store the predictions.

    Writes `Prediction` rows in the caller's transaction, and a `ModelEvent` when a
    version fails or recovers. A version that fails leaves its items without a
    prediction; it never raises. Returns one entry per item, in order.
    """
    if not items:
        return []
    versions = running_versions(workflow)
    scored = [ScoredItem(item.id, None, "no_champion") for item in items]
    for version in versions:
        outcome = _score_with(version, workflow=workflow, items=items, now=now)
        if version.stage == Stage.CHAMPION:
            scored = outcome
    return scored


def running_versions(workflow: Workflow) -> list[ModelVersion]:
    """List the versions that score now, the champion last."""
    rows = ModelVersion.objects.filter(workflow=workflow, stage__in=SCORING_STAGES)
    return sorted(rows, key=lambda row: (row.stage == Stage.CHAMPION, row.number))


def _score_with(
    version: ModelVersion,
    *,
    workflow: Workflow,
    items: Sequence[ItemToScore],
    now: datetime,
) -> list[ScoredItem]:
    started = time.perf_counter()
    try:
        result = _ask_model(version, workflow=workflow, items=items)
    except ScoringFailed as failure:
        model_health.note_failure(
            version=version, failure=failure, n_items=len(items), now=now
        )
        return [ScoredItem(item.id, None, failure.reason) for item in items]
    latency_ms = (time.perf_counter() - started) * 1000 / len(items)
    if result.bad_rows:
        first = next(iter(result.bad_rows.values()))
        model_health.note_bad_rows(
            version=version, failure=first, n_items=len(result.bad_rows), now=now
        )
    else:
        model_health.note_success(version=version, n_items=len(items), now=now)
    return _store(
        version,
        workflow=workflow,
        items=items,
        result=result,
        latency_ms=latency_ms,
        now=now,
    )


def _ask_model(
    version: ModelVersion, *, workflow: Workflow, items: Sequence[ItemToScore]
) -> ScoreResult:
    model_health.refuse_while_open(version)
    columns = columns_from_json(version.columns)
    _refuse_unfit(version, workflow.declaration, columns)
    matrix = feature_matrix([item.features for item in items], columns)
    try:
        return shared_scorer().score_isolating(
            scorer_model(version),
            matrix,
            timeout_seconds=workflow.declaration.model.time_budget_ms / 1000,
        )
    except ArtifactChanged:
        # The local copy may be the spoilt one: the next batch fetches it again.
        forget_local_artifact(version)
        raise


def _refuse_unfit(
    version: ModelVersion, declaration: Declaration, columns: Sequence[Column]
) -> None:
    unfit = undeclared_columns(declaration, columns)
    unfit += unfit_labels(declaration, version.label_keys)
    if unfit:
        raise DeclarationChanged(", ".join(unfit))


def _store(
    version: ModelVersion,
    *,
    workflow: Workflow,
    items: Sequence[ItemToScore],
    result: ScoreResult,
    latency_ms: float,
    now: datetime,
) -> list[ScoredItem]:
    scored = [
        ScoredItem(item.id, None, _reason(result, index))
        for index, item in enumerate(items)
    ]
    good = [index for index in range(len(items)) if index not in result.bad_rows]
    if not good:
        return scored
    recommended = recommend(
        result.scores[good],
        label_keys=version.label_keys,
        positive_labels=workflow.declaration.positive_labels,
        calibration=_calibration(version),
        threshold=version.threshold,
    )
    ids = uuid7_batch(len(good), int(now.timestamp() * 1000))
    for place, index in enumerate(good):
        one = _recommendation(version, recommended, place, ids[place])
        scored[index] = ScoredItem(items[index].id, one)
    _copy_predictions(scored, latency_ms=latency_ms, now=now)
    return scored


def _reason(result: ScoreResult, index: int) -> str:
    failure = result.bad_rows.get(index)
    return failure.reason if failure else ""


def _recommendation(
    version: ModelVersion, recommended: Recommendations, place: int, new_id: UUID
) -> Recommendation:
    probabilities, confidences = recommended.probabilities, recommended.confidences
    return Recommendation(
        prediction_id=new_id,
        model_version_id=version.id,
        label=version.label_keys[recommended.label_indexes[place]],
        score=float(recommended.scores[place]),
        probability=None if probabilities is None else float(probabilities[place]),
        confidence=None if confidences is None else float(confidences[place]),
        threshold=version.threshold,
    )


_PREDICTION_COLUMNS = (
    "id",
    "item_id",
    "model_version_id",
    "label",
    "score",
    "probability",
    "confidence",
    "latency_ms",
    "created_at",
)


def _copy_predictions(
    scored: Collection[ScoredItem], *, latency_ms: float, now: datetime
) -> None:
    rows = (
        (
            one.prediction_id,
            entry.item_id,
            one.model_version_id,
            one.label,
            one.score,
            one.probability,
            one.confidence,
            latency_ms,
            now,
        )
        for entry in scored
        if (one := entry.recommendation) is not None
    )
    copy_rows(Prediction, _PREDICTION_COLUMNS, rows)


def _calibration(version: ModelVersion) -> Calibration | None:
    if version.calibration is None:
        return None
    return Calibration.from_json(version.calibration)
