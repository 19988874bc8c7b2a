"""Looks at the one metric of a workflow: now, by week, and around promotions."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Final

from lifecycle.judging.business import (
    Measured,
    Terms,
    change_of,
    judge_business,
    measure,
)
from lifecycle.judging.found import Found, too_few
from lifecycle.queries.service_figures import review_seconds
from lifecycle.queries.truths import Group, as_rows, groups_of, promotions_of
from lifecycle.queries.windows import DAY, WEEK, Window
from lifecycle.services.monitors.look import Look
from predictions.declaration_life import Measure
from predictions.models import Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.queries.tallies import Days, grouped, sums

DAYS: Final = 28
N_WEEKS: Final = 12
MAX_PROMOTIONS: Final = 3


def look_at_business(look: Look) -> Found:
    """Estimate the declared measure over 28 whole days, by week, around promotions."""
    what = look.declaration.business.measure
    if what is None:
        return too_few("The workflow declares no measure of its metric.")
    known = groups_of(
        look.workflow, Window.before(look.at, N_WEEKS * WEEK + DAYS * DAY)
    )
    month = Window.before(look.at, DAYS * DAY)
    found = _measured(what, look.workflow, known, month)
    surely = _measured(what, look.workflow, known, month, level=1 - 2 * look.budget)
    weeks = [
        {"since": week.since.date().isoformat()}
        | asdict(_measured(what, look.workflow, known, week))
        for week in _weeks(look.at)
    ]
    return judge_business(
        what,
        found,
        surely,
        aim=look.declaration.business.aim,
        currency=look.declaration.costs.currency,
        weeks=weeks,
        promotions=_promotions(look, what, known),
    )


def _weeks(until: datetime) -> list[Window]:
    ends = (until - number * WEEK for number in range(N_WEEKS))
    return [Window.before(end, WEEK) for end in ends][::-1]


def _promotions(
    look: Look, what: Measure, known: list[Group]
) -> list[Mapping[str, object]]:
    """Measure 28 days before each promotion, and up to 28 after, without its day."""
    comings = promotions_of(look.workflow, Window.before(look.at, N_WEEKS * WEEK))
    rows: list[Mapping[str, object]] = []
    for coming in comings[:MAX_PROMOTIONS]:
        day = coming.at.replace(hour=0, minute=0, second=0, microsecond=0)
        earlier = _measured(what, look.workflow, known, Window.before(day, DAYS * DAY))
        end = min(day + (DAYS + 1) * DAY, look.at)
        later = Window(min(day + DAY, end), end)
        after = _measured(what, look.workflow, known, later)
        change = change_of(earlier, after)
        rows.append(
            {
                "version": coming.number,
                "at": coming.at.isoformat(),
                "before": asdict(earlier),
                "after": asdict(after),
                "change": asdict(change),
            }
        )
    return rows


def _measured(
    what: Measure,
    workflow: Workflow,
    known: list[Group],
    window: Window,
    *,
    level: float = 0.95,
) -> Measured:
    first, last = window.since.date(), (window.until - timedelta(microseconds=1)).date()
    if last < first:
        return measure(what, as_rows([]), terms=Terms(0, 0, 0), seen=(0, 0))
    seen = _seen(workflow, first, last)
    costs = workflow.declaration.costs
    _, seconds = review_seconds(workflow, window)
    minutes_per_item = seconds / 60 / seen[1] if seen[1] else 0.0
    return measure(
        what,
        as_rows(one for one in known if first <= one.day <= last),
        terms=Terms(
            costs.false_positive,
            costs.false_negative,
            minutes_per_item * costs.review_minute,
            workflow.declaration.greatest_cost,
        ),
        seen=seen,
        level=level,
    )


def _seen(workflow: Workflow, first: date, last: date) -> tuple[int, int]:
    """Count items that people were sent, and all that were routed."""
    found = sums(workflow.pk, Days(first, last))
    routes = grouped(found, "routes", lambda _: "").get("", Counter())
    return routes[RouteKind.REVIEW], routes.total()
