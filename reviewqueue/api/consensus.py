"""What several people say together of the same items, over the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.models import Item
from reviewqueue.api.base import SLUG, Operation, documented
from reviewqueue.api.lists import CURSOR, LIMIT, listed
from reviewqueue.api.reliance import DAYS, days_of
from reviewqueue.api.schema import Count, Unit, object_of
from reviewqueue.queries.consensus import ItemConsensus, consensus_report
from reviewqueue.queries.judgements import MAX_ROWS
from reviewqueue.trust.reliance import TOO_FEW


class ItemConsensusShape(TypedDict):
    """An item that several people judged: its most probable label, and every label's.

    `labels` holds each label that anybody gave in the window; they sum to 1.
    """

    item_id: UUID
    external_id: str
    label: str
    labels: dict[str, Unit]
    n_judgements: Count


class ConsensusPage(TypedDict):
    """Items, newest first, and what the estimate rests on.

    `n_items` were judged by two people or more; below the `minimum`, and unless
    `has_converged`, there are no results. `next` leads to the page after this one.
    """

    since: datetime
    until: datetime
    n_items: Count
    n_judgements: Count
    minimum: Count
    is_capped: bool
    has_converged: bool
    results: list[ItemConsensusShape]
    next: str | None


class ConsensusList(Operation):
    @documented(
        "consensus_list",
        summary="The label that several people's judgements make probable, by item",
        description=(
            "Dawid and Skene's estimate over the items that two people or more judged, "
            f"from the newest {MAX_ROWS:,} judgements of the last `days`, without "
            f"gold; from {TOO_FEW} such items. Made without any truth: what people err "
            "on together it takes for right. It is no label in force, and changes none."
        ),
        parameters=[SLUG, DAYS, LIMIT, CURSOR],
        answers={200: object_of(ConsensusPage)},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.DECISIONS_VIEW)
        report = consensus_report(workflow, days=days_of(request), now=timezone.now())
        shared = report.shared

        def shape(found: Sequence[Item]) -> list[ItemConsensusShape]:
            return [_item(one, shared.of_item(one.pk)) for one in found]

        rows = Item.objects.filter(pk__in=list(shared.places)).only("external_id")
        page = listed(request, rows, shape).data
        answer: ConsensusPage = {
            "since": report.since,
            "until": report.until,
            "n_items": shared.n_items,
            "n_judgements": shared.n_judgements,
            "minimum": TOO_FEW,
            "is_capped": report.is_capped,
            "has_converged": shared.estimate.has_converged,
            "results": page["results"],
            "next": page["next"],
        }
        return Response(answer)


def _item(item: Item, found: ItemConsensus) -> ItemConsensusShape:
    return {
        "item_id": item.pk,
        "external_id": item.external_id,
        "label": found.label,
        "labels": found.labels,
        "n_judgements": found.n_judgements,
    }
