"""Gold items over the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.models import Item, Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    BrokenRule,
    Operation,
    broken_rules,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import Count, OneOf, object_of
from reviewqueue.enums import GoldSource
from reviewqueue.models import GoldItem
from reviewqueue.queries.gold import met_counts
from reviewqueue.services.gold import (
    GoldAdded,
    GoldRefused,
    GoldRow,
    RowRefused,
    add_gold_rows,
    add_settled,
    retire_gold,
)

MAX_ITEMS = 1000
Text = Annotated[str, Field(max_length=1000)]


class GoldRowSent(TypedDict):
    """An item to make gold; without a label, with the one in force."""

    external_id: Text
    label: NotRequired[Text]
    note: NotRequired[Text]


class GoldSent(TypedDict):
    """Items to make gold."""

    items: Annotated[list[GoldRowSent], Field(max_length=MAX_ITEMS)]


class GoldShape(TypedDict):
    """An item whose label is known; `retired_by` is null until it is retired."""

    id: UUID
    item_id: UUID
    external_id: str
    label: str
    source: Annotated[str, OneOf(GoldSource)]
    note: str
    added_by: str
    added_at: datetime
    retired_at: datetime | None
    retired_by: str | None


class GoldMet(GoldShape):
    """A gold item with how often it was met, judged and judged rightly."""

    n_met: Count
    n_judged: Count
    n_right: Count


class GoldRefusedShape(TypedDict):
    """A row that was left out; `index` counts from 0 in what was sent."""

    index: Count
    external_id: str
    errors: list[BrokenRule]


class GoldAddedShape(TypedDict):
    """What became of the rows."""

    added: list[GoldShape]
    refused: list[GoldRefusedShape]


class RetirementAsked(TypedDict):
    """Why a gold item is placed no more."""

    reason: NotRequired[Text]


class GoldList(Operation):
    @documented(
        "gold_list",
        summary="Gold items, newest first, with how they were met",
        parameters=[SLUG, LIMIT, CURSOR, OpenApiParameter("retired", bool)],
        answers={200: object_of(Page[GoldMet], "GoldPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.DECISIONS_VIEW)
        is_retired = request.query_params.get("retired") == "true"
        rows = GoldItem.objects.filter(
            workflow=workflow, retired_at__isnull=not is_retired
        ).select_related("item", "added_by", "retired_by")

        def shape(found: Sequence[GoldItem]) -> list[GoldMet]:
            counts = met_counts(found)
            return [_met(one, counts[one.pk]) for one in found]

        return listed(request, rows, shape)

    @documented(
        "gold_create",
        summary="Make items gold",
        description=(
            "With the `label` that is known, or without one: then with the label in "
            f"force. At most {MAX_ITEMS:,}; a bad one never stops the others."
        ),
        parameters=[SLUG],
        request=object_of(GoldSent),
        answers={201: object_of(GoldAddedShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.CASES_MANAGE)
        body = read_object(request, ["items"], required=["items"])
        made = _add(workflow, _rows(body["items"]), by=self.user(request))
        answer: GoldAddedShape = {
            "added": [gold_shape(one) for one in made.added],
            "refused": [
                {
                    "index": one.number,
                    "external_id": one.external_id,
                    "errors": broken_rules(one.errors),
                }
                for one in made.refused
            ],
        }
        return Response(answer, status=201)


class GoldRetire(Operation):
    @documented(
        "gold_retire",
        summary="Place a gold item no more; what was answered stays",
        request=object_of(RetirementAsked),
        answers={200: object_of(GoldShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        gold = GoldItem.objects.get(pk=pk)
        self.actor(request).require(Permission.CASES_MANAGE, gold.workflow_id)
        body = read_object(request, ["reason"])
        retired = retire_gold(
            gold=gold,
            by=self.user(request),
            reason=text_field(body, "reason", max_length=1000),
            now=timezone.now(),
        )
        return Response(gold_shape(retired))


def gold_shape(gold: GoldItem) -> GoldShape:
    return {
        "id": gold.id,
        "item_id": gold.item_id,
        "external_id": gold.item.external_id,
        "label": gold.label,
        "source": gold.source,
        "note": gold.note,
        "added_by": gold.added_by.username,
        "added_at": gold.added_at,
        "retired_at": gold.retired_at,
        "retired_by": gold.retired_by.username if gold.retired_by else None,
    }


def _met(gold: GoldItem, counts: tuple[int, int, int]) -> GoldMet:
    n_met, n_judged, n_right = counts
    return {
        **gold_shape(gold),
        "n_met": n_met,
        "n_judged": n_judged,
        "n_right": n_right,
    }


def _rows(items: object) -> list[GoldRow]:
    if not isinstance(items, list):
        raise InvalidRequest([FieldError("items", "type", type(items).__name__)])
    if len(items) > MAX_ITEMS:
        raise InvalidRequest([FieldError("items", "too_many", len(items))])
    rows = []
    for index, one in enumerate(items):
        if not isinstance(one, dict):
            rule = FieldError(f"items.{index}", "type", type(one).__name__)
            raise InvalidRequest([rule])
        external_id, label, note = (
            text_field(one, name, max_length=1000)
            for name in ("external_id", "label", "note")
        )
        rows.append(GoldRow(index, external_id, label, note))
    return rows


@transaction.atomic
def _add(workflow: Workflow, rows: list[GoldRow], *, by: User) -> GoldAdded:
    now = timezone.now()
    told = [row for row in rows if row.label]
    made = add_gold_rows(workflow=workflow, rows=told, by=by, now=now)
    added, refused = list(made.added), list(made.refused)
    for row in rows:
        if row.label:
            continue
        item = Item.objects.filter(
            workflow=workflow, external_id=row.external_id
        ).first()
        if item is None:
            unknown = FieldError("external_id", "unknown", row.external_id)
            refused.append(RowRefused(row.number, row.external_id, [unknown]))
            continue
        try:
            added.append(add_settled(item=item, by=by, note=row.note, now=now))
        except GoldRefused as refusal:
            refused.append(RowRefused(row.number, row.external_id, refusal.errors))
    return GoldAdded(added, sorted(refused, key=lambda one: one.number))
