"""What was known about a payment when it was made, from the payments before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0

type Floats = NDArray[np.float64]
type Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Payments:
    """Columns of equal length [n]; times in seconds, amounts in currency units."""

    times: Floats
    customers: Groups
    terminals: Groups
    amounts: Floats
    is_fraud: Floats  # 0 or 1


@dataclass(frozen=True, slots=True)
class History:
    """Per payment [n]; NaN where there was nothing before it."""

    customer_mean_30d: Floats
    customer_payments_24h: Floats
    amount_to_mean: Floats
    days_since_last: Floats
    terminal_fraud_rate_30d: Floats


def payment_history(payments: Payments, *, delay_days: float = 7) -> History:
    """Compute what earlier payments say; no payment knows itself or a later one.

    Whether a payment was fraud is known only `delay_days` later: the terminal's rate is
    over the 30 days that end there. Source: own, after the Fraud Detection Handbook.
    """
    p = payments
    n_month, total = window_totals(p.customers, p.times, p.amounts, begin=30 * DAY)
    n_day, _ = window_totals(p.customers, p.times, p.amounts, begin=DAY)
    n_known, n_fraud = window_totals(
        p.terminals,
        p.times,
        p.is_fraud,
        begin=(30 + delay_days) * DAY,
        end=delay_days * DAY,
    )
    mean = _ratio(total, n_month)
    return History(
        customer_mean_30d=mean,
        customer_payments_24h=n_day,
        amount_to_mean=_ratio(p.amounts, mean),
        days_since_last=since_last(p.customers, p.times) / DAY,
        terminal_fraud_rate_30d=_ratio(n_fraud, n_known),
    )


def window_totals(
    groups: Groups, times: Floats, values: Floats, *, begin: float, end: float = 0.0
) -> tuple[Floats, Floats]:
    """Count and sum, per row [n], the values of its group in [t - begin, t - end).

    A row at exactly t is not before t.
    Raises: ValueError unless begin >= end >= 0.
    """
    if not begin >= end >= 0:
        msg = f"A window needs begin >= end >= 0, not {begin} and {end}."
        raise ValueError(msg)
    counts, sums = np.zeros(len(times)), np.zeros(len(times))
    for rows in _rows_by_group(groups, times):
        moments = times[rows]
        running = np.concatenate(([0.0], np.cumsum(values[rows])))
        first = np.searchsorted(moments, moments - begin, "left")
        last = np.searchsorted(moments, moments - end, "left")
        counts[rows] = last - first
        sums[rows] = running[last] - running[first]
    return counts, sums


def since_last(groups: Groups, times: Floats) -> Floats:
    """Return the seconds since the group's row before, per row [n]; NaN for none."""
    gaps = np.full(len(times), np.nan)
    for rows in _rows_by_group(groups, times):
        moments = times[rows]
        before = np.searchsorted(moments, moments, "left") - 1
        known = before >= 0
        gaps[rows[known]] = moments[known] - moments[before[known]]
    return gaps


def _rows_by_group(groups: Groups, times: Floats) -> list[NDArray[np.intp]]:
    order = np.lexsort((times, groups))
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    return np.split(order, starts)


def _ratio(above: Floats, below: Floats) -> Floats:
    result = np.full(len(above), np.nan)
    np.divide(above, below, out=result, where=np.nan_to_num(below) > 0)
    return result
