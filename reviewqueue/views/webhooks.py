"""Web-hooks of a workflow: add one, see its secret once, its deliveries, end it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.enums import DeliveryStatus
from reviewqueue.forms_webhooks import KIND_NAMES, WebhookForm
from reviewqueue.models import Delivery, Webhook
from reviewqueue.queries.notices import deliveries_of, webhooks_of
from reviewqueue.services.webhooks import (
    InvalidWebhook,
    ReplayRefused,
    add_webhook,
    disable_webhook,
    replay_delivery,
)
from reviewqueue.views.lists import page_of

STATES = {
    DeliveryStatus.WAITING: {"name": "waiting", "tone": "accent"},
    DeliveryStatus.DELIVERED: {"name": "delivered", "tone": "good"},
    DeliveryStatus.GIVEN_UP: {"name": "given up", "tone": "alarm"},
}


@never_cache
@require_http_methods(["GET", "POST"])
def webhook_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List web-hooks; a POST adds one and shows its secret this once."""
    if request.method != "POST":
        page, workflow = open_workflow(request, slug, Permission.SETTINGS_VIEW)
        return _list_page(page, workflow, WebhookForm())
    page, workflow = open_workflow(request, slug, Permission.SETTINGS_CHANGE)
    form = WebhookForm(request.POST)
    added = _added(page, workflow, form) if form.is_valid() else None
    if added is None:
        return _list_page(page, workflow, form, status=422)
    # Not redirected: the secret would have to be kept somewhere on the way.
    return _list_page(page, workflow, WebhookForm(), added=added)


def _added(
    page: AuthenticatedRequest, workflow: Workflow, form: WebhookForm
) -> Webhook | None:
    try:
        return add_webhook(
            workflow=workflow,
            url=form.cleaned_data["url"],
            kinds=form.cleaned_data["kinds"],
            by=page.user,
            now=timezone.now(),
        )
    except InvalidWebhook as refusal:
        form.refuse(refusal.errors)
        return None


def _list_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    form: WebhookForm,
    *,
    added: Webhook | None = None,
    status: int = 200,
) -> HttpResponse:
    hooks = webhooks_of(workflow).order_by("disabled_at", "-pk")
    context = {
        "workflow": workflow,
        "form": form,
        "added": added,
        "hooks": [(hook, _kinds_in_words(hook)) for hook in hooks],
        "can_change": page.actor.can(Permission.SETTINGS_CHANGE, workflow.pk),
    }
    return render(page, "reviewqueue/webhook_list.html", context, status=status)


def _kinds_in_words(hook: Webhook) -> str:
    names = (name for kind, name in KIND_NAMES.items() if kind.value in hook.kinds)
    return ", ".join(names) or "all kinds"


@require_GET
def webhook_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show what was and is to be sent to one web-hook, newest first."""
    page, workflow = open_workflow(request, slug, Permission.SETTINGS_VIEW)
    hook = get_object_or_404(webhooks_of(workflow), pk=pk)
    rows = deliveries_of(hook)
    if (status := request.GET.get("status", "")) in DeliveryStatus.values:
        rows = rows.filter(status=status)
    found = page_of(request, rows)
    context = {
        "workflow": workflow,
        "hook": hook,
        "kinds": _kinds_in_words(hook),
        "page": found,
        "rows": [(one, STATES[DeliveryStatus(one.status)]) for one in found.rows],
        "statuses": [(status.value, one["name"]) for status, one in STATES.items()],
        "asked": request.GET,
        "can_change": hook.disabled_at is None
        and page.actor.can(Permission.SETTINGS_CHANGE, workflow.pk),
    }
    return render(page, "reviewqueue/webhook_detail.html", context)


@require_POST
def webhook_disable(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """End a web-hook for good."""
    page, workflow = open_workflow(request, slug, Permission.SETTINGS_CHANGE)
    hook = get_object_or_404(webhooks_of(workflow), pk=pk)
    disable_webhook(webhook=hook, now=timezone.now())
    messages.success(page, "Disabled: nothing is sent there any more.")
    return redirect("reviewqueue:webhook-list", slug=slug)


@require_POST
def delivery_replay(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Send one delivery again."""
    page, workflow = open_workflow(request, slug, Permission.SETTINGS_CHANGE)
    delivery = get_object_or_404(Delivery, pk=pk, webhook__workflow=workflow)
    try:
        replay_delivery(delivery=delivery, now=timezone.now())
    except ReplayRefused as refusal:
        messages.error(page, str(refusal))
    else:
        messages.success(page, "It is sent again in a moment.")
    return redirect("reviewqueue:webhook-detail", slug=slug, pk=delivery.webhook_id)
