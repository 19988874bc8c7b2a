"""The page that says how much people lean on the model, and how well they judge."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.queries.judgements import MAX_ROWS
from reviewqueue.queries.reliance import WINDOW_DAYS, reliance_report
from reviewqueue.queries.sites import SiteChoice, site_choice

WINDOWS: Final = (30, 90, 365)


@require_GET
def reliance(request: HttpRequest, slug: str) -> HttpResponse:
    """Show everybody's figures to who oversees, and to others their own."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    sees_all = page.actor.can(Permission.METRICS_VIEW, workflow.pk)
    days = _days(request.GET.get("days", ""))
    now = timezone.now()
    report = reliance_report(
        workflow,
        days=days,
        now=now,
        only=None if sees_all else page.user,
        sites=choice.sites,
    )
    context = {
        "workflow": workflow,
        "report": report,
        "sees_all": sees_all,
        "days": days,
        "is_lagging": report.until < now,
        "max_rows": MAX_ROWS,
        "windows": _windows(workflow, days, choice),
        "site_choice": choice,
        "sees_gold": page.actor.can(Permission.DECISIONS_VIEW, workflow.pk)
        and not choice.is_limited,
    }
    return render(page, "reviewqueue/reliance.html", context)


def _days(text: str) -> int:
    """Read the window; what is misspelt is the usual one."""
    return next((days for days in WINDOWS if text == str(days)), WINDOW_DAYS)


def _windows(
    workflow: Workflow, chosen: int, choice: SiteChoice
) -> list[dict[str, Any]]:
    address = reverse("reviewqueue:reliance", args=[workflow.slug])
    return [
        {
            "n": n,
            "url": f"{address}?{urlencode({'days': n, **choice.query})}",
            "current": n == chosen,
        }
        for n in WINDOWS
    ]
