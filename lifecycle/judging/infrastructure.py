"""Latency, failures, ages, signs of life and cost: plain limits, as declared."""

from typing import Final

from lifecycle.judging.found import Found, at_most, fine, silent, too_few
from ui import numbers

MIN_LATENCIES: Final = 30
MIN_ROUTES: Final = 20
MIN_DECISIONS: Final = 10


def judge_latency(p99_ms: float | None, n: int, *, limit_ms: float) -> Found:
    """Hold the 99th percentile of recorded scoring times against the limit."""
    if p99_ms is None or n < MIN_LATENCIES:
        return too_few(f"{n} items were scored in the last hour.", n)
    says = (
        f"99 % of {numbers.thousands(n)} items were scored within "
        f"{numbers.milliseconds(p99_ms)} each (their share of a batch)."
    )
    return at_most(says, p99_ms, limit_ms, n)


def judge_failures(n_failed: int, n: int, *, limit: float) -> Found:
    """Hold the share of items without a usable score against the limit."""
    if n < MIN_ROUTES:
        return too_few(f"{n} items were routed in the last hour.", n)
    share = n_failed / n
    says = (
        f"{numbers.percent(share)} of {numbers.thousands(n)} items of the last hour "
        "went to people because the model gave no usable score."
    )
    return at_most(says, share, limit, n, k=n_failed)


def judge_age(what: str, seconds: float | None, *, limit_minutes: float) -> Found:
    """Hold how long the oldest has waited against the limit, in minutes."""
    if seconds is None:
        return fine(f"No {what} waits.", 0.0)
    says = f"The oldest {what} has waited {numbers.duration(seconds)}."
    return at_most(says, seconds / 60, limit_minutes, 1)


def judge_arrivals(seconds: float | None, *, limit_minutes: float) -> Found:
    """Hold the time since the last item against the limit, in minutes."""
    if seconds is None:
        return too_few("No item has arrived yet.")
    says = f"The last item arrived {numbers.duration(seconds)} ago."
    return at_most(says, seconds / 60, limit_minutes, 1)


def judge_workers(
    silent_seconds: float | None, *, limit_seconds: float, is_known: bool
) -> Found:
    """Hold the workers' last sign of life against the limit, in seconds."""
    if not is_known:
        return silent("Valkey does not answer: whether workers are there is unknown.")
    if silent_seconds is None:
        return too_few("No worker has left a sign of life yet.")
    says = (
        f"A worker last said that it is there {numbers.duration(silent_seconds)} ago."
    )
    return at_most(says, silent_seconds, limit_seconds, 1)


def judge_looks(gap_minutes: float | None, *, limit_minutes: float) -> Found:
    """Hold the time between this look and the one before it against the limit."""
    if gap_minutes is None:
        return fine("The first look of this workflow.", 0.0)
    says = f"{numbers.duration(gap_minutes * 60)} since the look before."
    if gap_minutes > limit_minutes:
        says = f"Nobody looked for {numbers.duration(gap_minutes * 60)}."
    return at_most(says, gap_minutes, limit_minutes, 1)


def judge_cost(
    minutes: float | None, n: int, *, per_minute: float, currency: str, limit: float
) -> Found:
    """Hold what a decision costs in reviewers' time, on average, against the limit."""
    if minutes is None or n < MIN_DECISIONS:
        return too_few(f"{n} decisions were made in the last seven days.", n)
    cost = minutes * per_minute
    says = (
        f"A decision costs {numbers.amount(cost)} {currency}: {minutes:.1f} min each, "
        f"{numbers.thousands(n)} in seven days."
    )
    return at_most(says, cost, limit, n, minutes=minutes)
