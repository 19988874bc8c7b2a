"""The items behind the figures of late truth, as `reviewqueue.models.tally` counts."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import (
    Case,
    CharField,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf

from predictions.models import Item, Workflow
from reviewqueue.enums import LabelSource, RouteKind
from reviewqueue.models import Label, Outcome

OUTCOMES = ("any", "positive", "negative")


def latest_outcomes(
    workflow: Workflow, *, since: datetime | None, until: datetime | None
) -> QuerySet[Label]:
    """Return the outcomes in force that came in a window."""
    outcomes = Label.objects.filter(source=LabelSource.OUTCOME)
    later = outcomes.filter(item=OuterRef("item"), version__gt=OuterRef("version"))
    found = outcomes.filter(~Exists(later), workflow=workflow)
    if since is not None:
        found = found.filter(created_at__gte=since)
    return found if until is None else found.filter(created_at__lt=until)


def newest_outcome() -> Subquery:
    """Return the label that was last observed of the `item` of a row; null for none."""
    found = Outcome.objects.filter(item=OuterRef("item"))
    return Subquery(found.order_by("-observed_at", "-id").values("label")[:1])


def what_was_recommended(
    items: QuerySet[Item], *, labels: Collection[str] | None = None
) -> QuerySet[Item]:
    """Keep items with a recommendation, of these labels if given."""
    if labels is not None:
        return items.filter(route__label__in=labels)
    return items.filter(route__label__gt="")


def what_was_done(
    items: QuerySet[Item], *, labels: Collection[str] | None = None
) -> QuerySet[Item]:
    """Keep items about which something was done before late truth came.

    That is the label which people gave, or the recommendation where it stood: of
    these labels if given.
    """
    of_item = Label.objects.filter(item=OuterRef("pk"))
    first = of_item.filter(source=LabelSource.OUTCOME).values("item")
    before = of_item.filter(version__lt=OuterRef("first_outcome")).order_by("-version")
    stood = Case(
        When(route__kind=RouteKind.AUTO, then=NullIf("route__label", Value(""))),
        output_field=CharField(),
    )
    is_asked = Q(said__isnull=False) if labels is None else Q(said__in=labels)
    return (
        items.filter(route__isnull=False)
        .annotate(first_outcome=Subquery(first.annotate(v=Min("version")).values("v")))
        .annotate(given=Subquery(before.values("label")[:1]))
        .annotate(said=Coalesce(NullIf("given", Value("")), stood))
        .filter(is_asked)
    )
