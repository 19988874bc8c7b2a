"""Repair: look again at what was decided alone, and put the riskiest back."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.models import ModelVersion, Workflow
from predictions.queries.pages import InvalidCursor, Page
from predictions.views.access import open_workflow
from reviewqueue.forms_repair import DEFAULT_N, PutBackForm, ScopeForm
from reviewqueue.models import Route, Segment
from reviewqueue.queries.repair import (
    RepairScope,
    choose_riskiest,
    count_alone,
    item_ids_to,
    looked_at,
    riskiest_page,
    write_rank,
)
from reviewqueue.queries.trust import part_name
from reviewqueue.services.repair import MAX_ITEMS, InvalidRepair, PutBack, put_back
from reviewqueue.views.lists import PAGE_SIZE

MAX_SEGMENTS = 500  # offered to choose from, those of the newest versions first
KEPT = ("since", "segment", "version", "n")


@require_http_methods(["GET", "POST"])
def repair(request: HttpRequest, slug: str) -> HttpResponse:
    """Count, rank and preview by GET; a POST opens the cases."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
    now = timezone.now()
    if request.method == "POST":
        return _put_back(page, workflow, now=now)
    return _page(page, workflow, page.GET, now=now)


def _put_back(
    page: AuthenticatedRequest, workflow: Workflow, *, now: datetime
) -> HttpResponse:
    scope_form = _scope_form(workflow, page.POST)
    form = PutBackForm(page.POST)
    if not (scope_form.is_valid() and form.is_valid()):
        return _page(page, workflow, page.POST, now=now, put_back_form=form)
    scope = scope_form.scope(workflow, now=now)
    last = form.cleaned_data["last"]
    try:
        done = put_back(
            workflow=workflow,
            item_ids=item_ids_to(scope, last, limit=MAX_ITEMS),
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=now,
        )
    except InvalidRepair as refusal:
        form.refuse(refusal.errors)
        return _page(page, workflow, page.POST, now=now, put_back_form=form)
    messages.success(page, _in_words(done))
    kept = {name: page.POST[name] for name in KEPT if page.POST.get(name)}
    address = reverse("reviewqueue:repair", args=[workflow.slug])
    return redirect(f"{address}?{urlencode(kept)}")


def _in_words(done: PutBack) -> str:
    if not done.n_opened:
        return "Nothing was left to put back: they lie before people already."
    skipped = f" {done.n_skipped:,} needed none." if done.n_skipped else ""
    cases = "1 case was" if done.n_opened == 1 else f"{done.n_opened:,} cases were"
    return f"{cases} opened.{skipped}"


def _scope_form(workflow: Workflow, data: QueryDict) -> ScopeForm:
    versions = ModelVersion.objects.filter(workflow=workflow).order_by("-number")
    return ScopeForm(
        data,
        segments=_segment_choices(workflow),
        versions=list(versions.values_list("number", flat=True)),
    )


def _segment_choices(workflow: Workflow) -> list[tuple[str, str]]:
    rows = Segment.objects.filter(workflow=workflow).select_related("model_version")
    newest = rows.order_by("-model_version__number", "-slicing", "label", "low", "id")
    return [(str(one.pk), segment_name(one, workflow)) for one in newest[:MAX_SEGMENTS]]


def segment_name(segment: Segment, workflow: Workflow) -> str:
    """Say in one line what a segment holds, and of which version."""
    parts = [
        f"version {segment.model_version.number}",
        part_name(segment, workflow),
        f"{segment.low:.0%} to {segment.high:.0%}",
    ]
    if segment.feature:
        parts.append(f"{segment.feature}: {segment.value or 'others'}")
    return ", ".join(parts)


def _page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    data: QueryDict,
    *,
    now: datetime,
    put_back_form: PutBackForm | None = None,
) -> HttpResponse:
    form = _scope_form(workflow, data)
    context = {"workflow": workflow, "form": form, "default_n": DEFAULT_N}
    is_refused = put_back_form is not None or not form.is_valid()
    if form.is_valid():
        asked = form.scope(workflow, now=now)
        scope = looked_at(asked)
        chosen = choose_riskiest(scope, form.n_wanted())
        context |= {
            "scope": scope,
            "asked_since": asked.since if scope.since > asked.since else None,
            "kept": _kept(form, scope),
            "counts": count_alone(scope),
            "chosen": chosen,
            "page": _listed(page, scope),
            "last": write_rank(chosen.last) if chosen.last else "",
            "put_back": put_back_form or PutBackForm(),
        }
    status = 422 if is_refused else 200
    return render(page, "reviewqueue/repair.html", context, status=status)


def _kept(form: ScopeForm, scope: RepairScope) -> list[tuple[str, str]]:
    """Return what the POST must say so that it means the list that is seen."""
    said = {
        "since": scope.since.isoformat(),
        "until": scope.until.isoformat(),
        "segment": str(scope.segment_id or ""),
        "version": str(scope.model_number or ""),
        "n": str(form.n_wanted()),
    }
    return [(name, value) for name, value in said.items() if value]


def _listed(page: AuthenticatedRequest, scope: RepairScope) -> Page[Route]:
    cursor = page.GET.get("cursor", "")
    try:
        return riskiest_page(scope, cursor=cursor, limit=PAGE_SIZE)
    except InvalidCursor:
        return riskiest_page(scope, cursor="", limit=PAGE_SIZE)
