"""Days on which nothing changes, looked at as the monitors of drift look."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lifecycle.judging.budget import look_budget
from lifecycle.judging.model import judge_drift
from lifecycle.queries.windows import DAY
from predictions.learning.features import Column, Matrix
from predictions.learning.monitoring import find_drift

COLUMNS = (
    Column("amount", "number"),
    Column("channel", "category", ("web", "shop", "phone")),
    Column("night", "boolean"),
    Column("age", "number"),
)
N_WEEK = 7


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """How many looks of how many raised an alarm, and how many alerts came of it."""

    n_looks: int
    n_alarms: int
    n_alerts: int


def rows(n: int, rng: np.random.Generator) -> Matrix:
    """Draw items: a long tail, a category, a flag, a number that is often missing."""
    age = np.where(rng.random(n) < 0.2, np.nan, rng.normal(50, 12, n))
    channel = rng.choice(3, size=n, p=(0.6, 0.3, 0.1))
    return np.column_stack(
        (rng.lognormal(3, 1, n), channel, rng.random(n) < 0.25, age)
    ).astype(np.float64)


def look_for(
    days: int, *, per_day: int, per_year: float, n_reference: int, seed: int
) -> Undisturbed:
    """Look once a day at the last seven days, for so many days, at one reference."""
    rng = np.random.default_rng(seed)
    budget = look_budget("drift_features", per_year=per_year, every=DAY)
    reference = rows(n_reference, rng)
    arrived = rows((days + N_WEEK - 1) * per_day, rng)
    alarms = []
    for day in range(days):
        week = arrived[day * per_day : (day + N_WEEK) * per_day]
        report = find_drift(reference, week, COLUMNS, budget=budget, seed=day)
        alarms.append(judge_drift(report, what="Inputs").verdict == "alarm")
    return Undisturbed(days, sum(alarms), n_alerts(alarms))


def n_alerts(alarms: Sequence[bool]) -> int:
    """Count alerts: raised by an alarm, over after three looks that were fine."""
    n, n_fine, is_open = 0, 0, False
    for is_alarm in alarms:
        if is_alarm:
            n += not is_open
            n_fine, is_open = 0, True
        else:
            n_fine += 1
            is_open = is_open and n_fine < 3
    return n
