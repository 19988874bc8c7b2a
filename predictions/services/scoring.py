"""Score items with the champion and with every version that runs beside it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7_batch
from predictions.declaration import Declaration
from predictions.enums import SCORING_STAGES, ModelKind, Stage
from predictions.fields.predicted import Predicted
from predictions.learning.calibration import Calibration
from predictions.learning.failures import (
    ArtifactChanged,
    DeclarationChanged,
    ScoringFailed,
)
from predictions.learning.features import (
    Column,
    Matrix,
    columns_from_json,
    feature_matrix,
)
from predictions.learning.novelty import Floats
from predictions.learning.recommendation import Recommendations, recommend
from predictions.learning.score_results import ScoreResult
from predictions.models import ModelVersion, Prediction, Workflow
from predictions.queries.media import image_sizes
from predictions.services import model_health
from predictions.services.artifacts import forget_local_artifact
from predictions.services.columns import undeclared_columns, unfit_labels
from predictions.services.copying import store_rows
from predictions.services.external_models import texts_of
from predictions.services.field_predictions import (
    as_stored_fields,
    judged_fields,
    store_predicted_fields,
)
from predictions.services.hearing import heard
from predictions.services.novelty import novelty_p_values
from predictions.services.region_fields import fields_of_regions
from predictions.services.scoring_items import ItemToScore as ItemToScore
from predictions.services.scoring_items import masked_items
from predictions.services.serving import served
from predictions.services.span_fields import fields_of_spans, with_spans
from predictions.services.steps import step


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one version says of one item.

    `novelty`: the p-value, 0..1, of an item as unlike the training data as this one;
    None where the version cannot say. `is_unlike` where it is at most the share that
    the workflow declares; `is_unsure` where a field is less sure than it declares.
    """

    prediction_id: UUID
    model_version: ModelVersion
    label: str
    score: float
    probability: float | None
    confidence: float | None
    threshold: float
    latency_ms: float
    fields: Predicted | None = None
    novelty: float | None = None
    is_unlike: bool = False
    is_unsure: bool = False


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item with a recommendation, or with the reason why there is none."""

    item_id: UUID
    recommendation: Recommendation | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the running versions say of the same items: one entry per item, in order.

    `by_champion` says why there is nothing where there is no champion; `by_challenger`
    has each challenger with what it said, those registered first first.
    """

    by_champion: list[ScoredItem]
    by_challenger: list[tuple[ModelVersion, list[ScoredItem]]] = field(
        default_factory=list
    )


def score_items(
    *, workflow: Workflow, items: Sequence[ItemToScore], now: datetime
) -> Said:
    """Score items with all running versions and store the predictions.

    Writes `Prediction` rows in the caller's transaction, and a `ModelEvent` when a
    version fails or recovers. A version that fails leaves its items without a
    prediction; it never raises.
    """
    if not items:
        return Said([])
    found = fields_of_spans(items, workflow.declaration)
    items = masked_items(items, workflow.declaration)
    said = Said([ScoredItem(item.id, None, "no_champion") for item in items])
    fit = [item for item in items if not item.failure]
    for version in running_versions(workflow):
        outcome = [ScoredItem(item.id, None, item.failure) for item in items]
        if fit:
            scored = _score_with(
                version, workflow=workflow, items=fit, found=found, now=now
            )
            by_id = {one.item_id: one for one in scored}
            outcome = [by_id.get(one.item_id, one) for one in outcome]
        if version.stage == Stage.CHAMPION:
            said.by_champion[:] = outcome
        elif version.stage == Stage.CHALLENGER:
            said.by_challenger.append((version, outcome))
    return said


def running_versions(workflow: Workflow) -> list[ModelVersion]:
    """List the versions that score now, the champion last."""
    rows = ModelVersion.objects.filter(workflow=workflow, stage__in=SCORING_STAGES)
    rows = rows.defer("references", "report")  # large, and nothing to score with
    for row in rows:
        row.workflow = workflow  # no second look for it
    return sorted(rows, key=lambda row: (row.stage == Stage.CHAMPION, row.number))


def _score_with(
    version: ModelVersion,
    *,
    workflow: Workflow,
    items: Sequence[ItemToScore],
    found: Mapping[UUID, Mapping[str, object]],
    now: datetime,
) -> list[ScoredItem]:
    try:
        asked = _ask_model(version, workflow=workflow, items=items)
    except ScoringFailed as failure:
        model_health.note_failure(
            version=version, failure=failure, n_items=len(items), now=now
        )
        return [ScoredItem(item.id, None, failure.reason) for item in items]
    specs = workflow.declaration.fields
    ids = [item.id for item in items] if any(one.media for one in specs) else []
    known = image_sizes(workflow, ids)
    result, predicted = judged_fields(
        asked.result,
        specs,
        features=[item.features for item in items],
        sizes=[known.get(item.id, {}) for item in items],
    )
    predicted = {
        **fields_of_regions(version, items, specs, workflow.declaration),
        **predicted,
    }
    predicted = with_spans(predicted, [found.get(item.id, {}) for item in items])
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
        predicted=predicted,
        novelty=_novelty(version, workflow.declaration, asked.matrix),
        latency_ms=asked.seconds * 1000 / len(items),
        now=now,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a model was asked and said, and how long it took once it was loaded."""

    matrix: Matrix
    result: ScoreResult
    seconds: float


def _ask_model(
    version: ModelVersion, *, workflow: Workflow, items: Sequence[ItemToScore]
) -> _Asked:
    """Have the model score the items. Raises: ScoringFailed."""
    model_health.refuse_while_open(version)
    columns = columns_from_json(version.columns)
    _refuse_unfit(version, workflow.declaration, columns)
    try:
        model = served(version)
        model.load()
        started = time.perf_counter()
        with step("score", model=version.short_name, n_items=len(items)):
            matrix = feature_matrix([item.features for item in items], columns)
            if version.kind == ModelKind.SPEECH:
                result = heard(version, workflow.declaration, items)
            else:
                result = model.score(
                    matrix,
                    timeout_seconds=workflow.declaration.model.time_budget_ms / 1000,
                    texts=texts_of([item.features for item in items], columns),
                )
    except ArtifactChanged:
        # The local copy may be the spoilt one: the next batch fetches it again.
        forget_local_artifact(version)
        raise
    return _Asked(matrix, result, time.perf_counter() - started)


def _novelty(
    version: ModelVersion, declaration: Declaration, matrix: Matrix
) -> Floats | None:
    """Return the p-values of the rows as unlike the training data, if asked for."""
    if not declaration.model.unlike_share:
        return None
    return novelty_p_values(version, matrix)


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
    predicted: Mapping[int, Predicted],
    novelty: Floats | None,
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
        costs=_cost_rows(workflow.declaration, version),
    )
    ids = uuid7_batch(len(good), int(now.timestamp() * 1000))
    for place, index in enumerate(good):
        one = _recommendation(version, recommended, place, ids[place], latency_ms)
        if novelty is not None:
            p = float(novelty[index])
            is_unlike = p <= workflow.declaration.model.unlike_share
            one = replace(one, novelty=p, is_unlike=is_unlike)
        if index in predicted:
            specs = workflow.declaration.fields
            said = predicted[index].asked_with(specs, one.label)
            one = replace(one, fields=said)
        one = _marked_unsure(one, workflow.declaration)
        scored[index] = ScoredItem(items[index].id, one)
    rows = (
        _prediction_row(entry.item_id, entry.recommendation, now)
        for entry in scored
        if entry.recommendation is not None
    )
    store_rows(Prediction, _PREDICTION_COLUMNS, rows)
    with_fields = (
        (entry.recommendation.prediction_id, entry.recommendation.fields)
        for entry in scored
        if entry.recommendation is not None and entry.recommendation.fields is not None
    )
    store_predicted_fields(with_fields, now=now)
    return scored


def _marked_unsure(one: Recommendation, declaration: Declaration) -> Recommendation:
    """Say whether a field is not sure enough to pass, where that is asked for."""
    least = declaration.model.field_confidence
    if not least:
        return one
    said = one.fields or Predicted()
    specs = declaration.fields_with(one.label)
    return replace(one, is_unsure=said.is_unsure(specs, least))


def _reason(result: ScoreResult, index: int) -> str:
    failure = result.bad_rows.get(index)
    return failure.reason if failure else ""


def _recommendation(
    version: ModelVersion,
    recommended: Recommendations,
    place: int,
    new_id: UUID,
    latency_ms: float,
) -> Recommendation:
    probabilities, confidences = recommended.probabilities, recommended.confidences
    return Recommendation(
        prediction_id=new_id,
        model_version=version,
        label=version.label_keys[recommended.label_indexes[place]],
        score=float(recommended.scores[place]),
        probability=None if probabilities is None else float(probabilities[place]),
        confidence=None if confidences is None else float(confidences[place]),
        threshold=version.threshold,
        latency_ms=latency_ms,
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
    "novelty",
    "created_at",
)


def _prediction_row(
    item_id: UUID, one: Recommendation, now: datetime
) -> tuple[object, ...]:
    return (
        one.prediction_id,
        item_id,
        one.model_version.pk,
        one.label,
        one.score,
        one.probability,
        one.confidence,
        one.latency_ms,
        one.novelty,
        now,
    )


def as_stored(item_id: UUID, one: Recommendation, *, now: datetime) -> Prediction:
    """Return the prediction that was stored at that moment, without reading it."""
    row = _prediction_row(item_id, one, now)
    prediction = Prediction(**dict(zip(_PREDICTION_COLUMNS, row, strict=True)))
    prediction.model_version = one.model_version
    if one.fields is not None:
        prediction.predicted_fields = as_stored_fields(
            prediction.pk, one.fields, now=now
        )
    return prediction


def _cost_rows(
    declaration: Declaration, version: ModelVersion
) -> list[list[float]] | None:
    keys = version.label_keys
    return declaration.label_terms.cost_rows(keys, keys)


def _calibration(version: ModelVersion) -> Calibration | None:
    if version.calibration is None:
        return None
    return Calibration.from_json(version.calibration)
