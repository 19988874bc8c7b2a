"""How items look over the API, and what the models say about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypedDict
from uuid import UUID

from predictions.enums import IntakeSource, QuarantineStatus, Stage
from predictions.models import (
    Item,
    ItemMedia,
    Measurement,
    Prediction,
    QuarantinedItem,
    Workflow,
)
from predictions.queries.predicted_fields import predicted_fields_of
from predictions.services.explanations import ContributionJson, explain_prediction
from reviewqueue.api.base import BrokenRule
from reviewqueue.api.schema import OneOf, Unit
from reviewqueue.api.shapes_media import ItemMediaShape, item_media_shape
from reviewqueue.enums import RouteKind, RouteReason
from reviewqueue.models import Outcome, Route
from reviewqueue.queries.titles import item_title


class ItemShape(TypedDict):
    """One thing to decide about, as received.

    `measured`: what was read of its media, by feature; null in lists, where nothing
    was, and to whom judges the item without a recommendation.
    """

    id: UUID
    external_id: str
    title: str
    features: dict[str, Any]
    site: str | None
    subject: str | None
    occurred_at: datetime
    received_at: datetime
    warnings: list[str]
    media: list[ItemMediaShape]
    measured: dict[str, float] | None


class PredictedFieldsShape(TypedDict):
    """What a prediction says besides its label, each by the field's name.

    Values are as the workflow declares its fields; one that holds nothing is left out.
    """

    values: dict[str, Any]
    confidences: dict[str, Unit]
    evidence: dict[str, dict[str, Any]]


class PredictionShape(TypedDict):
    """What one model version said about one item.

    `fields` is null where the workflow declares none, and where the model says none.
    `novelty` is the p-value of an item as unlike the training data as this one.
    """

    label: str
    score: float
    probability: Unit | None
    confidence: Unit | None
    model_version: int
    model_version_id: UUID
    stage: Annotated[str, OneOf(Stage)]
    latency_ms: float
    novelty: Unit | None
    created_at: datetime
    fields: PredictedFieldsShape | None


class Recommendation(PredictionShape):
    """The prediction that is met, of the champion or of a challenger.

    `explanation` has the largest effect first.
    """

    threshold: float | None
    explanation: list[ContributionJson]


class RoutePart(TypedDict):
    """What one part of an item asked for, its label or a field, by its segment."""

    segment: UUID
    review_probability: Unit


class RouteShape(TypedDict):
    """What happened to an item after scoring, with everything that led to it.

    `parts` is null where fields earn no trust; else the item was seen as often as the
    part asked that asked for most, and always where a part is in no segment.
    """

    kind: Annotated[str, OneOf(RouteKind)]
    reason: Annotated[str, OneOf(RouteReason)]
    label: str | None
    score: float | None
    probability: Unit | None
    threshold: float | None
    review_probability: Unit
    parts: list[RoutePart] | None
    draw: Unit
    policy_version: int
    model_version: int | None
    model_version_id: UUID | None
    blind: bool
    second_opinion: bool
    routed_at: datetime


class OutcomeShape(TypedDict):
    """Late truth, as received; `fields` are those of which it said something."""

    label: str
    fields: dict[str, Any] | None
    observed_at: datetime
    received_at: datetime


class QuarantinedShape(TypedDict):
    """An item that was refused, as received, with the reasons."""

    id: UUID
    external_id: str | None
    payload: Any
    errors: list[BrokenRule]
    source: Annotated[str, OneOf(IntakeSource)]
    status: Annotated[str, OneOf(QuarantineStatus)]
    received_at: datetime
    resolved_at: datetime | None


def item_shape(
    item: Item,
    workflow: Workflow,
    media: Sequence[ItemMedia],
    measured: Measurement | None = None,
) -> ItemShape:
    return {
        "id": item.id,
        "external_id": item.external_id,
        "title": item_title(item, workflow),
        "features": item.features,
        "site": item.site.key if item.site else None,
        "subject": item.subject or None,
        "occurred_at": item.occurred_at,
        "received_at": item.received_at,
        "warnings": item.warnings,
        "media": [item_media_shape(one) for one in media],
        "measured": measured.values if measured else None,
    }


def prediction_shape(prediction: Prediction, *, with_fields: bool) -> PredictionShape:
    """Describe a prediction, with its fields where the workflow declares some."""
    return {
        "label": prediction.label,
        "score": prediction.score,
        "probability": prediction.probability,
        "confidence": prediction.confidence,
        "model_version": prediction.model_version.number,
        "model_version_id": prediction.model_version_id,
        "stage": prediction.model_version.stage,
        "latency_ms": prediction.latency_ms,
        "novelty": prediction.novelty,
        "created_at": prediction.created_at,
        "fields": predicted_fields_shape(prediction) if with_fields else None,
    }


def predicted_fields_shape(
    prediction: Prediction | None,
) -> PredictedFieldsShape | None:
    found = predicted_fields_of(prediction)
    if found is None:
        return None
    return {
        "values": found.values,
        "confidences": found.confidences,
        "evidence": found.evidence,
    }


def recommendation_shape(
    route: Route, *, with_fields: bool, now: datetime
) -> Recommendation | None:
    """Describe the prediction that is met with its reasons; None without one."""
    if route.prediction is None:
        return None
    return {
        **prediction_shape(route.prediction, with_fields=with_fields),
        "threshold": route.threshold,
        "explanation": explain_prediction(route.prediction, now=now),
    }


def route_shape(route: Route) -> RouteShape:
    return {
        "kind": route.kind,
        "reason": route.reason,
        "label": route.label or None,
        "score": route.score,
        "probability": route.probability,
        "threshold": route.threshold,
        "review_probability": route.review_probability,
        "parts": _route_parts(route),
        "draw": route.draw,
        "policy_version": route.policy.version,
        "model_version": route.model_version.number if route.model_version else None,
        "model_version_id": route.model_version_id,
        "blind": route.blind,
        "second_opinion": route.second_opinion,
        "routed_at": route.routed_at,
    }


def _route_parts(route: Route) -> list[RoutePart] | None:
    if route.parts is None or route.part_probabilities is None:
        return None
    asked = zip(route.parts, route.part_probabilities, strict=True)
    return [{"segment": pk, "review_probability": share} for pk, share in asked]


def outcome_shape(outcome: Outcome) -> OutcomeShape:
    return {
        "label": outcome.label,
        "fields": outcome.fields,
        "observed_at": outcome.observed_at,
        "received_at": outcome.received_at,
    }


def quarantined_shape(one: QuarantinedItem) -> QuarantinedShape:
    return {
        "id": one.id,
        "external_id": one.external_id or None,
        "payload": one.payload,
        "errors": one.errors,
        "source": one.source,
        "status": one.status,
        "received_at": one.received_at,
        "resolved_at": one.resolved_at,
    }
