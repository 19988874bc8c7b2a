"""The reviewer's desk: one case, the call, the next case."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import Permission
from predictions.models import Workflow
from predictions.services.explanations import explain_prediction
from predictions.views.access import AuthenticatedRequest, open_workflow
from reviewqueue.enums import Queue
from reviewqueue.forms import DecideForm, LeaseForm, ReasonForm, SkipForm, SnoozeForm
from reviewqueue.models import Case, Decision
from reviewqueue.queries.desk import (
    held_cases,
)
from reviewqueue.queries.visibility import queues_of
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.claims import (
    TooManyLeases,
    claim_next_case,
    release_case,
    renew_lease,
    skip_case,
    snooze_case,
)
from reviewqueue.services.decisions import (
    InvalidDecision,
    Judgement,
    UndoRefused,
    escalate_case,
    record_decision,
    undo_decision,
)
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from reviewqueue.views.desk import show_desk


@never_cache  # going back must not bring up a case that is decided
@require_GET
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the case that the reviewer holds, or lease the next one."""
    page, workflow, queues = _open(request, slug)
    wanted = request.GET.get("case", "")
    return show_desk(page, workflow, queues, wanted=_uuid(wanted))


@require_POST
def decide(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Record the call and show the next case."""
    page, workflow, queues = _open(request, slug)
    case_id = _case_of(workflow, pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _refused(page, workflow, queues, pk, _first_error(form), status=422)
    data = form.cleaned_data
    try:
        record_decision(
            case_id=case_id,
            reviewer=page.user,
            lease_token=data["lease_token"],
            judgement=Judgement(
                verdict=data["verdict"],
                label=data["label"],
                reason_code=data["reason_code"],
                note=data["note"],
            ),
            now=timezone.now(),
        )
    except InvalidDecision as refusal:
        return _refused(page, workflow, queues, pk, _sentence(refusal), status=422)
    except AlreadyDecided:
        if why := _contradicted(pk, page.user, data):
            return _lost(page, workflow, queues, why)
    except LeaseLost as lost:
        return _lost(page, workflow, queues, str(lost))
    return _onward(page, workflow, queues)


@require_POST
def prefetch(request: HttpRequest, slug: str) -> HttpResponse:
    """Lease the next case ahead, under its own lease, and have its reasons ready."""
    page, workflow, queues = _open(request, slug)
    now = timezone.now()
    if len(held_cases(workflow, page.user)) != 1:
        return HttpResponse(status=204)
    try:
        case = claim_next_case(
            workflow=workflow, reviewer=page.user, queues=queues, now=now
        )
    except TooManyLeases:
        return HttpResponse(status=204)
    if case is not None and not case.blind and case.route.prediction is not None:
        explain_prediction(case.route.prediction, now=now)
    return HttpResponse(status=204)


@require_POST
def renew(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Extend the lease; the page asks while it is open."""
    page, workflow, _ = _open(request, slug)
    case_id = _case_of(workflow, pk)
    form = LeaseForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": _first_error(form)}, status=422)
    try:
        case = renew_lease(
            case_id=case_id,
            holder=page.user,
            lease_token=form.cleaned_data["lease_token"],
            now=timezone.now(),
        )
    except (LeaseLost, AlreadyDecided) as lost:
        return JsonResponse({"error": str(lost)}, status=409)
    return JsonResponse({"lease_expires_at": case.lease_expires_at})


@require_POST
def skip(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Give the case back, never to be offered to this person again."""
    form = SkipForm(request.POST)

    def act(page: AuthenticatedRequest) -> None:
        skip_case(
            case_id=pk,
            holder=page.user,
            lease_token=form.cleaned_data["lease_token"],
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )

    return _act(request, slug, pk, form, act)


@require_POST
def snooze(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Put the case off."""
    form = SnoozeForm(request.POST)

    def act(page: AuthenticatedRequest) -> None:
        now = timezone.now()
        snooze_case(
            case_id=pk,
            holder=page.user,
            lease_token=form.cleaned_data["lease_token"],
            until=form.moment(now),
            reason="",
            now=now,
        )

    return _act(request, slug, pk, form, act)


@require_POST
def escalate(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Pass the case to an adjudicator."""
    form = ReasonForm(request.POST)

    def act(page: AuthenticatedRequest) -> None:
        escalate_case(
            case_id=pk,
            holder=page.user,
            lease_token=form.cleaned_data["lease_token"],
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )

    return _act(request, slug, pk, form, act)


@require_POST
def undo(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take one's own decision back and show its case again."""
    page, workflow, queues = _open(request, slug)
    get_object_or_404(Decision, pk=pk, workflow=workflow, reviewer=page.user)
    try:
        case = undo_decision(decision_id=pk, by=page.user, now=timezone.now())
    except (UndoRefused, FollowUpTaken) as refusal:
        return _lost(page, workflow, queues, str(refusal))
    return _onward(page, workflow, queues, wanted=case.pk)


@require_POST
def release(request: HttpRequest, slug: str) -> HttpResponse:
    """Give back everything that the reviewer holds in the workflow."""
    page, workflow, _ = _open(request, slug)
    for case in held_cases(workflow, page.user):
        if case.lease_token is not None:
            release_case(
                case_id=case.pk,
                holder=page.user,
                lease_token=case.lease_token,
                now=timezone.now(),
            )
    messages.success(page, "Your cases are back in the queue.")
    return redirect("home")


def _open(
    request: HttpRequest, slug: str
) -> tuple[AuthenticatedRequest, Workflow, list[Queue]]:
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW)
    queues = queues_of(page.actor, workflow.pk)
    if not queues:
        message = "You review nothing in this workflow."
        raise PermissionDenied(message)
    return page, workflow, queues


def _case_of(workflow: Workflow, pk: UUID) -> UUID:
    """Return the id when the case is of this workflow. Raises: Http404."""
    return get_object_or_404(Case.objects.only("pk"), pk=pk, workflow=workflow).pk


def _act(
    request: HttpRequest,
    slug: str,
    pk: UUID,
    form: LeaseForm,
    act: Callable[[AuthenticatedRequest], None],
) -> HttpResponse:
    page, workflow, queues = _open(request, slug)
    _case_of(workflow, pk)
    if not form.is_valid():
        return _refused(page, workflow, queues, pk, _first_error(form), status=422)
    try:
        act(page)
    except InvalidDecision as refusal:
        return _refused(page, workflow, queues, pk, _sentence(refusal), status=422)
    except ValueError as refusal:
        return _refused(page, workflow, queues, pk, str(refusal), status=422)
    except (LeaseLost, AlreadyDecided) as lost:
        return _lost(page, workflow, queues, str(lost))
    return _onward(page, workflow, queues)


def _onward(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    *,
    wanted: UUID | None = None,
) -> HttpResponse:
    if page.htmx:
        return show_desk(page, workflow, queues, wanted=wanted)
    target = redirect("reviewqueue:review", slug=workflow.slug)
    if wanted:
        target["Location"] += f"?case={wanted}"
    return target


def _contradicted(pk: UUID, reviewer: User, data: dict[str, Any]) -> str:
    """Say why a call on a decided case does not stand; nothing when it is a repeat."""
    own = (
        Decision.objects.filter(case_id=pk, reviewer=reviewer, retraction=None)
        .order_by("-id")
        .first()
    )
    if own is None:
        return "Somebody else decided this case."
    if own.verdict == data["verdict"] or (data["label"] and own.label == data["label"]):
        return ""
    return "You decided this case already, otherwise; take that back to change it."


def _lost(
    page: AuthenticatedRequest, workflow: Workflow, queues: list[Queue], why: str
) -> HttpResponse:
    """Say that the case is gone, with the next one as the way on."""
    more = {"notice": why, "unsaved": page.POST.get("note", "")}
    return show_desk(page, workflow, queues, more=more, status=409)


def _refused(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    pk: UUID,
    why: str,
    *,
    status: int,
) -> HttpResponse:
    more = {"error": why, "sent": page.POST}
    return show_desk(page, workflow, queues, wanted=pk, more=more, status=status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _first_error(form: LeaseForm) -> str:
    name, errors = next(iter(form.errors.items()))
    return f"{name.replace('_', ' ')}: {errors[0]}"


def _sentence(refusal: InvalidDecision) -> str:
    first = refusal.errors[0]
    return f"{first.field}: {first.rule.replace('_', ' ')}"
