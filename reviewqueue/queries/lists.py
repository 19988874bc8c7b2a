"""Filters of the lists: cases, decisions, items, quarantine."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from predictions.enums import QuarantineStatus
from predictions.intake.values import parse_moment
from predictions.models import Item, QuarantinedItem, Workflow
from reviewqueue.enums import CaseKind, CaseStatus, RouteKind, Verdict
from reviewqueue.models import Case, Decision


def filtered_cases(
    workflow: Workflow, asked: Mapping[str, str], *, viewer: User, now: datetime
) -> QuerySet[Case]:
    """Return the cases that the query string asks for; what it misspells is ignored."""
    rows = Case.objects.filter(workflow=workflow).select_related(
        "item", "leased_by", "assigned_to"
    )
    if asked.get("status") in CaseStatus.values:
        rows = rows.filter(status=asked["status"])
    if asked.get("kind") in CaseKind.values:
        rows = rows.filter(kind=asked["kind"])
    if asked.get("mine"):
        rows = rows.filter(leased_by=viewer)
    if asked.get("overdue"):
        rows = rows.filter(due_at__lt=now, closed_at=None)
    if prefix := plain(asked, "q"):
        rows = rows.filter(item__external_id__startswith=prefix)
    return rows


def filtered_items(workflow: Workflow, asked: Mapping[str, str]) -> QuerySet[Item]:
    """Return the items that the query string asks for."""
    rows = Item.objects.filter(workflow=workflow).select_related("route")
    if prefix := plain(asked, "q"):
        rows = rows.filter(external_id__startswith=prefix)
    if subject := plain(asked, "subject"):
        rows = rows.filter(subject=subject)
    if asked.get("route") in RouteKind.values:
        rows = rows.filter(route__kind=asked["route"])
    return rows


def filtered_quarantine(
    workflow: Workflow, asked: Mapping[str, str]
) -> QuerySet[QuarantinedItem]:
    """Return the refused items that the query string asks for; open ones by default."""
    rows = QuarantinedItem.objects.filter(workflow=workflow)
    status = asked.get("status", QuarantineStatus.OPEN.value)
    if status in QuarantineStatus.values:
        rows = rows.filter(status=status)
    if prefix := plain(asked, "q"):
        rows = rows.filter(external_id__startswith=prefix)
    for name in ("field", "rule"):
        if value := plain(asked, name):
            rows = rows.filter(errors__contains=[{name: value}])
    return rows


def filtered_decisions(
    workflow: Workflow, asked: Mapping[str, str]
) -> QuerySet[Decision]:
    """Return the live decisions behind a figure of the dashboard."""
    rows = Decision.objects.filter(workflow=workflow, retraction=None).select_related(
        "item", "reviewer", "model_version", "case"
    )
    if since := parse_moment(asked.get("decided_from")):
        rows = rows.filter(decided_at__gte=since)
    if until := parse_moment(asked.get("decided_to")):
        rows = rows.filter(decided_at__lt=until)
    if day := parse_moment(asked.get("day")):
        rows = rows.filter(decided_at__date=day.date())
    if (number := asked.get("model_version", "")).isdecimal():
        rows = rows.filter(model_version__number=int(number[:9]))
    if label := plain(asked, "recommended_label"):
        rows = rows.filter(recommended_label=label)
    low, high = number_of(asked, "band_low"), number_of(asked, "band_high")
    if low is not None:
        rows = rows.filter(probability__gte=low)
    if high is not None and high < 1:
        rows = rows.filter(probability__lt=high)
    if reviewer := plain(asked, "reviewer"):
        rows = rows.filter(reviewer__username=reviewer)
    if "reason" in asked and asked["reason"] != "":
        rows = rows.filter(reason_code=plain(asked, "reason"))
    if asked.get("verdict") in Verdict.values:
        rows = rows.filter(verdict=asked["verdict"])
    if asked.get("blind") in {"0", "1"}:
        rows = rows.filter(blind=asked["blind"] == "1")
    if asked.get("kind") in CaseKind.values:
        rows = rows.filter(case_kind=asked["kind"])
    return rows


def plain(asked: Mapping[str, str], name: str) -> str:
    """Return a text of the query string without what PostgreSQL cannot hold."""
    text = asked.get(name, "").strip().replace("\x00", "")
    return text.encode("utf-8", "ignore").decode()[:200]


def number_of(asked: Mapping[str, str], name: str) -> float | None:
    """Return a number of the query string, or None."""
    try:
        return float(asked.get(name, ""))
    except ValueError:
        return None
