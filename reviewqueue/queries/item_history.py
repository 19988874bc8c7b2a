"""What happened to an item, as far as the person who asks may know it."""

from dataclasses import dataclass, replace

from accounts.permissions import Actor
from predictions.models import Item, Prediction, Workflow
from reviewqueue.enums import CaseKind
from reviewqueue.models import (
    Case,
    CaseEvent,
    CaseNote,
    Decision,
    GoldItem,
    Label,
    Outcome,
    Route,
)
from reviewqueue.queries.disguise import (
    as_ordinary_cases,
    as_ordinary_decisions,
    as_ordinary_events,
    as_ordinary_item,
    as_ordinary_predictions,
    as_ordinary_route,
    disguising_cases,
    knows_gold,
    own_labels,
    seen_cases,
    seen_decisions,
    seen_notes,
)
from reviewqueue.queries.history import (
    cases_of,
    decisions_of,
    events_of_cases,
    labels_of,
    notes_of,
    outcomes_of,
    predictions_of,
)
from reviewqueue.queries.personal import (
    mask_decisions,
    mask_events,
    mask_items,
    mask_notes,
    mask_said,
)


@dataclass(frozen=True, slots=True)
class ItemHistory:
    """Everything that people and late truth said; what a blind case hides is here."""

    item: Item
    predictions: list[Prediction]
    route: Route | None
    cases: list[Case]
    events: list[CaseEvent]
    decisions: list[Decision]
    labels: list[Label]
    outcomes: list[Outcome]
    notes: list[CaseNote]
    gold: GoldItem | None = None
    # The gold case that all this is to look like, for whoever must not recognise it.
    disguise: Case | None = None


def item_history(
    item: Item, workflow: Workflow, actor: Actor, *, unmasked: bool = False
) -> ItemHistory:
    """Return the history of an item; to whom gold is unknown, none of it shows.

    Personal data is masked, in the item too, unless `unmasked`: `unmask_item` says who
    may see it, and notes it.
    """
    history = _read(item, workflow, actor)
    if not unmasked:
        _mask(history, workflow)
    if knows_gold(actor, workflow.pk):
        return replace(history, gold=GoldItem.objects.filter(item=item).first())
    gold = [case for case in history.cases if case.kind == CaseKind.GOLD]
    if not gold:
        return history
    route = history.route
    if route is not None:
        route = as_ordinary_route(route, gold[-1])
    history = replace(
        history,
        events=as_ordinary_events(
            history.events, gold, reason=route.reason if route else ""
        ),
        cases=as_ordinary_cases(history.cases),
        decisions=as_ordinary_decisions(history.decisions),
    )
    met = disguising_cases(actor, workflow.pk, [item.pk]).get(item.pk)
    if met is None:
        return history
    return replace(
        history,
        item=as_ordinary_item(item, met, workflow),
        predictions=as_ordinary_predictions(history.predictions, met),
        route=route,
        labels=own_labels(history.decisions),
        outcomes=[],
        disguise=met,
    )


def _mask(history: ItemHistory, workflow: Workflow) -> None:
    item = history.item
    secrets = mask_items([item], workflow).get(item.pk, frozenset())
    mask_decisions(history.decisions, workflow, secrets)
    for one in history.decisions:
        one.item = item  # what amends one must not read it again, unmasked
    mask_said([*history.labels, *history.outcomes], workflow, secrets)
    mask_notes(history.notes, workflow, secrets)
    mask_events(history.events, workflow, secrets)


def _read(item: Item, workflow: Workflow, actor: Actor) -> ItemHistory:
    cases = list(seen_cases(cases_of(item), actor, workflow.pk))
    return ItemHistory(
        item=item,
        predictions=list(predictions_of(item)),
        route=Route.objects.filter(pk=item.pk)
        .select_related("policy", "model_version")
        .first(),
        cases=cases,
        events=list(events_of_cases([case.pk for case in cases])),
        decisions=list(seen_decisions(decisions_of(item), actor, workflow.pk)),
        labels=list(labels_of(item)),
        outcomes=list(outcomes_of(item)),
        notes=list(seen_notes(notes_of(item), actor, workflow.pk)),
    )
