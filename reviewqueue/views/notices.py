"""Notices of a workflow: the list, and what a person has read of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission
from predictions.views.access import open_workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.forms_webhooks import KIND_NAMES, NoticeReadForm
from reviewqueue.models import Notice
from reviewqueue.queries.notices import notices_of, read_upto
from reviewqueue.services.notices import mark_read
from reviewqueue.views.lists import page_of

TONES = {
    NoticeKind.GRANTED: "good",
    NoticeKind.WITHDRAWN: "alarm",
    NoticeKind.FLOOR_REACHED: "accent",
    NoticeKind.GOLD_FLOOR: "warn",
    NoticeKind.ALERT_RAISED: "alarm",
    NoticeKind.ALERT_RESOLVED: "good",
    NoticeKind.TRAINING_ENDED: "accent",
    NoticeKind.STAGE_CHANGED: "accent",
    NoticeKind.COMPARISON_DECIDED: "accent",
}


@require_GET
def notice_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List notices, newest first; what the person has not read is marked."""
    page, workflow = open_workflow(request, slug, Permission.METRICS_VIEW)
    rows = notices_of(workflow)
    if (kind := request.GET.get("kind", "")) in NoticeKind.values:
        rows = rows.filter(kind=kind)
    found = page_of(request, rows)
    upto = read_upto(workflow.pk, page.user)
    context = {
        "workflow": workflow,
        "page": found,
        "lines": [_line(one, is_new=not upto or one.pk > upto) for one in found.rows],
        "newest": notices_of(workflow).order_by("-pk").first(),
        "kinds": [(kind.value, name) for kind, name in KIND_NAMES.items()],
        "asked": request.GET,
        "now": timezone.now(),
        "may_see_settings": page.actor.can(Permission.SETTINGS_VIEW, workflow.pk),
    }
    return render(page, "reviewqueue/notice_list.html", context)


def _line(notice: Notice, *, is_new: bool) -> dict[str, object]:
    kind = NoticeKind(notice.kind)
    return {
        "notice": notice,
        "is_new": is_new,
        "name": KIND_NAMES[kind],
        "tone": TONES[kind],
    }


@require_POST
def notice_read(request: HttpRequest, slug: str) -> HttpResponse:
    """Note that the person has read the notices up to the one that is named."""
    page, workflow = open_workflow(request, slug, Permission.METRICS_VIEW)
    form = NoticeReadForm(request.POST)
    if form.is_valid():
        notice = get_object_or_404(
            Notice, pk=form.cleaned_data["upto"], workflow=workflow
        )
        mark_read(workflow=workflow, reader=page.user, upto=notice.pk)
    return redirect("reviewqueue:notice-list", slug=slug)
