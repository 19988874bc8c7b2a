"""Alerts of a workflow: what is open, who took it, what it was."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from lifecycle.enums import OPEN_ALERTS, AlertStatus, MailStatus
from lifecycle.forms_alerts import AcknowledgeForm, ResolveForm
from lifecycle.models import Alert, AlertEvent
from lifecycle.queries.monitoring import alerts_of, open_first
from lifecycle.services.alerts import acknowledge_alert, resolve_alert, title_of
from lifecycle.services.monitors.registry import BY_KEY
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.views.lists import page_of

TONES = {
    AlertStatus.RAISED: "alarm",
    AlertStatus.ACKNOWLEDGED: "warn",
    AlertStatus.RESOLVED: "good",
}


@require_GET
def alert_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List alerts: what is open first, then what is over, newest first."""
    page, workflow = open_workflow(request, slug, Permission.MONITORS_VIEW)
    return _list_page(page, workflow)


@require_POST
def alert_acknowledge(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Note that the person is at it."""
    page, workflow = open_workflow(request, slug, Permission.ALERTS_MANAGE)
    alert = get_object_or_404(Alert, pk=pk, workflow=workflow)
    form = AcknowledgeForm(page.POST)
    if not form.is_valid():
        return _list_page(page, workflow, refused=pk, status=422)
    acknowledge_alert(
        alert_id=alert.pk,
        by=page.user,
        note=form.cleaned_data["note"],
        now=timezone.now(),
    )
    messages.success(page, "It is yours: others see that you are at it.")
    return redirect("lifecycle:alert-list", slug=slug)


@require_POST
def alert_resolve(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """End an alert with a note."""
    page, workflow = open_workflow(request, slug, Permission.ALERTS_MANAGE)
    alert = get_object_or_404(Alert, pk=pk, workflow=workflow)
    form = ResolveForm(page.POST)
    if not form.is_valid():
        return _list_page(page, workflow, refused=pk, form=form, status=422)
    resolve_alert(
        alert_id=alert.pk,
        by=page.user,
        note=form.cleaned_data["note"],
        now=timezone.now(),
    )
    messages.success(page, "Resolved. Its monitor raises another if it comes again.")
    return redirect("lifecycle:alert-list", slug=slug)


def _list_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    *,
    refused: UUID | None = None,
    form: ResolveForm | None = None,
    status: int = 200,
) -> HttpResponse:
    alerts = alerts_of(workflow)
    found = page_of(page, alerts.exclude(status__in=OPEN_ALERTS))
    current = open_first(alerts.filter(status__in=OPEN_ALERTS))
    context = {
        "workflow": workflow,
        "open": _lines(list(current), workflow),
        "over": _lines(found.rows, workflow),
        "page": found,
        "refused": refused,
        "form": form,
        "can_manage": page.actor.can(Permission.ALERTS_MANAGE, workflow.pk),
    }
    return render(page, "lifecycle/alert_list.html", context, status=status)


def _lines(alerts: Sequence[Alert], workflow: Workflow) -> list[dict[str, object]]:
    owners = workflow.declaration.owners
    return [
        {
            "alert": one,
            "title": title_of(one),
            "tone": TONES[AlertStatus(one.status)],
            "owner": BY_KEY[one.monitor].owner(owners) if one.monitor in BY_KEY else "",
            "steps": [(step, _mails(step)) for step in one.events.all()],
        }
        for one in alerts
    ]


def _mails(step: AlertEvent) -> str:
    """Say what became of the mails of a step."""
    mails = list(step.mails.all())
    if not mails:
        return ""
    counts = {
        status: sum(one.status == status for one in mails) for status in MailStatus
    }
    names = {
        MailStatus.SENT: "sent",
        MailStatus.WAITING: "waiting",
        MailStatus.GIVEN_UP: "given up",
    }
    parts = [f"{n} {names[status]}" for status, n in counts.items() if n]
    return f"Mails: {', '.join(parts)}."
