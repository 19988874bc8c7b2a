"""The pages of failures: what was told, and files that are looked at first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.enums import KeptPurpose
from predictions.intake.failures import (
    failure_declaration,
    machine_of,
    read_failure,
)
from predictions.intake.readers import PayloadStopped
from predictions.models import KeptFile, Workflow
from predictions.services.media_storage import MediaUnavailable
from predictions.services.series import NoSeries
from predictions.views.access import open_workflow
from predictions.views.kept import chunks_of, drop, header_of, kept_of, own_file
from reviewqueue.forms_failures import (
    CompleteForm,
    FailureColumnsForm,
    FailureFileForm,
    guessed_failure_columns,
)
from reviewqueue.queries.failures import told_failures
from reviewqueue.queries.sites import site_choice
from reviewqueue.services.failure_withdrawals import (
    AlreadyWithdrawn,
    WithdrawalRefused,
    withdraw_failure,
)
from reviewqueue.services.machine_failures import (
    FailureRow,
    FailuresLookedAt,
    FailuresRecorded,
    RefusedFailure,
    look_at_failures,
    record_failures,
)
from reviewqueue.views.lists import page_of

MAX_FAILURES = 10_000
N_SHOWN = 50


class TooManyFailures(PayloadStopped):
    """A file holds more failures than are taken at once."""

    def __init__(self) -> None:
        super().__init__(f"More than {MAX_FAILURES:,} failures: send them in parts.")


@require_http_methods(["GET", "POST"])
def failure_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List failures, newest first; a POST says until when they are complete."""
    if request.method == "GET":
        page, workflow = open_workflow(
            request, slug, Permission.METRICS_VIEW, by_site=True
        )
        return _list_page(page, workflow)
    page, workflow = open_workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
    form = CompleteForm(request.POST)
    if not form.is_valid():
        return _list_page(page, workflow, complete=form, status=422)
    try:
        told = _record(page, workflow, [], form.cleaned_data["complete_until"])
    except NoSeries as error:
        form.add_error(None, str(error))
        return _list_page(page, workflow, complete=form, status=422)
    messages.success(page, f"Noted. {told.labelled:,} items got late truth by it.")
    return redirect("reviewqueue:failure-list", slug=slug)


@require_POST
def failure_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a file of failures, and lead to the page that says what it holds."""
    page, workflow = open_workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
    form = FailureFileForm(request.POST, request.FILES)
    kept, status = kept_of(page, workflow, form, KeptPurpose.FAILURES)
    if kept is None:
        return _list_page(page, workflow, table=form, status=status)
    return redirect("reviewqueue:failures-kept", slug=slug, pk=kept.pk)


@require_http_methods(["GET", "POST"])
def failures_kept(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Say what would become of a file of failures; with `take` it is taken in."""
    page, workflow = open_workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
    kept = own_file(page, workflow, pk, KeptPurpose.FAILURES)
    try:
        return _kept_answer(page, workflow, kept)
    except MediaUnavailable as error:
        messages.error(page, str(error))
        return redirect("reviewqueue:failure-list", slug=slug)


@require_POST
def failure_withdraw(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take a failure back, for a reason."""
    page, workflow = open_workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
    own = told_failures(workflow, page.actor.sites(workflow.pk))
    failure = get_object_or_404(own, pk=pk)
    try:
        done = withdraw_failure(
            failure=failure,
            by=page.user,
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
    except (WithdrawalRefused, AlreadyWithdrawn) as error:
        messages.error(page, f"Nothing was changed. {error}")
        return redirect("reviewqueue:failure-list", slug=slug)
    words = f"Withdrawn. The label of {done.corrected:,} items was corrected."
    if done.waiting:
        words += (
            f" {done.waiting:,} more are, once somebody says that failures until "
            "then are complete."
        )
    messages.success(page, words)
    return redirect("reviewqueue:failure-list", slug=slug)


def _kept_answer(
    page: AuthenticatedRequest, workflow: Workflow, kept: KeptFile
) -> HttpResponse:
    if page.method == "POST":
        data = page.POST.dict()
    else:
        data = dict(guessed_failure_columns(header_of(kept), workflow.declaration))
    form = FailureColumnsForm(data, name=kept.name)
    if not form.is_valid():
        return _kept_page(page, workflow, kept, form, status=422)
    try:
        rows, places, refused = _rows(workflow, kept, form)
        if page.method == "POST" and "take" in page.POST:
            told = _record(page, workflow, rows, form.cleaned_data["complete_until"])
            drop(kept)
            refused = _in_order(refused, told.refused, places)
            return _kept_page(page, workflow, kept, form, told=told, refused=refused)
        found = look_at_failures(
            workflow=workflow,
            rows=rows,
            now=timezone.now(),
            sites=page.actor.sites(workflow.pk),
        )
    except (NoSeries, PayloadStopped) as error:
        form.add_error(None, str(error))
        return _kept_page(page, workflow, kept, form, status=422)
    refused = _in_order(refused, found.refused, places)
    return _kept_page(page, workflow, kept, form, found=found, refused=refused)


def _record(
    page: AuthenticatedRequest,
    workflow: Workflow,
    rows: Sequence[FailureRow],
    complete_until: datetime | None,
) -> FailuresRecorded:
    return record_failures(
        workflow=workflow,
        rows=rows,
        complete_until=complete_until,
        by=page.user,
        now=timezone.now(),
        sites=page.actor.sites(workflow.pk),
    )


def _rows(
    workflow: Workflow, kept: KeptFile, form: FailureColumnsForm
) -> tuple[list[FailureRow], list[int], list[RefusedFailure]]:
    """Return the rows that can be read with their places, and the others.

    Raises: PayloadStopped; MediaUnavailable.
    """
    rows: list[FailureRow] = []
    places: list[int] = []
    refused: list[RefusedFailure] = []
    with chunks_of(kept, form, failure_declaration(workflow.declaration)) as chunks:
        for raw in (one for chunk in chunks for one in chunk):
            index = len(places) + len(refused)
            if index == MAX_FAILURES:
                raise TooManyFailures
            found, errors = read_failure(raw)
            if found is None:
                refused.append(RefusedFailure(index, machine_of(raw), errors))
            else:
                rows.append(FailureRow(*found))
                places.append(index)
    return rows, places, refused


def _in_order(
    unread: list[RefusedFailure], judged: list[RefusedFailure], places: list[int]
) -> list[RefusedFailure]:
    found = [
        RefusedFailure(places[one.index], one.machine, one.errors) for one in judged
    ]
    return sorted([*unread, *found], key=lambda one: one.index)


def _kept_page(
    request: AuthenticatedRequest,
    workflow: Workflow,
    kept: KeptFile,
    form: FailureColumnsForm,
    *,
    found: FailuresLookedAt | None = None,
    told: FailuresRecorded | None = None,
    refused: Sequence[RefusedFailure] = (),
    status: int = 200,
) -> HttpResponse:
    context = {
        "workflow": workflow,
        "kept": kept,
        "form": form,
        "found": found,
        "told": told,
        "n_refused": len(refused),
        "refused": refused[:N_SHOWN],
    }
    return render(request, "reviewqueue/failures_kept.html", context, status=status)


def _list_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    *,
    table: FailureFileForm | None = None,
    complete: CompleteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    choice = site_choice(page.actor, workflow.pk, page.GET.get("site", ""))
    context = {
        "workflow": workflow,
        "site_choice": choice,
        "page": page_of(page, told_failures(workflow, choice.sites), moment="at"),
        "can_tell": page.actor.can(Permission.OUTCOMES_ADD, workflow.pk)
        and workflow.declaration.series is not None,
        "table_form": table or FailureFileForm(),
        "complete_form": complete or CompleteForm(),
    }
    return render(page, "reviewqueue/failure_list.html", context, status=status)
