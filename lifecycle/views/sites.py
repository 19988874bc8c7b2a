"""The page of one site: trust and drift there, and the way to its other figures."""

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import Site
from accounts.permissions import Permission
from lifecycle.enums import ReadingVerdict
from lifecycle.services.site_figures import site_figures
from predictions.views.access import open_workflow
from reviewqueue.queries.sites import site_of

TONES: Final = {
    ReadingVerdict.FINE: ("as in the reference", "good"),
    ReadingVerdict.ALARM: ("moved", "warn"),
    ReadingVerdict.TOO_FEW: ("too few", ""),
    ReadingVerdict.SILENT: ("unknown", ""),
}


@require_GET
def site_detail(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Show how the model does at one site."""
    page, workflow = open_workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
    try:
        site = site_of(page.actor, workflow.pk, key)
    except Site.DoesNotExist as error:
        raise Http404 from error
    figures = site_figures(workflow, site, now=timezone.now())
    context = {
        "workflow": workflow,
        "site": site,
        "trust": figures.trust,
        "drift": [(one, *TONES[one.verdict]) for one in figures.drift],
        "sees_all": page.actor.sites(workflow.pk) is None,
    }
    return render(page, "lifecycle/site_detail.html", context)
