"""Filters of the lists: cases, decisions, items, quarantine."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from accounts.models import User
from predictions.enums import QuarantineStatus
from predictions.intake.values import parse_moment
from predictions.models import Item, QuarantinedItem, Workflow
from reviewqueue.enums import (
    CLAIMABLE_STATUSES,
    CaseKind,
    CaseStatus,
    RetractionKind,
    RouteKind,
    RouteReason,
    Verdict,
)
from reviewqueue.models import Case, Decision
from reviewqueue.models.tally import BAND_ENDS, NO_BAND
from reviewqueue.queries.late_truth import (
    OUTCOMES,
    latest_outcomes,
    what_was_done,
    what_was_recommended,
)

FAILURES = (RouteReason.MODEL_FAILED, RouteReason.NO_CHAMPION, RouteReason.UNCALIBRATED)
FAILED = "failed"  # any of them
DUE_SOON = timedelta(hours=1)


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
    if asked.get("due_soon"):
        rows = rows.filter(status__in=CLAIMABLE_STATUSES)
        rows = rows.filter(due_at__gte=now, due_at__lt=now + DUE_SOON)
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
    if asked.get("route_reason") == FAILED:
        rows = rows.filter(route__reason__in=FAILURES)
    elif asked.get("route_reason") in RouteReason.values:
        rows = rows.filter(route__reason=asked["route_reason"])
    if since := parse_moment(asked.get("routed_from")):
        rows = rows.filter(route__routed_at__gte=since)
    if until := parse_moment(asked.get("routed_to")):
        rows = rows.filter(route__routed_at__lt=until)
    if asked.get("outcome") in OUTCOMES:
        rows = _with_outcome(rows, workflow, asked)
    return rows


def _with_outcome(
    rows: QuerySet[Item], workflow: Workflow, asked: Mapping[str, str]
) -> QuerySet[Item]:
    positive = workflow.declaration.positive_labels
    truths = latest_outcomes(
        workflow,
        since=parse_moment(asked.get("outcome_from")),
        until=parse_moment(asked.get("outcome_to")),
    )
    if asked["outcome"] == "positive":
        truths = truths.filter(label__in=positive)
    elif asked["outcome"] == "negative":
        truths = truths.exclude(label__in=positive)
    rows = rows.filter(pk__in=truths.values("item"))
    said = positive if asked.get("said") == "positive" else None
    what = what_was_done if asked.get("done") else what_was_recommended
    rows = what(rows, labels=said)
    if (number := asked.get("model_version", "")).isdecimal():
        rows = rows.filter(route__model_version__number=int(number[:9]))
    return rows


def filtered_quarantine(
    workflow: Workflow, asked: Mapping[str, str]
) -> QuerySet[QuarantinedItem]:
    """Return the refused items that the query string asks for; open ones by default."""
    rows = QuarantinedItem.objects.filter(workflow=workflow)
    status = asked.get("status", QuarantineStatus.OPEN.value)
    if status in QuarantineStatus.values:
        rows = rows.filter(status=status)
    if since := parse_moment(asked.get("received_from")):
        rows = rows.filter(received_at__gte=since)
    if until := parse_moment(asked.get("received_to")):
        rows = rows.filter(received_at__lt=until)
    if prefix := plain(asked, "q"):
        rows = rows.filter(external_id__startswith=prefix)
    for name in ("field", "rule"):
        if value := plain(asked, name):
            rows = rows.filter(errors__contains=[{name: value}])
    return rows


def filtered_decisions(
    workflow: Workflow, asked: Mapping[str, str]
) -> QuerySet[Decision]:
    """Return the live decisions behind a figure of the dashboard.

    `readings` are those of first and second readers on a recommendation, `judged`
    those with a label. `sla` asks for what was decided in time or late: also what was
    amended since, and never the amendment.
    """
    rows = Decision.objects.filter(workflow=workflow).select_related(
        "item", "reviewer", "model_version", "case"
    )
    rows = _timed(rows, asked["sla"]) if asked.get("sla") else rows.filter(_IS_LIVE)
    if since := parse_moment(asked.get("decided_from")):
        rows = rows.filter(decided_at__gte=since)
    if until := parse_moment(asked.get("decided_to")):
        rows = rows.filter(decided_at__lt=until)
    if asked.get("readings"):
        rows = rows.exclude(case_kind=CaseKind.ADJUDICATION)
        rows = rows.exclude(recommended_label="").exclude(model_version=None)
    if (number := asked.get("model_version", "")).isdecimal():
        rows = rows.filter(model_version__number=int(number[:9]))
    if label := plain(asked, "recommended_label"):
        rows = rows.filter(recommended_label=label)
    if reviewer := plain(asked, "reviewer"):
        rows = rows.filter(reviewer__username=reviewer)
    if reason := plain(asked, "reason"):
        rows = rows.filter(reason_code="" if reason == NO_REASON else reason)
    if asked.get("blind") in {"0", "1"}:
        rows = rows.filter(blind=asked["blind"] == "1")
    if asked.get("kind") in CaseKind.values:
        rows = rows.filter(case_kind=asked["kind"])
    return rows.filter(_in_band(asked.get("band", "")), _judged(asked))


_IS_LIVE = Q(retraction=None)
NO_REASON = "-"  # no reason code is written like this


def _timed(rows: QuerySet[Decision], sla: str) -> QuerySet[Decision]:
    made = rows.filter(_IS_LIVE | Q(retraction__kind=RetractionKind.AMEND))
    made = made.filter(supersedes=None).exclude(case_kind=CaseKind.ADJUDICATION)
    in_time = Q(decided_at__lte=F("case__due_at"))
    return made.exclude(in_time) if sla == "late" else made.filter(in_time)


def _judged(asked: Mapping[str, str]) -> Q:
    if asked.get("verdict") in Verdict.values:
        return Q(verdict=asked["verdict"])
    return ~Q(verdict=Verdict.UNSURE) if asked.get("judged") else Q()


def _in_band(band: str) -> Q:
    """Return the condition of a band of the dashboard, by its number."""
    if band == str(NO_BAND):
        return Q(probability=None)
    if not band.isdecimal() or int(band) > len(BAND_ENDS):
        return Q()
    low, high = int(band) - 1, int(band)
    condition = Q(probability__isnull=False)
    if low >= 0:
        condition &= Q(probability__gte=BAND_ENDS[low])
    if high < len(BAND_ENDS):
        condition &= Q(probability__lt=BAND_ENDS[high])
    return condition


def plain(asked: Mapping[str, str], name: str) -> str:
    """Return a text of the query string without what PostgreSQL cannot hold."""
    text = asked.get(name, "").strip().replace("\x00", "")
    return text.encode("utf-8", "ignore").decode()[:200]
