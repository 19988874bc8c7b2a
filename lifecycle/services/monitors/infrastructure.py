"""Looks at latency, failures, ages, signs of life and cost."""

from datetime import datetime, timedelta

from lifecycle.judging.found import Found
from lifecycle.judging.infrastructure import (
    judge_age,
    judge_arrivals,
    judge_cost,
    judge_failures,
    judge_latency,
    judge_looks,
    judge_workers,
)
from lifecycle.models import Reading
from lifecycle.queries.service_figures import (
    failed_routes,
    last_item_at,
    oldest_case_at,
    oldest_unscored_at,
    review_seconds,
    scoring_p99,
)
from lifecycle.queries.windows import WEEK, Window
from lifecycle.services.monitors.look import Look
from lifecycle.services.monitors.registry import MISSED_LOOKS, SILENT_WORKERS
from reviewqueue.queries.workers import last_sign

HOUR = timedelta(hours=1)


def look_at_latency(look: Look) -> Found:
    p99, n = scoring_p99(look.workflow, Window.before(look.now, HOUR))
    return judge_latency(p99, n, limit_ms=look.declaration.monitoring.latency_ms)


def look_at_failures(look: Look) -> Found:
    n_failed, n = failed_routes(look.workflow, Window.before(look.now, HOUR))
    limit = look.declaration.monitoring.failed_share
    return judge_failures(n_failed, n, limit=limit)


def look_at_queue_age(look: Look) -> Found:
    seconds = _since(oldest_case_at(look.workflow), look.now)
    limit = look.declaration.monitoring.queue_age_minutes
    return judge_age("case", seconds, limit_minutes=limit)


def look_at_score_age(look: Look) -> Found:
    seconds = _since(oldest_unscored_at(look.workflow), look.now)
    limit = look.declaration.monitoring.score_age_minutes
    return judge_age("unscored item", seconds, limit_minutes=limit)


def look_at_arrivals(look: Look) -> Found:
    seconds = _since(last_item_at(look.workflow), look.now)
    limit = look.declaration.monitoring.silent_minutes
    return judge_arrivals(seconds, limit_minutes=limit)


def look_at_workers(look: Look) -> Found:
    sign = last_sign()
    return judge_workers(
        _since(sign.at, look.now),
        limit_seconds=SILENT_WORKERS.total_seconds(),
        is_known=sign.is_known,
    )


def look_at_looks(look: Look) -> Found:
    """Hold the gap since the look before against the schedule."""
    before = Reading.objects.filter(
        workflow=look.workflow, monitor=look.monitor.key, at__lt=look.at
    ).order_by("-at")
    last = before.values_list("at", flat=True).first()
    gap = None if last is None else (look.at - last).total_seconds() / 60
    every = look.monitor.every.total_seconds() / 60
    return judge_looks(gap, limit_minutes=MISSED_LOOKS * every)


def look_at_cost(look: Look) -> Found:
    n, seconds = review_seconds(look.workflow, Window.before(look.at, WEEK))
    declaration = look.declaration
    return judge_cost(
        seconds / 60 / n if n else None,
        n,
        per_minute=declaration.costs.review_minute,
        currency=declaration.costs.currency,
        limit=declaration.monitoring.cost_per_decision,
    )


def _since(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max((now - at).total_seconds(), 0.0)
