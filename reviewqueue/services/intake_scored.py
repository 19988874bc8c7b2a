"""Store, score and route a few items within the request (`?wait=score`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from predictions.enums import IntakeSource
from predictions.models import Item, Workflow
from predictions.services.intake import IntakeResult, Quarantined, store_chunk
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_batch

MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """What became of one item; `route` is None when it was refused.

    It is also None for a duplicate that a worker is scoring at this moment.
    """

    external_id: str
    status: str  # accepted, duplicate, quarantined
    item: Item | None
    route: Route | None
    refusal: Quarantined | None


def ingest_scored(
    *, workflow: Workflow, raw_items: Sequence[object], now: datetime
) -> list[ScoredAnswer]:
    """Store and route at most 100 items in one transaction; answer one each, in order.

    Nobody else sees the items before they are routed, so no worker races for them.
    Raises: ValueError for more items.
    """
    if len(raw_items) > MAX_ITEMS:
        msg = f"At most {MAX_ITEMS} items can be scored in a request."
        raise ValueError(msg)
    result = IntakeResult()
    with transaction.atomic():
        store_chunk(
            workflow=workflow,
            raw_items=raw_items,
            offset=0,
            source=IntakeSource.API,
            now=now,
            result=result,
            keep_ids=True,
        )
        ids = list(result.item_ids.values())
        routed = process_batch(workflow=workflow, limit=len(ids), now=now, only=ids)
    return _answers(raw_items, result, fresh={one.item_id for one in routed})


def _answers(
    raw_items: Sequence[object], result: IntakeResult, *, fresh: set[UUID]
) -> list[ScoredAnswer]:
    refused = {one.index: one for one in result.quarantined}
    routes = {
        route.item_id: route
        for route in Route.objects.filter(
            item_id__in=result.item_ids.values()
        ).select_related("item", "prediction", "model_version", "policy")
    }
    answers = []
    for index, raw in enumerate(raw_items):
        if index in refused:
            one = refused[index]
            answers.append(
                ScoredAnswer(one.external_id, "quarantined", None, None, one)
            )
            continue
        external_id = raw["external_id"] if isinstance(raw, dict) else ""
        item_id = result.item_ids[external_id]
        route = routes.get(item_id)
        status = "accepted" if item_id in fresh else "duplicate"
        fresh.discard(item_id)
        item = route.item if route else Item.objects.get(pk=item_id)
        answers.append(ScoredAnswer(external_id, status, item, route, None))
    return answers
