"""The page of one case, and what is done there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import AuthenticatedRequest
from accounts.models import User
from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.models import Workflow
from predictions.views.access import get_within_sites, open_workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.forms import AmendForm, AssignForm, NoteForm
from reviewqueue.models import Case, Decision
from reviewqueue.queries.disguise import (
    as_ordinary_cases,
    knows_gold,
    seen_cases,
)
from reviewqueue.queries.lists import (
    plain,
)
from reviewqueue.queries.visibility import may_judge
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.assignments import assign_case, release_by_supervisor
from reviewqueue.services.decisions import AmendRefused, add_note, amend_decision
from reviewqueue.services.judging import InvalidDecision, Judgement
from reviewqueue.views.desk_fields import amend_context, amended_fields
from reviewqueue.views.lists import item_story


@require_GET
def case_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one case: item, events, decisions, and what may be done about it."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    return _case_page(page, workflow, pk, status=200)


@require_POST
def case_release(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take a case from whoever holds it."""
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE, by_site=True)
    case = get_within_sites(page, workflow, Case.objects.all(), pk)
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
    page, workflow = open_workflow(request, slug, Permission.CASES_MANAGE, by_site=True)
    case = get_within_sites(page, workflow, Case.objects.all(), pk)
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
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    if not may_judge(page.actor, workflow.pk):
        page.actor.require(Permission.CASES_MANAGE, workflow.pk, by_site=True)
    case = get_within_sites(page, workflow, Case.objects.all(), pk)
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
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    decision = get_within_sites(page, workflow, Decision.objects.all(), pk)
    manages = page.actor.can(Permission.CASES_MANAGE, workflow.pk)
    if not manages and decision.reviewer_id != page.user.pk:
        page.actor.require(Permission.CASES_MANAGE, workflow.pk, by_site=True)
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
                fields=amended_fields(
                    decision,
                    form.cleaned_data["label"],
                    page.POST,
                    workflow.declaration,
                ),
            ),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except (AmendRefused, FollowUpTaken, InvalidDecision) as refusal:
        form.add_error(None, str(refusal))
        return _case_page(
            page,
            workflow,
            decision.case_id,
            status=409,
            amend_form=form,
            field_errors=getattr(refusal, "errors", ()),
        )
    messages.success(page, "Amended. The former decision stays on record.")
    return redirect("reviewqueue:case-detail", slug=slug, pk=decision.case_id)


def _case_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    pk: UUID,
    *,
    status: int,
    amend_form: AmendForm | None = None,
    field_errors: Sequence[FieldError] = (),
    assign_form: AssignForm | None = None,
    note_form: NoteForm | None = None,
) -> HttpResponse:
    rows = Case.objects.select_related("item", "leased_by", "assigned_to")
    rows = seen_cases(rows, page.actor, workflow.pk)
    case = get_within_sites(page, workflow, rows, pk)
    if not knows_gold(page.actor, workflow.pk):
        as_ordinary_cases([case])
    context = item_story(page, workflow, case.item)
    manages = page.actor.can(Permission.CASES_MANAGE, workflow.pk)
    live = [
        one
        for one in context.get("decisions", [])
        if one.case_id == case.pk and not hasattr(one, "retraction")
    ]
    amendable = [one for one in live if manages or one.reviewer_id == page.user.pk]
    if amendable:
        context["amend_fields"] = amend_context(
            amendable[0],
            workflow.declaration,
            sent=page.POST if amend_form else None,
            errors=field_errors,
        )
    context |= {
        "case": case,
        "now": timezone.now(),
        "case_events": [one for one in context["events"] if one.case_id == case.pk],
        "manages": manages,
        "amendable": amendable,
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
