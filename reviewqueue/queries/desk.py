"""What a reviewer holds, did last and did today."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.db.models import F, QuerySet

from accounts.models import User
from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.models import FeatureProfile, Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, Decision


@dataclass(frozen=True, slots=True)
class Today:
    """A reviewer's own day so far."""

    n: int
    median_seconds: float | None


def held_cases(
    workflow: Workflow, holder: User, sites: Sites = ALL_SITES
) -> list[Case]:
    """List what a person holds at these sites, the one they are looking at first."""
    return list(
        within_sites(Case.objects.all(), sites)
        .filter(workflow=workflow, leased_by=holder, status=CaseStatus.LEASED)
        .select_related(
            "item__site",
            "route__prediction__model_version",
            "route__prediction__predicted_fields",
            "route__model_version",
        )
        .order_by(F("opened_at").asc(nulls_last=True), "leased_at", "id")
    )


def case_and_route(workflow: Workflow) -> QuerySet[Case]:
    """Return the cases of a workflow with what was recommended."""
    rows = Case.objects.filter(workflow=workflow)
    return rows.select_related("route__prediction__predicted_fields")


def held_case(
    workflow: Workflow, holder: User, pk: UUID | None, sites: Sites = ALL_SITES
) -> Case | None:
    """Return the named case when the person holds it, else the first they hold."""
    held = held_cases(workflow, holder, sites)
    named = next((case for case in held if case.pk == pk), None)
    return named or next(iter(held), None)


def last_decision(
    workflow: Workflow, reviewer: User, *, now: datetime
) -> Decision | None:
    """Return the newest live decision that the reviewer may still undo."""
    window = timedelta(seconds=workflow.declaration.queue.undo_seconds)
    newest = (
        Decision.objects.filter(
            workflow=workflow, reviewer=reviewer, decided_at__gte=now - window
        )
        .select_related("retraction", "case", "item")
        .order_by("-decided_at", "-id")
        .first()
    )
    if newest is None or hasattr(newest, "retraction"):
        return None
    return newest


def today_of(workflow: Workflow, reviewer: User, *, now: datetime) -> Today:
    """Count the reviewer's decisions of this day (UTC), and their median time."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Decision.objects.filter(
        workflow=workflow, reviewer=reviewer, decided_at__gte=midnight
    ).values_list("opened_at", "decided_at")
    seconds = [(decided - opened).total_seconds() for opened, decided in rows[:2000]]
    return Today(len(seconds), float(np.median(seconds)) if seconds else None)


def profile_of(workflow: Workflow) -> dict[str, object]:
    """Return how recent items are distributed; empty before the first summary."""
    found = FeatureProfile.objects.filter(workflow=workflow).first()
    profile: dict[str, object] = found.profile if found else {}
    return profile
