"""Filters of the lists: cases, decisions, items, quarantine."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from accounts.models import User
from accounts.permissions import Actor
from accounts.sites import ALL_SITES, Sites, within_sites
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
from reviewqueue.models import Case, Decision, GoldPlacement
from reviewqueue.models.tally import BAND_ENDS, NO_BAND
from reviewqueue.queries.disguise import disguised, due_after, seemingly_routed
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
    workflow: Workflow,
    asked: Mapping[str, str],
    *,
    viewer: User,
    now: datetime,
    sites: Sites = ALL_SITES,
) -> QuerySet[Case]:
    """Return the cases that the query string asks for; what it misspells is ignored.

    The kind is left to `disguise.listed_cases`: it depends on who asks.
    """
    rows = within_sites(Case.objects.filter(workflow=workflow), sites)
    rows = rows.select_related("item", "leased_by", "assigned_to")
    if asked.get("status") in CaseStatus.values:
        rows = rows.filter(status=asked["status"])
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


def filtered_items(
    workflow: Workflow,
    asked: Mapping[str, str],
    *,
    actor: Actor,
    sites: Sites = ALL_SITES,
) -> QuerySet[Item]:
    """Return the items that the query string asks for.

    Gold that the actor must not recognise is found by what it seems to be.
    """
    rows = within_sites(Item.objects.filter(workflow=workflow), sites)
    rows = rows.select_related("route", "site")
    met = disguised(actor, workflow.pk)
    if prefix := plain(asked, "q"):
        rows = rows.filter(external_id__startswith=prefix)
    if subject := plain(asked, "subject"):
        rows = rows.filter(subject=subject)
    if {"route", "route_reason", "routed_from", "routed_to"} & asked.keys():
        rows = _routed(rows, asked, met)
    if asked.get("outcome") in OUTCOMES:
        rows = _with_outcome(rows, workflow, asked)
        rows = rows.exclude(pk__in=met.values("gold__item"))
    return rows


def _routed(
    rows: QuerySet[Item], asked: Mapping[str, str], met: QuerySet[GoldPlacement]
) -> QuerySet[Item]:
    kind = asked.get("route", "")
    reason = asked.get("route_reason", "")
    wanted: Collection[str] = FAILURES if reason == FAILED else (reason,)
    reasons = tuple(one for one in wanted if one in RouteReason.values)
    as_routed = Q()
    seeming = seemingly_routed(met, kind=kind, reasons=reasons)
    if kind in RouteKind.values:
        as_routed &= Q(route__kind=kind)
    if reasons:
        as_routed &= Q(route__reason__in=reasons)
    if since := parse_moment(asked.get("routed_from")):
        as_routed &= Q(route__routed_at__gte=since)
        seeming = seeming.filter(case__created_at__gte=since)
    if until := parse_moment(asked.get("routed_to")):
        as_routed &= Q(route__routed_at__lt=until)
        seeming = seeming.filter(case__created_at__lt=until)
    return _seeming(rows, as_routed, met, seeming)


def _seeming(
    rows: QuerySet[Item],
    condition: Q,
    met: QuerySet[GoldPlacement],
    seeming: QuerySet[GoldPlacement],
) -> QuerySet[Item]:
    """Return what fulfils a condition, of the items met as gold those that seem to."""
    is_met = Q(pk__in=met.values("gold__item"))
    return rows.filter((condition & ~is_met) | Q(pk__in=seeming.values("gold__item")))


def received_items(
    rows: QuerySet[Item],
    workflow: Workflow,
    *,
    since: datetime | None,
    until: datetime | None,
    actor: Actor,
) -> QuerySet[Item]:
    """Return what came in within a window, or seems to have."""
    if since is None and until is None:
        return rows
    met = seeming = disguised(actor, workflow.pk)
    condition, until_due = Q(), due_after(workflow)
    if since:
        condition &= Q(received_at__gte=since)
        seeming = seeming.filter(case__due_at__gte=since + until_due)
    if until:
        condition &= Q(received_at__lt=until)
        seeming = seeming.filter(case__due_at__lt=until + until_due)
    return _seeming(rows, condition, met, seeming)


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
    workflow: Workflow, asked: Mapping[str, str], sites: Sites = ALL_SITES
) -> QuerySet[QuarantinedItem]:
    """Return the refused items that the query string asks for; open ones by default."""
    rows = within_sites(QuarantinedItem.objects.filter(workflow=workflow), sites)
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
    workflow: Workflow, asked: Mapping[str, str], sites: Sites = ALL_SITES
) -> QuerySet[Decision]:
    """Return the live decisions behind a figure of the dashboard.

    `readings` are those of first and second readers on a recommendation, of items
    that were routed to people; `judged` those with a label. `sla` asks for what was
    decided in time or late: also what was amended since, and never the amendment.
    The kind is left to `disguise.listed_decisions`: it depends on who asks.
    """
    rows = within_sites(Decision.objects.filter(workflow=workflow), sites)
    rows = rows.select_related("item", "reviewer", "model_version", "case")
    rows = _timed(rows, asked["sla"]) if asked.get("sla") else rows.filter(_IS_LIVE)
    if since := parse_moment(asked.get("decided_from")):
        rows = rows.filter(decided_at__gte=since)
    if until := parse_moment(asked.get("decided_to")):
        rows = rows.filter(decided_at__lt=until)
    if asked.get("readings"):
        rows = rows.exclude(case_kind=CaseKind.ADJUDICATION)
        rows = rows.exclude(recommended_label="").exclude(model_version=None)
        rows = rows.filter(_WAS_DRAWN)
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
    return rows.filter(_in_band(asked.get("band", "")), _judged(asked))


_IS_LIVE = Q(retraction=None)
# Not put back by a person. To its reviewer gold looks drawn, so it stays in the list.
_WAS_DRAWN = Q(case__route__kind=RouteKind.REVIEW) | Q(case_kind=CaseKind.GOLD)
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


def known_kind(value: str) -> str:
    """Return the kind of case that is asked for; what is misspelt is ignored."""
    return value if value in CaseKind.values else ""


def plain(asked: Mapping[str, str], name: str) -> str:
    """Return a text of the query string without what PostgreSQL cannot hold."""
    text = asked.get(name, "").strip().replace("\x00", "")
    return text.encode("utf-8", "ignore").decode()[:200]
