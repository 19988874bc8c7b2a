"""What else the subject of an item did, and what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from accounts.permissions import Actor
from predictions.models import Item
from reviewqueue.enums import CaseKind
from reviewqueue.models import Case, Decision, Label, Route
from reviewqueue.queries.disguise import (
    as_ordinary_route,
    disguising_cases,
    knows_gold,
    own_labels,
    seen_decisions,
)
from reviewqueue.queries.history import same_subject
from reviewqueue.queries.visibility import hidden_item_ids


@dataclass(frozen=True, slots=True)
class EarlierItem:
    """An earlier item of a subject, as far as the person who asks may know it.

    `decision` is the newest call that stands, `label` the label in force. All but the
    item is None while a blind case on it is open.
    """

    item: Item
    is_hidden: bool
    route: Route | None = None
    decision: Decision | None = None
    label: Label | None = None


def earlier_items(item: Item, actor: Actor) -> list[EarlierItem]:
    """Return the newest earlier items of the same subject with what came of them."""
    items = same_subject(item, actor.sites(item.workflow_id))
    ids = [one.pk for one in items]
    hidden = hidden_item_ids(actor, item.workflow_id, ids)
    known = [pk for pk in ids if pk not in hidden]
    if not known:
        return [EarlierItem(one, is_hidden=True) for one in items]
    met = disguising_cases(actor, item.workflow_id, known)
    routes = {one.pk: _route(one, met) for one in items}
    decisions = _decisions(item.workflow_id, known, actor)
    labels = _labels(known)
    for pk in met:
        labels.pop(pk, None)
        answers = [decisions[pk]] if pk in decisions else []
        for own in own_labels(answers):
            labels[pk] = own
    return [
        EarlierItem(one, is_hidden=True)
        if one.pk in hidden
        else EarlierItem(
            item=one,
            is_hidden=False,
            route=routes[one.pk],
            decision=decisions.get(one.pk),
            label=labels.get(one.pk),
        )
        for one in items
    ]


def _decisions(
    workflow_pk: UUID, item_ids: Collection[UUID], actor: Actor
) -> dict[UUID, Decision]:
    rows = Decision.objects.filter(item_id__in=item_ids, retraction=None)
    if knows_gold(actor, workflow_pk):  # to others, their answer is an ordinary call
        rows = rows.exclude(case_kind=CaseKind.GOLD)
    seen = seen_decisions(rows, actor, workflow_pk).select_related("item")
    return {one.item_id: one for one in seen.order_by("decided_at", "id")}


def _route(item: Item, met: Mapping[UUID, Case]) -> Route | None:
    route = getattr(item, "route", None)
    if route is not None and item.pk in met:
        return as_ordinary_route(route, met[item.pk])
    return route


def _labels(item_ids: Collection[UUID]) -> dict[UUID, Label]:
    newest = (
        Label.objects.filter(item_id__in=item_ids)
        .order_by("item_id", "-version")
        .distinct("item_id")
    )
    return {one.item_id: one for one in newest if one.label}
