"""The reviewer's desk: one case, the call, the next case."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.access import AuthenticatedRequest
from accounts.models import User
from accounts.permissions import Permission
from predictions.declaration import Declaration, FieldError
from predictions.fields.wording import rule_words
from predictions.models import Workflow
from predictions.services.explanations import explain_prediction
from predictions.views.access import get_within_sites, open_workflow
from reviewqueue.enums import Queue
from reviewqueue.forms import DecideForm, LeaseForm, ReasonForm, SkipForm, SnoozeForm
from reviewqueue.models import Case, Decision
from reviewqueue.queries.desk import case_and_route, held_cases
from reviewqueue.queries.visibility import queues_of, reachable_cases
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
    UndoRefused,
    escalate_case,
    record_decision,
    undo_decision,
)
from reviewqueue.services.judging import InvalidDecision, Judgement
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from reviewqueue.views.desk import show_desk
from reviewqueue.views.desk_fields import form_judgement, is_same_call, typed_fields


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
    found = reachable_cases(case_and_route(workflow), page.actor, workflow.pk)
    case = get_object_or_404(found, pk=pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _refused(page, workflow, queues, pk, _first_error(form), status=422)
    data = form.cleaned_data
    judgement = form_judgement(data, page.POST, case, workflow)
    try:
        record_decision(
            case_id=case.pk,
            reviewer=page.user,
            lease_token=data["lease_token"],
            judgement=judgement,
            now=timezone.now(),
        )
    except InvalidDecision as refusal:
        return _refused(
            page,
            workflow,
            queues,
            pk,
            _sentence(refusal, workflow.declaration),
            status=422,
            errors=refusal.errors,
        )
    except AlreadyDecided:
        if why := _contradicted(pk, page.user, judgement, workflow.declaration):
            return _lost(page, workflow, queues, why, case=case)
    except LeaseLost as lost:
        return _lost(page, workflow, queues, str(lost), case=case)
    return _onward(page, workflow, queues)


@require_POST
def prefetch(request: HttpRequest, slug: str) -> HttpResponse:
    """Lease the next case ahead, under its own lease, and have its reasons ready."""
    page, workflow, queues = _open(request, slug)
    now = timezone.now()
    sites = page.actor.sites(workflow.pk)
    if len(held_cases(workflow, page.user, sites)) != 1:
        return HttpResponse(status=204)
    try:
        case = claim_next_case(
            workflow=workflow,
            reviewer=page.user,
            queues=queues,
            now=now,
            sites=sites,
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
    case_id = _case_of(page, workflow, pk)
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
    return _act(request, slug, pk, SkipForm(request.POST), skip_case)


@require_POST
def snooze(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Put the case off."""
    return _act(request, slug, pk, SnoozeForm(request.POST), snooze_case)


@require_POST
def escalate(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Pass the case to an adjudicator."""
    return _act(request, slug, pk, ReasonForm(request.POST), escalate_case)


@require_POST
def undo(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take one's own decision back and show its case again."""
    page, workflow, queues = _open(request, slug)
    own = Decision.objects.filter(reviewer=page.user)
    get_within_sites(page, workflow, own, pk)
    try:
        case = undo_decision(decision_id=pk, by=page.user, now=timezone.now())
    except (UndoRefused, FollowUpTaken) as refusal:
        return _lost(page, workflow, queues, str(refusal))
    return _onward(page, workflow, queues, wanted=case.pk)


@require_POST
def release(request: HttpRequest, slug: str) -> HttpResponse:
    """Give back everything that the reviewer holds in the workflow."""
    page, workflow, _ = _open(request, slug)
    for case in held_cases(workflow, page.user, page.actor.sites(workflow.pk)):
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
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    queues = queues_of(page.actor, workflow.pk)
    if not queues:
        message = "You review nothing in this workflow."
        raise PermissionDenied(message)
    return page, workflow, queues


def _case_of(page: AuthenticatedRequest, workflow: Workflow, pk: UUID) -> UUID:
    """Return the id when the case is within the person's reach. Raises: Http404."""
    found = reachable_cases(Case.objects.only("pk"), page.actor, workflow.pk)
    return get_object_or_404(found, pk=pk, workflow=workflow).pk


def _act(
    request: HttpRequest,
    slug: str,
    pk: UUID,
    form: ReasonForm | SnoozeForm,
    service: Callable[..., Case],
) -> HttpResponse:
    """Call the service on the terms of the form and show the next case."""
    page, workflow, queues = _open(request, slug)
    case_id = _case_of(page, workflow, pk)
    if not form.is_valid():
        return _refused(page, workflow, queues, pk, _first_error(form), status=422)
    try:
        now = timezone.now()
        service(
            case_id=case_id,
            holder=page.user,
            lease_token=form.cleaned_data["lease_token"],
            now=now,
            **form.terms(now),
        )
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


def _contradicted(
    pk: UUID, reviewer: User, judgement: Judgement, declaration: Declaration
) -> str:
    """Say why a call on a decided case does not stand; nothing when it is a repeat."""
    own = (
        Decision.objects.filter(case_id=pk, reviewer=reviewer, retraction=None)
        .order_by("-id")
        .first()
    )
    if own is None:
        return "Somebody else decided this case."
    if is_same_call(own, judgement, declaration):
        return ""
    return "You decided this case already, otherwise; take that back to change it."


def _lost(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    why: str,
    *,
    case: Case | None = None,
) -> HttpResponse:
    """Say that the case is gone, with the next one as the way on."""
    more = {
        "notice": why,
        "unsaved": page.POST.get("note", ""),
        "unsaved_fields": typed_fields(case, page.POST, workflow),
    }
    return show_desk(page, workflow, queues, more=more, status=409)


def _refused(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    pk: UUID,
    why: str,
    *,
    status: int,
    errors: Sequence[FieldError] = (),
) -> HttpResponse:
    more = {"error": why, "sent": page.POST, "field_errors": errors}
    return show_desk(page, workflow, queues, wanted=pk, more=more, status=status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _first_error(form: LeaseForm) -> str:
    name, errors = next(iter(form.errors.items()))
    return f"{name.replace('_', ' ')}: {errors[0]}"


def _sentence(refusal: InvalidDecision, declaration: Declaration | None = None) -> str:
    first = refusal.errors[0]
    name = first.field.removeprefix("fields.").partition(".")[0]
    for one in declaration.fields if declaration else ():
        if first.field.startswith("fields.") and one.name == name:
            return f"{one.label}: {rule_words(one, first.rule, first.value)}."
    return f"{first.field}: {first.rule.replace('_', ' ')}"
