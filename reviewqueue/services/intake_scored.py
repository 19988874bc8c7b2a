"""Store, score and route a few items within the request (`?wait=score`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction

from accounts.sites import ALL_SITES, Sites
from predictions.enums import IntakeSource
from predictions.models import Workflow
from predictions.queries.model_versions import LARGE_FIELDS
from predictions.services.intake import IntakeResult, Quarantined, store_chunk
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_here
from reviewqueue.services.routing import as_stored

MAX_ITEMS = 100
type ItemStatus = Literal["accepted", "duplicate", "quarantined"]


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """What became of one item; `route` is None when it was refused.

    It is also None for a duplicate that a worker is scoring at this moment.
    """

    external_id: str
    status: ItemStatus
    item_id: UUID | None
    route: Route | None
    refusal: Quarantined | None


def ingest_scored(
    *,
    workflow: Workflow,
    raw_items: Sequence[object],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> list[ScoredAnswer]:
    """Store and route at most 100 items in one transaction; answer one each, in order.

    `sites` are those that the sender is limited to.
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
            sites=sites,
        )
        ids = list(result.item_ids.values())
        routed = process_here(workflow=workflow, limit=len(ids), now=now, only=ids)
    fresh = {one.item_id: as_stored(one, now=now) for one in routed}
    known = _routes_of(set(result.item_ids.values()) - fresh.keys())
    return _answers(raw_items, result, routes=fresh | known, fresh=set(fresh))


def _answers(
    raw_items: Sequence[object],
    result: IntakeResult,
    *,
    routes: Mapping[UUID, Route],
    fresh: set[UUID],
) -> list[ScoredAnswer]:
    refused = {one.index: one for one in result.quarantined}
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
        status: ItemStatus = "accepted" if item_id in fresh else "duplicate"
        fresh.discard(item_id)
        answers.append(ScoredAnswer(external_id, status, item_id, route, None))
    return answers


def _routes_of(item_ids: Collection[UUID]) -> dict[UUID, Route]:
    if not item_ids:
        return {}
    stored = Route.objects.filter(item_id__in=item_ids).select_related(
        "prediction", "model_version", "policy"
    )
    routes = stored.defer(*(f"model_version__{name}" for name in LARGE_FIELDS))
    for route in routes:
        if route.prediction and route.model_version:
            # The route's version made its prediction: no second look for it.
            route.prediction.model_version = route.model_version
    return {route.item_id: route for route in routes}
