"""Gold cases look like any other to whoever is measured by them, everywhere.

Who oversees a workflow knows gold. Everybody else sees a gold case only when it is
their own, as an ordinary review; and of its item nothing that would give it away: no
earlier case, decision, note, label or outcome. That lasts while the case is open, and
for good where the plan does not tell the known label after the decision.
"""

import copy
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts.permissions import Actor, Permission
from predictions.models import Item, Prediction, Workflow
from reviewqueue.enums import (
    OPEN_STATUSES,
    CaseEventKind,
    CaseKind,
    LabelSource,
    RouteKind,
    RouteReason,
)
from reviewqueue.models import (
    Case,
    CaseEvent,
    CaseNote,
    Decision,
    GoldPlacement,
    Label,
    Route,
)
from reviewqueue.queries.gold import gold_terms
from reviewqueue.queries.personal import mask_items


def knows_gold(actor: Actor, workflow_pk: UUID) -> bool:
    """Say whether the actor may know which cases are gold."""
    return actor.can(Permission.DECISIONS_VIEW, workflow_pk)


def seen_cases(rows: QuerySet[Case], actor: Actor, workflow_pk: UUID) -> QuerySet[Case]:
    """Leave out gold cases of others, and other cases of items met as gold."""
    if knows_gold(actor, workflow_pk):
        return rows
    met = _met(actor, workflow_pk).filter(gold__item=OuterRef("item"))
    is_other = Exists(met.exclude(case=OuterRef("pk"))) & ~Q(leased_by=actor.user)
    return rows.filter(
        ~Q(kind=CaseKind.GOLD) | Q(placement__reviewer=actor.user)
    ).exclude(is_other)


def listed_cases(
    rows: QuerySet[Case], actor: Actor, workflow_pk: UUID, *, kind: str
) -> QuerySet[Case]:
    """Return the cases of a list, of one kind or (empty) of all.

    Gold is listed only where it is asked for: it is no part of the work that waits.
    """
    if knows_gold(actor, workflow_pk):
        return rows.filter(kind=kind) if kind else rows.exclude(kind=CaseKind.GOLD)
    if kind == CaseKind.GOLD:
        return rows.none()
    if kind == CaseKind.REVIEW:
        rows = rows.filter(kind__in=(CaseKind.REVIEW, CaseKind.GOLD))
    elif kind:
        rows = rows.filter(kind=kind)
    return seen_cases(rows, actor, workflow_pk)


def seen_decisions(
    rows: QuerySet[Decision], actor: Actor, workflow_pk: UUID
) -> QuerySet[Decision]:
    """Leave out others' answers to gold, and others' decisions on items met as gold."""
    if knows_gold(actor, workflow_pk):
        return rows
    met = _met(actor, workflow_pk).filter(gold__item=OuterRef("item"))
    is_others = ~Q(reviewer=actor.user)
    return rows.exclude(is_others & Q(case_kind=CaseKind.GOLD)).exclude(
        is_others & Exists(met)
    )


def listed_decisions(
    rows: QuerySet[Decision], actor: Actor, workflow_pk: UUID, *, kind: str
) -> QuerySet[Decision]:
    """Return the decisions of a list, of one kind or (empty) of all; a reviewer's own.

    Who knows gold gets it only by asking for it: it is in no figure.
    """
    if knows_gold(actor, workflow_pk):
        if kind:
            return rows.filter(case_kind=kind)
        return rows.exclude(case_kind=CaseKind.GOLD)
    rows = rows.filter(reviewer=actor.user)
    if kind == CaseKind.REVIEW:
        return rows.filter(case_kind__in=(CaseKind.REVIEW, CaseKind.GOLD))
    if kind == CaseKind.GOLD:
        return rows.none()
    return rows.filter(case_kind=kind) if kind else rows


def seen_notes(
    rows: QuerySet[CaseNote], actor: Actor, workflow_pk: UUID
) -> QuerySet[CaseNote]:
    """Leave out notes beside others' gold, and others' on items met as gold."""
    if knows_gold(actor, workflow_pk):
        return rows
    met = _met(actor, workflow_pk).filter(gold__item=OuterRef("case__item"))
    is_others = ~Q(author=actor.user)
    return rows.exclude(is_others & Q(case__kind=CaseKind.GOLD)).exclude(
        is_others & Exists(met)
    )


def disguised(actor: Actor, workflow_pk: UUID) -> QuerySet[GoldPlacement]:
    """Return the placements whose items would give a gold case away as they are."""
    if knows_gold(actor, workflow_pk):
        return GoldPlacement.objects.none()
    return _met(actor, workflow_pk)


def disguising_cases(
    actor: Actor, workflow_pk: UUID, item_ids: Collection[UUID]
) -> dict[UUID, Case]:
    """Return by item the gold case that each of those items is to look like."""
    if knows_gold(actor, workflow_pk) or not item_ids:
        return {}
    met = _met(actor, workflow_pk).filter(gold__item__in=item_ids)
    rows = met.select_related("case", "gold").order_by("placed_at", "pk")
    return {one.gold.item_id: one.case for one in rows}


def seemingly_routed(
    met: QuerySet[GoldPlacement], *, kind: str, reasons: Collection[str]
) -> QuerySet[GoldPlacement]:
    """Return the placements that seem to have gone this way; empty is any."""
    if kind == RouteKind.AUTO:
        return met.none()
    if not reasons:
        return met
    was_asked = Q(
        gold__item__route__kind=RouteKind.REVIEW, gold__item__route__reason__in=reasons
    )
    if RouteReason.AUDIT in reasons:
        was_asked |= Q(gold__item__route__kind=RouteKind.AUTO)
    return met.filter(was_asked)


def own_labels(decisions: Iterable[Decision]) -> list[Label]:
    """Return the labels that the person's own decisions would have made.

    What an item that is met as gold shows instead of its label.
    """
    judged = [one for one in decisions if one.label and not hasattr(one, "retraction")]
    return [
        Label(
            id=_label_id(one.pk),
            workflow_id=one.workflow_id,
            item=one.item,
            version=1,
            label=one.label,
            fields=one.fields,
            source=LabelSource.DECISION,
            decision=one,
            created_at=one.decided_at,
        )
        for one in judged[-1:]
    ]


def _label_id(decision_id: UUID) -> UUID:
    """Return an id of the same moment, always the same, that nobody else can derive."""
    salt, name = "reviewqueue.disguise.label", decision_id.hex
    digest = salted_hmac(salt, name, algorithm="sha256").digest()
    own = (0xFFF << 64) | ((1 << 62) - 1)  # all but moment, version and variant
    number = int.from_bytes(digest[:16]) & own
    return UUID(int=decision_id.int & ~own | number)


def as_ordinary_cases(cases: Iterable[Case]) -> list[Case]:
    """Return the cases as their reviewer may see them; not to be saved."""
    shown = []
    for case in cases:
        if case.kind == CaseKind.GOLD:
            case.kind = CaseKind.REVIEW
            case.assigned_to = None
        shown.append(case)
    return shown


def as_ordinary_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the decisions as their reviewer may see them; not to be saved."""
    shown = []
    for one in decisions:
        if one.case_kind == CaseKind.GOLD:
            one.case_kind = CaseKind.REVIEW
        shown.append(one)
    return shown


def as_ordinary_events(
    events: Iterable[CaseEvent], gold: Iterable[Case], *, reason: str
) -> list[CaseEvent]:
    """Return the events with gold cases opened when and why it seems they were."""
    opened_at = {case.pk: case.created_at for case in gold}
    shown = []
    for event in events:
        if event.kind == CaseEventKind.OPENED and event.case_id in opened_at:
            event.reason, event.at = reason, opened_at[event.case_id]
        shown.append(event)
    return shown


def as_ordinary_route(route: Route, case: Case) -> Route:
    """Return the route that would have led to the case; not to be saved.

    What was passed seems to have been drawn for the audit, at the chance that it had.
    """
    shown = copy.copy(route)
    shown.routed_at, shown.blind = case.created_at, case.blind
    shown.second_opinion = False  # nobody else will read it
    if route.kind == RouteKind.REVIEW:
        return shown
    chance = route.review_probability
    shown.kind, shown.reason = RouteKind.REVIEW, RouteReason.AUDIT
    # From anywhere above the chance to the same place below it.
    shown.draw = chance * (route.draw - chance) / (1 - chance)
    return shown


def as_held_route(case: Case) -> Route:
    """Return the route of a case as its holder may see it; not to be saved."""
    if case.kind != CaseKind.GOLD:
        return case.route
    shown = as_ordinary_route(case.route, case)
    if shown.prediction is not None:
        [shown.prediction] = as_ordinary_predictions([shown.prediction], case)
    return shown


def as_held_item(case: Case) -> Item:
    """Return the item of a case as its holder may see it; not to be saved."""
    is_gold = case.kind == CaseKind.GOLD
    return as_ordinary_item(case.item, case, case.workflow) if is_gold else case.item


def as_ordinary_predictions(
    predictions: Iterable[Prediction], case: Case
) -> list[Prediction]:
    """Return what models said as if it led to the case; not to be saved."""
    shown = [copy.copy(one) for one in predictions]
    for one in shown:
        one.created_at = max(one.created_at, case.created_at)
    return shown


def as_ordinary_item(item: Item, case: Case, workflow: Workflow) -> Item:
    """Return the item as if it came in when the case fell due for; not to be saved.

    Its id and when it happened stay what they are.
    """
    shown = copy.copy(item)
    shown.received_at = case.due_at - due_after(workflow)
    return shown


def as_seen_items(
    items: Collection[Item], actor: Actor, workflow: Workflow
) -> list[Item]:
    """Return the items with their routes as the actor may see them; not to be saved.

    Personal data is masked, whoever it is.
    """
    mask_items(items, workflow)
    met = disguising_cases(actor, workflow.pk, [one.pk for one in items])
    shown = []
    for one in items:
        if (case := met.get(one.pk)) is None:
            shown.append(one)
            continue
        seen = as_ordinary_item(one, case, workflow)
        if (route := getattr(one, "route", None)) is not None:
            seen.route = as_ordinary_route(route, case)
        shown.append(seen)
    return shown


def due_after(workflow: Workflow) -> timedelta:
    """Return how long after it came in an item is due."""
    return timedelta(minutes=workflow.declaration.queue.sla_minutes)


def _met(actor: Actor, workflow_pk: UUID) -> QuerySet[GoldPlacement]:
    """Return the placements that the actor must not recognise."""
    met = GoldPlacement.objects.filter(gold__workflow=workflow_pk, reviewer=actor.user)
    if gold_terms(workflow_pk).coaching:
        met = met.filter(case__status__in=OPEN_STATUSES)
    return met
