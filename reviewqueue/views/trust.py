"""How much of the work the model has earned: the ladder of every segment."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.charts import rate_chart
from reviewqueue.enums import EvidenceKind, MoveCause
from reviewqueue.forms_trust import MoveForm, PlanForm
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.autonomy import SeenShare, moves_of, seen_shares
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.tallies import Days
from reviewqueue.queries.trust import (
    UNASKED,
    part_name,
    plan_in_force,
    tolerated_of,
)
from reviewqueue.services.assessment import why_not
from reviewqueue.services.autonomy import (
    MoveRefused,
    grant,
    start_lower,
    withdraw,
)
from reviewqueue.services.trust_overview import Overview, Standing, trust_overview
from reviewqueue.services.trust_plans import InvalidPlan, put_plan, terms_of
from reviewqueue.views.dashboard_links import rate_point
from reviewqueue.views.trust_figures import missing_words, passed_of

N_MOVES = 20
N_DAYS = 91


@require_GET
def trust(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every segment's step, its evidence and what is missing for the next."""
    page, workflow = open_workflow(request, slug, Permission.TRUST_VIEW)
    now = timezone.now()
    overview = trust_overview(workflow, now=now)
    shares = _shares(workflow, now=now)
    blind_share = policy_in_force(workflow).blind_share
    context = {
        "workflow": workflow,
        "overview": overview,
        "parts": _parts(workflow, overview, blind_share),
        "moves": moves_of(workflow)[:N_MOVES],
        "shares": shares,
        "chart": _chart(shares, _moves_in(shares, workflow), workflow),
        "passed": passed_of(overview, shares),
        "false_alarm": 1 / overview.plan.alpha,
        "seen": shares[-1].share if shares else None,
        "is_blind": overview.plan.evidence == EvidenceKind.BLIND,
        "blind_share": blind_share,
        "can_change": page.actor.can(Permission.TRUST_CHANGE, workflow.pk),
    }
    return render(page, "reviewqueue/trust.html", context)


def _shares(workflow: Workflow, *, now: datetime) -> list[SeenShare]:
    days = Days((now - timedelta(days=N_DAYS - 1)).date(), now.date())
    shares = seen_shares(workflow, days, length=7)
    first = next((at for at, one in enumerate(shares) if one.share.n), len(shares))
    return shares[first:]


def _moves_in(shares: list[SeenShare], workflow: Workflow) -> list[TrustMove]:
    """Return every move of the weeks, however many there are."""
    if not shares:
        return []
    return list(moves_of(workflow).filter(at__gte=shares[0].days.since))


def _chart(
    shares: list[SeenShare], moves: list[TrustMove], workflow: Workflow
) -> object:
    points = []
    for one in shares:
        words = [
            _move_words(move, workflow) for move in moves if move.at.date() in one.days
        ]
        what = "seen by people" + "".join(f"; {word}" for word in words)
        points.append(rate_point(_end(one.days).words, one.share, what, ""))
    marks = [any(move.at.date() in one.days for move in moves) for one in shares]
    return rate_chart(
        points,
        title="Share of items seen by people, by week",
        unit="week that ends",
        marks=marks,
    )


def _end(days: Days) -> Days:
    return Days(days.last, days.last)


def _move_words(move: TrustMove, workflow: Workflow) -> str:
    to = f"{move.to_probability * 100:g} %"
    what = move.segment.label or part_name(move.segment, workflow)
    return f"{move.get_kind_display()} {what} to {to}"


def _parts(
    workflow: Workflow, overview: Overview, blind_share: float
) -> list[dict[str, object]]:
    """Return the rows of each part: the label's segments, then those of each field.

    Where nothing was said without a confidence there is no row for it.
    """
    rows = [_row(one, overview, blind_share) for one in overview.standings]
    names = {one.name: one.label for one in workflow.declaration.fields}
    found: dict[str, list[dict[str, object]]] = {}
    for one, row in zip(overview.standings, rows, strict=True):
        if one.is_empty:
            continue
        found.setdefault(one.assessed.segment.field, []).append(row)
    return [
        {
            "name": names.get(field, field) if field else "Label",
            "rows": of_part,
            "at_most": sum(
                one.at_most
                for one in overview.standings
                if one.assessed.segment.field == field
            ),
        }
        for field, of_part in found.items()
    ]


def _row(one: Standing, overview: Overview, blind_share: float) -> dict[str, object]:
    standing, tolerated = one.assessed.standing, one.assessed.tolerated
    errors, reviews = standing.errors, standing.reviews
    return {
        "standing": one,
        "segment": one.assessed.segment,
        "judged": standing,
        "tolerated": tolerated,
        "error_rate": errors / reviews if reviews else None,
        "top": 1.0
        if tolerated is None
        else max(2 * tolerated, min(standing.bound, 4 * tolerated)),
        "n_levels": len(overview.plan.ladder),
        "step": one.assessed.segment.level + 1,
        "may_grant": one.may_grant,
        "is_shadow": one.next_cause == MoveCause.SHADOW,
        "why_not": missing_words(
            standing,
            why_not(standing),
            is_blind=overview.plan.evidence == EvidenceKind.BLIND,
            blind_share=blind_share,
        ),
        "share": one.traffic.n / overview.passed.n if overview.passed.n else None,
    }


@require_http_methods(["GET", "POST"])
def trust_grant(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show what a grant would mean; POST makes it, with a reason."""
    page, workflow = open_workflow(request, slug, Permission.TRUST_CHANGE)
    now = timezone.now()
    overview, one = _find(workflow, pk, now=now)
    seen = {"level": one.assessed.segment.level, "cause": one.next_cause.value}
    form = MoveForm(initial=seen)
    status = 200
    if request.method == "POST":
        form, status = MoveForm(page.POST), 422
        if form.is_valid():
            is_shadow = form.cleaned_data["cause"] == MoveCause.SHADOW
            make = start_lower if is_shadow else grant
            try:
                make(
                    workflow=workflow,
                    segment_id=pk,
                    seen_level=form.cleaned_data["level"],
                    by=page.user,
                    reason=form.cleaned_data["reason"],
                    now=now,
                )
            except MoveRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(page, "Granted: for items routed from now on.")
                return redirect("reviewqueue:trust", slug=slug)
    return _move_page(page, workflow, overview, one, form, is_grant=True, status=status)


@require_http_methods(["GET", "POST"])
def trust_withdraw(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Ask for the reason; POST sends everything of the segment to people again."""
    page, workflow = open_workflow(request, slug, Permission.TRUST_CHANGE)
    now = timezone.now()
    overview, one = _find(workflow, pk, now=now)
    form = MoveForm(initial={"level": one.assessed.segment.level})
    if request.method == "POST":
        form = MoveForm(page.POST)
        if form.is_valid():
            withdraw(
                workflow=workflow,
                segment_id=pk,
                cause=MoveCause.BY_HAND,
                by=page.user,
                reason=form.cleaned_data["reason"],
                now=now,
            )
            messages.success(page, "Withdrawn: people see every item again.")
            return redirect("reviewqueue:trust", slug=slug)
    status = 422 if form.errors else 200
    return _move_page(
        page, workflow, overview, one, form, is_grant=False, status=status
    )


def _find(workflow: Workflow, pk: UUID, *, now: datetime) -> tuple[Overview, Standing]:
    overview = trust_overview(workflow, now=now)
    for one in overview.standings:
        if one.assessed.segment.pk == pk:
            return overview, one
    raise Http404 from Segment.DoesNotExist()


def _move_page(
    page: AuthenticatedRequest,
    workflow: Workflow,
    overview: Overview,
    one: Standing,
    form: MoveForm,
    *,
    is_grant: bool,
    status: int,
) -> HttpResponse:
    context = {
        "workflow": workflow,
        "row": _row(one, overview, policy_in_force(workflow).blind_share),
        "form": form,
        "is_grant": is_grant,
    }
    return render(page, "reviewqueue/trust_move.html", context, status=status)


@require_http_methods(["GET", "POST"])
def trust_plan(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the terms and their versions; POST puts the next version in force.

    Terms in the query string fill the form, so that a what-if can be handed over.
    """
    wanted = (
        Permission.TRUST_CHANGE if request.method == "POST" else Permission.TRUST_VIEW
    )
    page, workflow = open_workflow(request, slug, wanted)
    current = plan_in_force(workflow)
    declaration = workflow.declaration
    form = PlanForm.of(current, declaration, page.GET)
    status = 200
    if request.method == "POST":
        form, status = PlanForm(page.POST, declaration=declaration), 422
        if form.is_valid() and _put(page, workflow, form):
            return redirect("reviewqueue:trust", slug=slug)
    context = {
        "workflow": workflow,
        "form": form,
        "current": current,
        "is_blind": current.evidence == EvidenceKind.BLIND,
        "blind_share": policy_in_force(workflow).blind_share,
        "tolerated": [
            (label.name, tolerated_of(label.key, current, declaration))
            for label in declaration.labels
        ],
        "tolerated_fields": [
            (one.label, current.tolerated_fields.get(one.name))
            for one in declaration.fields
        ],
        "unasked": UNASKED,
        "plans": TrustPlan.objects.filter(workflow=workflow)
        .select_related("created_by")
        .order_by("-version"),
        "can_change": page.actor.can(Permission.TRUST_CHANGE, workflow.pk),
    }
    return render(page, "reviewqueue/trust_plan.html", context, status=status)


def _put(page: AuthenticatedRequest, workflow: Workflow, form: PlanForm) -> bool:
    try:
        put_plan(
            workflow=workflow,
            terms=form.terms(terms_of(plan_in_force(workflow))),
            by=page.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
            seen_version=form.cleaned_data["version"],
        )
    except InvalidPlan as refusal:
        form.refuse(refusal.errors, in_force=plan_in_force(workflow).version)
        return False
    messages.success(page, "The plan is in force. Levels stay until the next look.")
    return True
