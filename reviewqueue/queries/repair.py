"""What was decided alone since a moment, the riskiest first.

Risk is the expected cost of letting the recommendation stand. What has a label by now,
or lies before people already, is counted and left out: there is nothing to put back.
"""

import base64
import binascii
import struct
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.expressions import Combinable, NegatedExpression

from predictions.declaration import Declaration
from predictions.models import Workflow
from predictions.queries.pages import InvalidCursor, Page
from reviewqueue.enums import OPEN_STATUSES, CaseKind, RouteKind
from reviewqueue.models import (
    Case,
    GoldItem,
    GoldPlacement,
    Label,
    Route,
    Segment,
)

# A page ranks and counts all that it looks at; more than this would make it wait.
MAX_LOOKED_AT: Final = 200_000

# Routes with their `cost`.
type Ranked = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class RepairScope:
    """Whose decisions are looked at again: `since` ≤ moment < `until`."""

    workflow: Workflow
    since: datetime
    until: datetime
    segment_id: UUID | None = None
    model_number: int | None = None


class Rank(NamedTuple):
    """A place in the list: the expected cost, then the item's id."""

    cost: float
    item_id: UUID


@dataclass(frozen=True, slots=True)
class AloneCounts:
    """What became of the items that were decided alone; they add up to `n`.

    `expected_cost` is that of the `n_left`, in the workflow's currency.
    """

    n: int
    n_labelled: int
    n_open: int
    n_left: int
    expected_cost: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The riskiest items: how many, what they may cost, the place of the last one."""

    n: int
    expected_cost: float
    last: Rank | None


def looked_at(scope: RepairScope) -> RepairScope:
    """Return the part of a scope that is looked at at once: its newest 200,000 items.

    Those of one moment stay together. It begins later than what was asked for where
    there is more.
    """
    newest = _routes(scope).order_by("-routed_at").values_list("routed_at", flat=True)
    for begin in newest[MAX_LOOKED_AT - 1 : MAX_LOOKED_AT]:
        is_more = _routes(scope).filter(routed_at__lt=begin).exists()
        return replace(scope, since=begin) if is_more else scope
    return scope


def count_alone(scope: RepairScope) -> AloneCounts:
    """Count what was decided alone, and what of it can be put back.

    What is left is counted as the list ranks it, not row by row: see `_ranked`.
    """
    n = _routes(scope).count()
    n_labelled = _routes(scope).filter(_labelled() | _gold()).count()
    left = _ranked(scope).aggregate(n=Count("pk"), total=Sum("cost", default=0.0))
    return AloneCounts(
        n=n,
        n_labelled=n_labelled,
        # Others may settle items between the counts.
        n_open=max(n - n_labelled - left["n"], 0),
        n_left=left["n"],
        expected_cost=left["total"],
    )


def choose_riskiest(scope: RepairScope, n: int) -> Chosen:
    """Return how far the n riskiest reach."""
    rows = _ranked(scope).values_list("cost", "pk")[:n]
    ranks = [Rank(*row) for row in rows]
    cost = sum(rank.cost for rank in ranks)
    return Chosen(len(ranks), cost, ranks[-1] if ranks else None)


def item_ids_to(scope: RepairScope, last: Rank, *, limit: int) -> list[UUID]:
    """Return the items down to a place of the list: at once after, they are gone."""
    rows = _ranked(scope).exclude(_beyond(last))
    return list(rows.values_list("pk", flat=True)[:limit])


def riskiest_page(scope: RepairScope, *, cursor: str, limit: int) -> Page[Route]:
    """Return a page of routes with their `cost`. Raises: InvalidCursor."""
    rows = _ranked(scope).select_related("item", "prediction", "model_version")
    if cursor:
        rows = rows.filter(_beyond(read_rank(cursor)))
    found = list(rows[: limit + 1])
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, "")
    return Page(shown, write_rank(Rank(shown[-1].cost, shown[-1].pk)))


def can_be_put_back(workflow: Workflow, item_ids: list[UUID]) -> QuerySet[Route]:
    """Return those routes that were decided alone and that nobody looks at."""
    rows = Route.objects.filter(workflow=workflow, kind=RouteKind.AUTO, pk__in=item_ids)
    return rows.filter(*_is_left())


def write_rank(rank: Rank) -> str:
    """Write a place of the list as text, exactly."""
    data = struct.pack(">d", rank.cost) + rank.item_id.bytes
    return base64.urlsafe_b64encode(data).decode()


def read_rank(text: str) -> Rank:
    """Read a place of the list. Raises: InvalidCursor."""
    try:
        data = base64.urlsafe_b64decode(text)
        cost, key = struct.unpack(">d16s", data)
    except (ValueError, binascii.Error, struct.error) as error:
        msg = "The place is not one of this list."
        raise InvalidCursor(msg) from error
    return Rank(cost, UUID(bytes=key))


def _routes(scope: RepairScope) -> QuerySet[Route]:
    rows = Route.objects.filter(
        workflow=scope.workflow,
        kind=RouteKind.AUTO,
        routed_at__gte=scope.since,
        routed_at__lt=scope.until,
    )
    if scope.segment_id is not None:
        of_field = Segment.objects.filter(pk=scope.segment_id).exclude(field="")
        wanted = (
            Q(parts__contains=[scope.segment_id])
            if of_field.exists()
            else Q(segment_id=scope.segment_id)
        )
        rows = rows.filter(wanted)
    if scope.model_number is not None:
        rows = rows.filter(model_version__number=scope.model_number)
    return rows


def _ranked(scope: RepairScope) -> Ranked:
    rows: Ranked = _routes(scope).filter(*_is_left())
    rows = rows.annotate(cost=_cost(scope.workflow.declaration))
    ordered: Ranked = rows.order_by("-cost", "pk")
    return ordered


def _is_left() -> "tuple[NegatedExpression[Combinable], ...]":
    """Nobody looks at it and its label is not known: three anti-joins."""
    return ~_labelled(), ~_gold(), ~_open()


def _labelled() -> Exists:
    later = Label.objects.filter(item=OuterRef("item"), version__gt=OuterRef("version"))
    versions = Label.objects.filter(item=OuterRef("pk")).exclude(label="")
    return Exists(versions.filter(~Exists(later)))


def _gold() -> Exists:
    # What is gold has a label, and its cases measure their reviewers. Retired, it still
    # is what somebody met as gold: as an ordinary case it would tell them so.
    placed = Exists(GoldPlacement.objects.filter(gold=OuterRef("pk")))
    gold = GoldItem.objects.filter(item=OuterRef("pk"))
    return Exists(gold.filter(Q(retired_at=None) | placed))


def _open() -> Exists:
    before_people = Case.objects.filter(item=OuterRef("pk"), status__in=OPEN_STATUSES)
    return Exists(before_people.exclude(kind=CaseKind.GOLD))


def _cost(declaration: Declaration) -> models.Case:
    """Return `trust.sampling.expected_cost` as an expression."""
    doubt = 1.0 - F("prediction__confidence")
    by_label = [
        models.When(label=key, then=doubt * _number(declaration.dearest_error(key)))
        for key in declaration.label_keys
    ]
    return models.Case(
        models.When(
            prediction__confidence=None, then=_number(declaration.greatest_cost)
        ),
        *by_label,
        # a label that is declared no more, and was on neither side
        default=doubt * _number(declaration.costs.false_negative),
        output_field=models.FloatField(),
    )


def _number(value: float) -> models.Value:
    return models.Value(float(value), output_field=models.FloatField())


def _beyond(rank: Rank) -> Q:
    return Q(cost__lt=rank.cost) | Q(cost=rank.cost, pk__gt=rank.item_id)
