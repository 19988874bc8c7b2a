"""Refused items: why, corrected, sent again."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission
from predictions.declaration import Feature
from predictions.enums import QuarantineStatus
from predictions.models import QuarantinedItem, Workflow
from predictions.services.quarantine import NotOpen, discard, resubmit
from predictions.views.access import AuthenticatedRequest, open_workflow
from reviewqueue.queries.lists import filtered_quarantine
from reviewqueue.views.lists import page_of


@require_GET
def quarantine_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List refused items, the open ones first."""
    page, workflow = open_workflow(request, slug, Permission.QUARANTINE_VIEW)
    context = {
        "workflow": workflow,
        "page": page_of(request, filtered_quarantine(workflow, request.GET)),
        "statuses": QuarantineStatus.choices,
        "asked": request.GET,
        "status": request.GET.get("status", "open"),
    }
    return render(page, "reviewqueue/quarantine_list.html", context)


@require_http_methods(["GET", "POST"])
def quarantine_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show a refused item; POST sends the corrected one."""
    wanted = Permission.QUARANTINE_VIEW
    if request.method == "POST":
        wanted = Permission.QUARANTINE_RESOLVE
    page, workflow = open_workflow(request, slug, wanted)
    one = get_object_or_404(QuarantinedItem, pk=pk, workflow=workflow)
    if request.method == "GET":
        return _detail(page, workflow, one, one.payload, one.errors, status=200)
    payload, error = _sent(request, workflow, one)
    if error:
        return _detail(page, workflow, one, one.payload, [error], status=422)
    try:
        refused = resubmit(
            quarantined=one, payload=payload, by=page.user, now=timezone.now()
        )
    except NotOpen as closed:
        messages.warning(page, str(closed))
        return redirect("reviewqueue:quarantine-detail", slug=slug, pk=pk)
    if refused:
        errors = [error.to_json() for error in refused[0].errors]
        return _detail(page, workflow, one, payload, errors, status=422)
    messages.success(page, "Stored. It is on its way to be scored.")
    return redirect("reviewqueue:quarantine-list", slug=slug)


@require_POST
def quarantine_discard(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Close a refused item without storing it."""
    page, workflow = open_workflow(request, slug, Permission.QUARANTINE_RESOLVE)
    one = get_object_or_404(QuarantinedItem, pk=pk, workflow=workflow)
    try:
        discard(quarantined=one, by=page.user, now=timezone.now())
    except NotOpen as closed:
        messages.warning(page, str(closed))
    else:
        messages.success(page, "Discarded. What was sent stays on record.")
    return redirect("reviewqueue:quarantine-list", slug=slug)


def _detail(
    page: AuthenticatedRequest,
    workflow: Workflow,
    one: QuarantinedItem,
    payload: object,
    errors: list[dict[str, Any]],
    *,
    status: int,
) -> HttpResponse:
    by_field: dict[str, list[str]] = {}
    for error in errors:
        by_field.setdefault(error["field"], []).append(error["rule"].replace("_", " "))
    envelope = payload if isinstance(payload, dict) else None
    features = envelope.get("features") if envelope else None
    context = {
        "workflow": workflow,
        "one": one,
        "errors": errors,
        "by_field": by_field,
        "is_form": isinstance(features, dict),
        "envelope": envelope,
        "fields": [
            {
                "feature": feature,
                "value": _shown(features.get(feature.name)),
                "errors": by_field.get(feature.name, []),
            }
            for feature in workflow.declaration.features
        ]
        if isinstance(features, dict)
        else [],
        "raw": orjson.dumps(payload, option=orjson.OPT_INDENT_2, default=str).decode(),
        "can_resolve": page.actor.can(Permission.QUARANTINE_RESOLVE, workflow.pk)
        and one.status == QuarantineStatus.OPEN,
    }
    return render(page, "reviewqueue/quarantine_detail.html", context, status=status)


def _sent(
    request: HttpRequest, workflow: Workflow, one: QuarantinedItem
) -> tuple[object, dict[str, str] | None]:
    """Read the corrected payload: fields of the form, or JSON as text."""
    if "raw" in request.POST:
        try:
            return orjson.loads(request.POST["raw"]), None
        except orjson.JSONDecodeError as error:
            return None, {"field": "payload", "rule": f"not JSON: {error}"}
    before = one.payload if isinstance(one.payload, dict) else {}
    sent = before.get("features")
    features = dict(sent) if isinstance(sent, dict) else {}
    for feature in workflow.declaration.features:
        text = request.POST.get(f"f-{feature.name}", "").strip()
        if text or feature.name in features:
            features[feature.name] = _value(feature, text)
    return {
        **before,
        "external_id": request.POST.get("external_id", ""),
        "occurred_at": request.POST.get("occurred_at", ""),
        "features": features,
    }, None


def _value(feature: Feature, text: str) -> object:
    """Read a typed value; a text that is none stays text, and validation names it."""
    if not text:
        return None
    if feature.type == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(
            text.lower(), text
        )
    if feature.type in {"number", "integer"}:
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
        return text
    return text


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return orjson.dumps(value, default=str).decode()
