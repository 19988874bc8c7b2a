"""Everything that happened to an item, and what else its subject did."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.models import Item, Prediction, QuarantinedItem
from reviewqueue.models import Case, CaseEvent, CaseNote, Decision, Label, Outcome


def decisions_of(item: Item) -> QuerySet[Decision]:
    """Return every decision on an item, retracted ones too, oldest first."""
    return (
        Decision.objects.filter(item=item)
        .select_related("reviewer", "retraction", "retraction__by")
        .order_by("decided_at", "id")
    )


def predictions_of(item: Item) -> QuerySet[Prediction]:
    """Return what every version said about an item."""
    rows = Prediction.objects.filter(item=item)
    rows = rows.select_related("model_version", "predicted_fields")
    return rows.order_by("created_at", "id")


def labels_of(item: Item) -> QuerySet[Label]:
    """Return the versions of the truth, the one in force first."""
    return Label.objects.filter(item=item).select_related("item").order_by("-version")


def outcomes_of(item: Item) -> QuerySet[Outcome]:
    """Return late truth as received, oldest first."""
    return Outcome.objects.filter(item=item).order_by("received_at", "id")


def refusals_of(item: Item) -> QuerySet[QuarantinedItem]:
    """Return what was refused first and then corrected to this item, oldest first."""
    rows = QuarantinedItem.objects.filter(item=item).select_related("resolved_by")
    return rows.order_by("resolved_at", "id")


def cases_of(item: Item) -> QuerySet[Case]:
    """Return the passes of people over an item, oldest first."""
    rows = Case.objects.filter(item=item)
    return rows.select_related("item", "leased_by", "assigned_to").order_by("id")


def events_of_cases(case_ids: list[UUID]) -> QuerySet[CaseEvent]:
    """Return the transitions of cases, oldest first."""
    rows = CaseEvent.objects.filter(case_id__in=case_ids).select_related("actor")
    return rows.order_by("at", "id")


def notes_of(item: Item) -> QuerySet[CaseNote]:
    """Return what people wrote beside the cases of an item, oldest first."""
    rows = CaseNote.objects.filter(case__item=item).select_related("author")
    return rows.order_by("at", "id")


def same_subject(item: Item, sites: Sites = ALL_SITES, *, limit: int = 8) -> list[Item]:
    """Return the newest earlier items of the same subject, with their routes."""
    if not item.subject:
        return []
    return list(
        within_sites(Item.objects.all(), sites)
        .filter(
            workflow_id=item.workflow_id,
            subject=item.subject,
            occurred_at__lte=item.occurred_at,
        )
        .exclude(pk=item.pk)
        .select_related("route")
        .order_by("-occurred_at", "-id")[:limit]
    )
