"""The supervisor's dashboard."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from accounts.sites import Sites
from predictions.models import ModelVersion, Workflow
from predictions.views.access import open_workflow
from reviewqueue.forms_dashboard import WINDOWS, DashboardForm
from reviewqueue.queries.metrics import workflow_metrics
from reviewqueue.queries.sites import site_choice
from reviewqueue.queries.tallies import Days, Narrowing
from reviewqueue.queries.workers import last_sign
from reviewqueue.views.dashboard_all_items import AllItemsPart
from reviewqueue.views.dashboard_confirmation import ConfirmationPart
from reviewqueue.views.dashboard_flow import FlowPart
from reviewqueue.views.dashboard_headline import key_figures
from reviewqueue.views.dashboard_links import Links

MAX_DAILY = 31  # longer windows are shown by week


@require_GET
def dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the figures of a window; what the query string misspells is named."""
    page, workflow = open_workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    now = timezone.now()
    versions = list(
        ModelVersion.objects.filter(workflow=workflow)
        .order_by("-number")
        .only("id", "number")
    )
    form = DashboardForm(
        request.GET,
        labels=workflow.declaration.labels,
        numbers=[version.number for version in versions],
    )
    days = form.window(today=now.date())
    narrowing = _narrowing(form, versions, choice.sites)
    period_days = 1 if days.n <= MAX_DAILY else 7
    figures = workflow_metrics(
        workflow, days=days, now=now, narrowing=narrowing, period_days=period_days
    )
    links = Links(workflow.slug, days, choice.query)
    confirmation = ConfirmationPart(
        figures.confirmation, days.periods(period_days), links
    )
    flow = FlowPart(figures.operations, links)
    sign = last_sign()
    context = {
        "workflow": workflow,
        "key_figures": key_figures(confirmation, flow, now=now),
        "form": form,
        "days": days,
        "now": now,
        "windows": _windows(workflow, request.GET, days, today=now.date()),
        "confirmation": confirmation,
        "flow": flow,
        "all_items": AllItemsPart(figures.all_items) if figures.all_items else None,
        "worker_sign": sign,
        "is_worker_missed": sign.is_missed(now),
        "is_narrowed": narrowing != Narrowing(sites=choice.sites),
        "clear_url": _url(workflow, _kept(request.GET, "days", "from", "to", "site")),
        "site_choice": choice,
    }
    return render(page, "reviewqueue/dashboard.html", context)


def _narrowing(
    form: DashboardForm, versions: list[ModelVersion], sites: Sites
) -> Narrowing:
    number = form.understood.get("version")
    version = next((one.pk for one in versions if one.number == number), None)
    return Narrowing(form.understood.get("label", ""), version, sites)


def _windows(
    workflow: Workflow, asked: QueryDict, days: Days, *, today: date
) -> list[dict[str, Any]]:
    kept = _kept(asked, "label", "version", "site")
    return [
        {
            "n": n,
            "url": _url(workflow, kept | {"days": str(n)}),
            "current": days == Days(today - timedelta(days=n - 1), today),
        }
        for n in WINDOWS
    ]


def _kept(asked: QueryDict, *names: str) -> dict[str, str]:
    return {name: str(asked[name]) for name in names if asked.get(name)}


def _url(workflow: Workflow, query: dict[str, str]) -> str:
    address = reverse("reviewqueue:dashboard", args=[workflow.slug])
    return f"{address}?{urlencode(query)}" if query else address
