"""What if: other terms on the recorded history, with nothing applied."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from predictions.models import Workflow
from predictions.views.access import open_workflow
from reviewqueue.chart_scales import Point
from reviewqueue.charts import count_chart
from reviewqueue.forms_trust import TOLERATED
from reviewqueue.forms_what_if import PLAIN, WhatIfForm
from reviewqueue.models import TrustPlan
from reviewqueue.queries.recorded import moment
from reviewqueue.queries.tallies import Days
from reviewqueue.queries.trust import plan_in_force, tolerated_of
from reviewqueue.services.trust_plans import InvalidPlan
from reviewqueue.services.what_if import DayShare, WhatIf, what_if
from reviewqueue.views.dashboard_links import start_of
from ui import numbers

MAX_DAILY = 31  # longer histories are shown by week
N_MOVES = 200


@require_GET
def trust_what_if(request: HttpRequest, slug: str) -> HttpResponse:
    """Compare what happened with what the terms in the address would have done."""
    page, workflow = open_workflow(request, slug, Permission.TRUST_VIEW)
    plan = plan_in_force(workflow)
    form = WhatIfForm(page.GET, plan=plan, declaration=workflow.declaration)
    found = _found(workflow, form, now=timezone.now())
    context: dict[str, object] = {
        "workflow": workflow,
        "form": form,
        "plan": plan,
        "found": found,
        "assumptions": found.assumptions if found else [],
        "can_change": page.actor.can(Permission.TRUST_CHANGE, workflow.pk),
    }
    if found is not None:
        context |= _shown(found, form, workflow, plan)
    status = 422 if found is None else 200
    return render(page, "reviewqueue/what_if.html", context, status=status)


def _found(workflow: Workflow, form: WhatIfForm, *, now: datetime) -> WhatIf | None:
    if not form.is_valid():
        return None
    try:
        return what_if(workflow=workflow, terms=form.terms, costs=form.costs, now=now)
    except InvalidPlan as refusal:
        form.refuse(refusal.errors)
        return None


def _shown(
    found: WhatIf, form: WhatIfForm, workflow: Workflow, plan: TrustPlan
) -> dict[str, object]:
    minutes = found.terms.review_minutes
    periods = by_period(found.days)
    moves = [
        (moment(move.at), move, one.segment, one.replayed.ladder[move.to_level])
        for one in found.segments
        for move in one.replayed.moves
    ]
    moves.sort(key=lambda row: row[0], reverse=True)
    return {
        "sides": [("As it was", found.was), ("What if", found.would)],
        "hours": [side.hours_saved(minutes) for side in (found.was, found.would)],
        "tolerated": [
            (
                label.name,
                tolerated_of(label.key, plan, workflow.declaration),
                found.tolerated[label.key],
            )
            for label in workflow.declaration.labels
        ],
        "moves": moves[:N_MOVES],
        "n_moves": len(moves),
        "periods": periods,
        "chart": _chart(periods),
        "legend": ("as it was", "what if"),
        "plan_url": _plan_url(found, form, workflow, plan),
    }


def by_period(days: Sequence[DayShare]) -> list[tuple[Days, DayShare]]:
    """Add days up: each for itself in a month, else by week."""
    if not days:
        return []
    whole = Days(days[0].day, days[-1].day)
    periods = whole.periods(1 if whole.n <= MAX_DAILY else 7)
    return [(period, _added(period, days)) for period in periods]


def _added(period: Days, days: Sequence[DayShare]) -> DayShare:
    own = [one for one in days if period.first <= one.day <= period.last]
    return DayShare(
        day=period.first,
        n_routed=sum(one.n_routed for one in own),
        n_reviewed=sum(one.n_reviewed for one in own),
        n_seen=sum(one.n_seen for one in own),
    )


def _chart(periods: Sequence[tuple[Days, DayShare]]) -> SafeString:
    def points(what: str, counts: Sequence[int]) -> list[Point]:
        return [
            _point(start_of(period), n, one.n_routed, what)
            for (period, one), n in zip(periods, counts, strict=True)
        ]

    return count_chart(
        points("were seen", [one.n_reviewed for _, one in periods]),
        points("would have been seen", [one.n_seen for _, one in periods]),
        title="Seen by people, of 100 items routed",
        unit="of 100 items",
    )


def _point(at: str, n: int, n_routed: int, what: str) -> Point:
    if not n_routed:
        return Point(at, None, "")
    words = f"{at}: {numbers.percent(n / n_routed)} of {n_routed:,} {what}"
    return Point(at, 100 * n / n_routed, words)


def _plan_url(
    found: WhatIf, form: WhatIfForm, workflow: Workflow, plan: TrustPlan
) -> str:
    """Return the plan's page with these terms in its form.

    Costs are the workflow's own: the plan takes the rates that follow from those tried.
    """
    terms = {name: form.data[name] for name in PLAIN}
    for label, rate in found.tolerated.items():
        is_by_hand = label in found.terms.tolerated
        if is_by_hand or rate != tolerated_of(label, plan, workflow.declaration):
            terms[TOLERATED + label] = rate
    address = reverse("reviewqueue:trust-plan", args=[workflow.slug])
    return f"{address}?{urlencode(terms)}"
