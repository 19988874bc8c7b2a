"""What becomes of items, and everything about one, as the API tells it."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

from pydantic import Field

from accounts.permissions import Actor
from predictions.models import Item, Workflow
from predictions.queries.measured import measurement_of
from predictions.queries.media import media_of
from predictions.services.intake import IntakeResult, Quarantined
from reviewqueue.api.base import BrokenRule, broken_rules
from reviewqueue.api.schema import Count
from reviewqueue.api.shapes import (
    ItemShape,
    OutcomeShape,
    PredictionShape,
    RouteShape,
    item_shape,
    outcome_shape,
    prediction_shape,
    route_shape,
)
from reviewqueue.api.shapes_people import (
    CaseBrief,
    DecisionShape,
    LabelShape,
    case_brief,
    decision_shape,
    label_shape,
)
from reviewqueue.queries.disguise import knows_gold
from reviewqueue.queries.item_history import item_history
from reviewqueue.queries.visibility import is_hidden
from reviewqueue.services.intake_scored import ItemStatus, ScoredAnswer

MAX_OUTCOMES = 10_000
ExternalId = Annotated[str, Field(min_length=1, max_length=200)]


class ItemSent(TypedDict):
    """One thing to decide about; its features are what the workflow declares.

    `media` names by slot what was sent before, where the workflow declares slots;
    `site` is the key of the site that it comes from, if any.
    """

    external_id: ExternalId
    site: NotRequired[Annotated[str, Field(max_length=50)] | None]
    features: dict[str, Any]
    occurred_at: datetime
    media: NotRequired[dict[str, UUID | None]]


class ItemWithFiles(TypedDict):
    """One item, and a file for each slot, as a part of that name."""

    item: ItemSent


type ItemsSent = ItemSent | list[ItemSent]


class RefusedItem(TypedDict):
    """An item that went to quarantine; `index` counts from 0 in what was sent."""

    index: Count
    external_id: str | None
    errors: list[BrokenRule]


class ItemsStored(TypedDict):
    """What became of the items of a request; of many refused the first are named."""

    accepted: Count
    duplicates: Count
    n_quarantined: Count
    quarantined: list[RefusedItem]


class ScoredItem(TypedDict):
    """What became of one item, with its recommendation where you may see it."""

    external_id: str | None
    status: ItemStatus
    errors: list[BrokenRule]
    recommendation_hidden: bool
    prediction: PredictionShape | None
    route: RouteShape | None


class ItemsScored(TypedDict):
    """One row for each item that was sent, in their order."""

    results: list[ScoredItem]


class ItemStory(ItemShape):
    """Everything about an item; `label` is the one in force.

    While a blind judgement is open, what would tell the recommendation is empty.
    """

    workflow: str
    recommendation_hidden: bool
    cases: list[CaseBrief]
    outcomes: list[OutcomeShape]
    labels: list[LabelShape]
    decisions: list[DecisionShape]
    predictions: list[PredictionShape]
    route: RouteShape | None
    label: LabelShape | None


class OutcomeSent(TypedDict):
    """Late truth about an item, and when it was known.

    `fields` are any of those that the workflow asks for with the label.
    """

    external_id: ExternalId
    label: str
    observed_at: datetime
    fields: NotRequired[dict[str, Any] | None]


type OutcomesSent = (
    OutcomeSent | Annotated[list[OutcomeSent], Field(max_length=MAX_OUTCOMES)]
)


class RefusedOutcomeShape(TypedDict):
    """Late truth that was not recorded; `index` counts from 0 in what was sent."""

    index: Count
    external_id: str
    errors: list[BrokenRule]


class OutcomesRecorded(TypedDict):
    """What became of the outcomes of a request."""

    accepted: Count
    duplicates: Count
    refused: list[RefusedOutcomeShape]


def stored_answer(result: IntakeResult) -> ItemsStored:
    return {
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "n_quarantined": result.n_quarantined,
        "quarantined": [_refused(one) for one in result.quarantined],
    }


def _refused(one: Quarantined) -> RefusedItem:
    return {
        "index": one.index,
        "external_id": one.external_id or None,
        "errors": broken_rules(one.errors),
    }


def scored_answer(one: ScoredAnswer, *, hidden: bool, with_fields: bool) -> ScoredItem:
    route = None if hidden else one.route
    prediction = None
    if route is not None and route.prediction is not None:
        prediction = prediction_shape(route.prediction, with_fields=with_fields)
    return {
        "external_id": one.external_id or None,
        "status": one.status,
        "errors": broken_rules(one.refusal.errors) if one.refusal else [],
        "recommendation_hidden": hidden,
        "prediction": prediction,
        "route": route_shape(route) if route else None,
    }


def item_story(
    item: Item, workflow: Workflow, actor: Actor, *, unmasked: bool = False
) -> ItemStory:
    """Tell everything about an item that the actor may know now."""
    hidden = is_hidden(actor, workflow.pk, item.pk)
    knows = knows_gold(actor, workflow.pk)
    history = item_history(item, workflow, actor, unmasked=unmasked)
    media = media_of(workflow, [item.pk])[item.pk]
    measured = None if hidden else measurement_of(item, workflow.declaration)
    story: ItemStory = {
        **item_shape(history.item, workflow, media, measured),
        "workflow": workflow.slug,
        "recommendation_hidden": hidden,
        "cases": [
            case_brief(one, hidden=hidden, knows_gold=knows) for one in history.cases
        ],
        "outcomes": [outcome_shape(one) for one in history.outcomes],
        "labels": [],
        "decisions": [],
        "predictions": [],
        "route": None,
        "label": None,
    }
    if hidden:
        return story
    labels = [label_shape(one) for one in history.labels]
    story["labels"] = labels
    story["label"] = labels[0] if labels and labels[0]["label"] else None
    story["decisions"] = [
        decision_shape(one, knows_gold=knows) for one in history.decisions
    ]
    with_fields = bool(workflow.declaration.fields)
    story["predictions"] = [
        prediction_shape(one, with_fields=with_fields) for one in history.predictions
    ]
    story["route"] = route_shape(history.route) if history.route else None
    return story
