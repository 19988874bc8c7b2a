"""Let days pass on which nothing changes, and count what is raised all the same."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from scipy.stats import chi2

from lifecycle.judging.budget import SHARES, YEAR
from lifecycle.proof.declared import CALM_MONITORS
from lifecycle.proof.line import Line
from lifecycle.proof.options import ProofOptions
from lifecycle.proof.rows import Drawn
from reviewqueue.proof.data_sets import Row

BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAY: Final = timedelta(days=1)
LEVEL: Final = 0.95


@dataclass
class Calm:
    """Looks and alarms by monitor; `budget` is what may be raised over all days."""

    n_days: int
    n_per_day: int
    n_past: int
    per_year: float
    budget: float
    n_judged: Counter[str] = field(default_factory=Counter)
    n_too_few: Counter[str] = field(default_factory=Counter)
    n_alarms: Counter[str] = field(default_factory=Counter)
    n_alerts: int = 0
    low: float = 0.0
    high: float = 0.0
    raised: list[str] = field(default_factory=list)


def live_calmly(
    source: str, drawn: Drawn, options: ProofOptions, *, say: Callable[[str], None]
) -> Calm:
    """Send a day's rows each day, in an order that means nothing, and look each day.

    Of the monitors those that judge what comes in by chance; nothing arrives between
    two looks, so that more looks a day would find the same.
    """
    line = Line.declare(
        source, audit_share=0.01, outcome_days=options.outcome_days, now=BEGIN
    )
    line.train_here(drawn.past, seed=options.seed, now=BEGIN)
    per_year = line.workflow.declaration.monitoring.false_alarms_per_year
    calm = Calm(
        n_days=options.calm_days,
        n_per_day=options.calm_per_day,
        n_past=len(drawn.past),
        per_year=per_year,
        budget=allowed(per_year, options.calm_days),
    )
    for day in range(options.calm_days):
        at = BEGIN + (day + 1) * DAY
        first = day * options.calm_per_day
        rows = drawn.live[first : first + options.calm_per_day]
        line.arrive(_on(rows, at), now=at)
        for reading in line.look(now=at, monitors=CALM_MONITORS):
            counted = calm.n_too_few if reading.verdict == "too_few" else calm.n_judged
            counted[reading.monitor] += 1
            calm.n_alarms[reading.monitor] += reading.verdict == "alarm"
        if (day + 1) % 100 == 0:
            say(f"{day + 1} calm days, {sum(calm.n_alarms.values())} alarms")
    alerts = line.alerts()
    calm.n_alerts = len(alerts)
    calm.raised = [f"{one.monitor}: {one.says}" for one in alerts]
    calm.low, calm.high = poisson_interval(calm.n_alerts)
    return calm


def allowed(per_year: float, days: int) -> float:
    """Return the false alarms that the watched monitors may raise in so many days."""
    share = sum(SHARES[key] for key in CALM_MONITORS)
    return per_year * share * (days * DAY / YEAR)


def poisson_interval(n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval of the mean of which `n` were counted, n from 0.

    Source: Garwood 1936.
    """
    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * n)) / 2 if n else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * n + 2)) / 2


def _on(rows: Sequence[Row], until: datetime) -> list[Row]:
    """Spread rows over the day before a moment."""
    step = DAY / (len(rows) + 1)
    return [
        replace(row, occurred_at=until - DAY + (place + 1) * step)
        for place, row in enumerate(rows)
    ]
