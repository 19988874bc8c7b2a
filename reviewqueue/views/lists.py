"""Lists of cases, decisions and items, and the page of one case and one item."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import Permission
from predictions.models import Item, Workflow
from predictions.queries.pages import InvalidCursor, Page, newest_first
from predictions.views.access import AuthenticatedRequest, open_workflow
from reviewqueue.enums import CaseKind, CaseStatus, RouteKind
from reviewqueue.forms import AmendForm, AssignForm, NoteForm
from reviewqueue.models import Case, Decision, Route
from reviewqueue.presentation import fact_groups
from reviewqueue.queries.desk import profile_of
from reviewqueue.queries.history import (
    cases_of,
    decisions_of,
    events_of_cases,
    labels_of,
    notes_of,
    outcomes_of,
    predictions_of,
)
from reviewqueue.queries.lists import (
    filtered_cases,
    filtered_decisions,
    filtered_items,
    plain,
)
from reviewqueue.queries.titles import item_title
from reviewqueue.queries.visibility import hidden_item_ids, is_hidden, may_judge
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.claims import assign_case, release_by_supervisor
from reviewqueue.services.decisions import (
    AmendRefused,
    InvalidDecision,
    Judgement,
    add_note,
    amend_decision,
)
from reviewqueue.views.chips import decision_chips

PAGE_SIZE = 50


def page_of[Row: Model](
    request: HttpRequest, rows: QuerySet[Row], *, moment: str = ""
) -> Page[Row]:
    """Return the page that the query string asks for; a bad cursor is the first one."""
    cursor = request.GET.get("cursor", "")
    try:
        return newest_first(rows, cursor=cursor, limit=PAGE_SIZE, moment=moment)
    except InvalidCursor:
        return newest_first(rows, cursor="", limit=PAGE_SIZE, moment=moment)


@require_GET
def case_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List cases, newest first."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    now = timezone.now()
    rows = page_of(
        request, filtered_cases(workflow, request.GET, viewer=page.user, now=now)
    )
    hidden = hidden_item_ids(
        page.actor, workflow.pk, [case.item_id for case in rows.rows]
    )
    context = {
        "workflow": workflow,
        "page": rows,
        "hidden_ids": hidden,
        "now": now,
        "statuses": CaseStatus.choices,
        "kinds": CaseKind.choices,
        "asked": request.GET,
    }
    return render(page, "reviewqueue/case_list.html", context)


@require_GET
def case_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one case: item, events, decisions, and what may be done about it."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    return _case_page(page, workflow, pk, status=200)


@require_POST
def case_release(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take a case from whoever holds it."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
    case = get_object_or_404(Case, pk=pk, workflow=workflow)
    release_by_supervisor(
        case=case,
        supervisor=page.user,
        reason=plain(request.POST, "reason"),
        now=timezone.now(),
    )
    messages.success(page, "The case is back in the queue.")
    return redirect("reviewqueue:case-detail", slug=slug, pk=pk)


@require_POST
def case_assign(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Reserve a case for one person, or open it to everyone."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE)
    case = get_object_or_404(Case, pk=pk, workflow=workflow)
    form = AssignForm(request.POST)
    person = None
    if form.is_valid() and form.cleaned_data["username"]:
        person = User.objects.filter(
            username__iexact=form.cleaned_data["username"],
            memberships__scope_id=workflow.pk,
        ).first()
        if person is None:
            form.add_error("username", "Nobody of that name has a role here.")
    if not form.is_valid():
        return _case_page(page, workflow, pk, status=422, assign_form=form)
    assign_case(
        case=case,
        to=person,
        supervisor=page.user,
        reason=form.cleaned_data["reason"],
        now=timezone.now(),
    )
    messages.success(page, "Reserved." if person else "Open to everyone.")
    return redirect("reviewqueue:case-detail", slug=slug, pk=pk)


@require_POST
def case_note(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Write a note beside a case."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    if not may_judge(page.actor, workflow.pk):
        page.actor.require(Permission.CASES_MANAGE, workflow.pk)
    case = get_object_or_404(Case, pk=pk, workflow=workflow)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _case_page(page, workflow, pk, status=422, note_form=form)
    add_note(
        case=case, author=page.user, text=form.cleaned_data["text"], now=timezone.now()
    )
    return redirect("reviewqueue:case-detail", slug=slug, pk=pk)


@require_POST
def decision_amend(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Replace a decision by another, with a reason."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    decision = get_object_or_404(Decision, pk=pk, workflow=workflow)
    manages = page.actor.can(Permission.CASES_MANAGE, workflow.pk)
    if not manages and decision.reviewer_id != page.user.pk:
        page.actor.require(Permission.CASES_MANAGE, workflow.pk)
    form = _amend_form(workflow, request.POST)
    if not form.is_valid():
        return _case_page(page, workflow, decision.case_id, status=422, amend_form=form)
    try:
        amend_decision(
            decision_id=pk,
            by=page.user,
            may_amend_others=manages,
            judgement=Judgement(
                label=form.cleaned_data["label"],
                reason_code=form.cleaned_data["reason_code"],
            ),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except (AmendRefused, FollowUpTaken, InvalidDecision) as refusal:
        form.add_error(None, str(refusal))
        return _case_page(page, workflow, decision.case_id, status=409, amend_form=form)
    messages.success(page, "Amended. The former decision stays on record.")
    return redirect("reviewqueue:case-detail", slug=slug, pk=decision.case_id)


@require_GET
def decision_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the decisions behind a figure; a reviewer sees their own."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    found = filtered_decisions(workflow, request.GET)
    if not page.actor.can(Permission.DECISIONS_VIEW, workflow.pk):
        found = found.filter(reviewer=page.user)
    rows = page_of(request, found, moment="decided_at")
    hidden = hidden_item_ids(
        page.actor, workflow.pk, [one.item_id for one in rows.rows]
    )
    context = {
        "workflow": workflow,
        "page": rows,
        "hidden_ids": hidden,
        "chips": decision_chips(request.GET, workflow.declaration),
    }
    return render(page, "reviewqueue/decision_list.html", context)


@require_GET
def item_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List items, newest first."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_VIEW)
    rows = page_of(request, filtered_items(workflow, request.GET))
    context = {
        "workflow": workflow,
        "page": rows,
        "hidden_ids": hidden_item_ids(
            page.actor, workflow.pk, [item.pk for item in rows.rows]
        ),
        "routes": RouteKind.choices,
        "asked": request.GET,
        "can_add": page.actor.can(Permission.ITEMS_ADD, workflow.pk),
    }
    return render(page, "reviewqueue/item_list.html", context)


@require_GET
def item_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show everything that happened to one item."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_VIEW)
    item = get_object_or_404(Item, pk=pk, workflow=workflow)
    return render(page, "reviewqueue/item_detail.html", _item_story(page, item))


def _item_story(page: AuthenticatedRequest, item: Item) -> dict[str, Any]:
    workflow = page.workflow
    hidden = is_hidden(page.actor, workflow.pk, item.pk)
    cases = list(cases_of(item))
    story: dict[str, Any] = {
        "workflow": workflow,
        "item": item,
        "title": item_title(item, workflow),
        "groups": fact_groups(
            item.features, workflow.declaration, profile_of(workflow)
        ),
        "cases": cases,
        "events": list(events_of_cases([case.pk for case in cases])),
        "outcomes": list(outcomes_of(item)),
        "hidden": hidden,
        "undeclared": {
            name: value
            for name, value in item.features.items()
            if workflow.declaration.feature(name) is None
        },
    }
    if not hidden:
        story |= {
            "route": Route.objects.filter(pk=item.pk)
            .select_related("policy", "model_version")
            .first(),
            "predictions": list(predictions_of(item)),
            "decisions": list(decisions_of(item)),
            "labels": list(labels_of(item)),
            "notes": list(notes_of(item)),
        }
    return story


def _case_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    pk: UUID,
    *,
    status: int,
    amend_form: AmendForm | None = None,
    assign_form: AssignForm | None = None,
    note_form: NoteForm | None = None,
) -> HttpResponse:
    case = get_object_or_404(
        Case.objects.select_related("item", "leased_by", "assigned_to"),
        pk=pk,
        workflow=workflow,
    )
    context = _item_story(page, case.item)
    manages = page.actor.can(Permission.CASES_MANAGE, workflow.pk)
    live = [
        one
        for one in context.get("decisions", [])
        if one.case_id == case.pk and not hasattr(one, "retraction")
    ]
    context |= {
        "case": case,
        "now": timezone.now(),
        "case_events": [one for one in context["events"] if one.case_id == case.pk],
        "manages": manages,
        "amendable": [
            one for one in live if manages or one.reviewer_id == page.user.pk
        ],
        "amend_form": amend_form or _amend_form(workflow),
        "assign_form": assign_form or AssignForm(),
        "note_form": note_form or NoteForm(),
        "can_note": manages or may_judge(page.actor, workflow.pk),
        "is_open": case.status
        in {CaseStatus.PENDING, CaseStatus.LEASED, CaseStatus.SNOOZED},
    }
    return render(page, "reviewqueue/case_detail.html", context, status=status)


def _amend_form(workflow: Workflow, data: Any = None) -> AmendForm:  # noqa: ANN401 -- a query dict
    form = AmendForm(data)
    declaration = workflow.declaration
    form.fields["label"].choices = [  # type: ignore[attr-defined]
        (label.key, label.name) for label in declaration.labels
    ]
    form.fields["reason_code"].choices = [  # type: ignore[attr-defined]
        ("", "none"),
        *((code.key, code.name) for code in declaration.reason_codes),
    ]
    return form
