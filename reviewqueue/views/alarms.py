"""The page that says what alarms were worth."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from predictions.intake.values import parse_moment
from predictions.learning.evaluation import wilson_interval
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.queries.alarms import AlarmReport, alarm_report
from reviewqueue.queries.sites import site_choice
from reviewqueue.trust.alarms import AlarmScore, Caught
from ui import numbers


@dataclass(frozen=True, slots=True)
class ShareOf:
    """So many of so many, with the interval where there is one."""

    k: int
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Column:
    """Who raised the alarms, and what came of them."""

    name: str
    about: str
    score: AlarmScore
    caught: ShareOf
    late: ShareOf
    missed: ShareOf
    lead: str


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of failure: how many, and what became of them by who watched."""

    name: str
    cells: tuple[ShareOf, ...]


@require_GET
def alarms(request: HttpRequest, slug: str) -> HttpResponse:
    """Show alarms by lead time, false alarms a machine and week, and costs."""
    page, workflow = open_workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    report = alarm_report(
        workflow,
        since=parse_moment(request.GET.get("since") or None),
        until=parse_moment(request.GET.get("until") or None),
        sites=choice.sites,
    )
    context = {
        "workflow": workflow,
        "report": report,
        "currency": workflow.declaration.costs.currency,
        "site_choice": choice,
        **(_context(report, workflow) if report else {}),
    }
    return render(page, "reviewqueue/alarms.html", context)


def _context(report: AlarmReport, workflow: Workflow) -> dict[str, object]:
    columns = [
        _column("Model", "every item, seen by people or not", report.model),
        _column("People", "failures of which they saw an item", report.people),
        _column("Together", "as it was acted on", report.together),
    ]
    kinds = sorted(report.model.by_kind)
    return {
        "columns": columns,
        "kinds": [
            KindRow(
                kind or "not named",
                tuple(_caught_of(one.score.by_kind.get(kind)) for one in columns),
            )
            for kind in kinds
            if len(kinds) > 1 or kind
        ],
        "series": workflow.declaration.series,
    }


def _column(name: str, about: str, score: AlarmScore) -> Column:
    found = score.failures
    lead = found.median_lead
    return Column(
        name=name,
        about=about,
        score=score,
        caught=_caught_of(found),
        late=_share(found.n_late, found.n),
        missed=_share(found.n_missed, found.n),
        lead=numbers.duration(lead * 60) if lead is not None else "",
    )


def _caught_of(found: Caught | None) -> ShareOf:
    return _share(found.n_caught, found.n) if found else _share(0, 0)


def _share(k: int, n: int) -> ShareOf:
    if not n:
        return ShareOf(k, n, None, None)
    ends = wilson_interval(k, n)
    return ShareOf(k, n, ends.low, ends.high)
