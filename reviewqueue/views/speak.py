"""The page on which an entry is spoken, and what was heard of it."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from accounts.queries import open_sites
from predictions.declaration import FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.wording import evidence_words, value_words
from predictions.forms_item import ItemForm
from predictions.models import Workflow
from predictions.queries.measured import measurement_of
from predictions.services.item_files import item_with_files
from predictions.services.media_storage import MediaUnavailable
from predictions.views.access import open_workflow
from reviewqueue.enums import RouteKind
from reviewqueue.media_figures import problem_words
from reviewqueue.models import Route
from reviewqueue.queries.visibility import is_hidden
from reviewqueue.services.intake_scored import ScoredAnswer, ingest_scored


@dataclass(frozen=True, slots=True)
class HeardField:
    """What was heard of one field; `words` is empty where it makes no value."""

    title: str
    words: str
    confidence: float | None
    evidence: str


@require_http_methods(["GET", "POST"])
def speak(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a spoken entry, and answer with what was heard and who decides."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
    if request.method == "GET" or not _slot(workflow):
        return _render(page, workflow, _form(page, workflow))
    form = ItemForm(
        workflow.declaration,
        request.POST,
        request.FILES,
        sites=list(open_sites(page.actor, workflow.pk)),
    )
    if not form.is_valid():
        return _render(page, workflow, form, status=422)
    try:
        answer = _sent(page, workflow, form)
    except MediaUnavailable as error:
        form.add_error(None, str(error))
        return _render(page, workflow, form, status=503)
    if answer.refusal is not None:
        for one in answer.refusal.errors:
            form.add_error(None, _told(one))
        return _render(page, workflow, form, status=422)
    again = _form(page, workflow, keep=form)
    return _render(page, workflow, again, heard=_heard(page, answer, workflow))


def _sent(
    page: AuthenticatedRequest, workflow: Workflow, form: ItemForm
) -> ScoredAnswer:
    """Store and score the entry. Raises: MediaUnavailable."""
    now = timezone.now()
    raw = item_with_files(
        workflow=workflow,
        raw=form.raw(),
        files=form.sent_files(),
        by=page.user,
        now=now,
    )
    (answer,) = ingest_scored(
        workflow=workflow,
        raw_items=[raw],
        now=now,
        sites=page.actor.sites(workflow.pk),
    )
    return answer


def _told(error: FieldError) -> str:
    return error.detail or f"{error.field}: {error.rule}"


def _slot(workflow: Workflow) -> str:
    """Name the slot that is spoken into; empty where the workflow takes no sound."""
    found = (one.name for one in workflow.declaration.media if one.kind == "audio")
    return next(found, "")


def _form(
    page: AuthenticatedRequest, workflow: Workflow, *, keep: ItemForm | None = None
) -> ItemForm:
    """Return an empty form; who spoke and where stays as it was for the next entry."""
    initial: dict[str, Any] = dict(keep.cleaned_data) if keep else {}
    now = timezone.now()
    initial["occurred_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    initial["external_id"] = f"said-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    sites = list(open_sites(page.actor, workflow.pk))
    return ItemForm(workflow.declaration, sites=sites, initial=initial)


def _heard(
    page: AuthenticatedRequest, answer: ScoredAnswer, workflow: Workflow
) -> dict[str, Any]:
    route = answer.route
    if route is None:
        return {"item_id": answer.item_id}
    hidden = is_hidden(page.actor, workflow.pk, route.item_id)
    measured = measurement_of(route.item, workflow.declaration)
    evidence = measured.evidence if measured else {}
    return {
        "item_id": answer.item_id,
        "passed": route.kind == RouteKind.AUTO,
        "is_blind": hidden,
        "label": "" if hidden else workflow.declaration.label_name(route.label),
        "fields": [] if hidden else _heard_fields(route, workflow),
        "problem": problem_words(evidence.get(_slot(workflow), {})),
    }


def _heard_fields(route: Route, workflow: Workflow) -> list[HeardField]:
    said = getattr(route.prediction, "predicted_fields", None)
    if said is None:
        return []
    specs = workflow.declaration.fields_with(route.label)
    return [
        HeardField(
            one.label,
            _value(one, said.values),
            said.confidences.get(one.name),
            evidence_words(said.evidence.get(one.name, {})),
        )
        for one in specs
    ]


def _value(spec: FieldSpec, values: dict[str, Any]) -> str:
    return value_words(spec, values[spec.name]) if spec.name in values else ""


def _render(
    request: AuthenticatedRequest,
    workflow: Workflow,
    form: ItemForm,
    *,
    heard: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    slot = _slot(workflow)
    declared = workflow.declaration.media_slot(slot)
    context = {
        "workflow": workflow,
        "form": form,
        "recording": form[f"m_{slot}"] if slot else None,
        "seconds": declared.seconds if declared else 0,
        "others": [one for one in form if one.name not in _ASIDE | {f"m_{slot}"}],
        "aside": [form[name] for name in sorted(_ASIDE)],
        "spoken": [one for one in workflow.declaration.fields if one.spoken],
        "heard": heard,
    }
    return render(request, "reviewqueue/speak.html", context, status=status)


_ASIDE = {"external_id", "occurred_at"}
