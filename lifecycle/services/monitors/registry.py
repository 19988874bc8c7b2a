"""Every monitor: what it watches, in which unit, how often, and whose it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from lifecycle.enums import MonitorKind
from lifecycle.judging.business import HIGHER_IS_BETTER, in_words
from predictions.declaration import Declaration, Owners
from ui import numbers

type Unit = Literal["share", "distance", "ms", "minutes", "seconds", "money", "measure"]
type Responsible = Literal["data", "model", "monitoring", "retraining", "incident"]

OFTEN: Final = timedelta(minutes=5)
QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MAX_GRACE: Final = timedelta(hours=2)
SILENT_WORKERS: Final = timedelta(seconds=60)
MISSED_LOOKS: Final = 3  # in a row: then the watch itself was away


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor of every workflow; `limit` says in words what raises an alarm."""

    key: str
    title: str
    kind: MonitorKind
    unit: Unit
    responsible: Responsible
    every: timedelta
    reads: str
    limit: Callable[[Declaration], str]
    is_of_machine: bool = False  # says something of the present moment alone

    @property
    def late_after(self) -> timedelta:
        """How old the newest reading may be before the monitor counts as silent."""
        return self.every + min(2 * self.every, MAX_GRACE)

    def owner(self, owners: Owners) -> str:
        """Return who answers for it, as the workflow names them."""
        name: str = getattr(owners, self.responsible)
        return name


def _none_if_zero(words: str, value: float) -> str:
    return words if value else "none declared"


def _moved(declaration: Declaration) -> str:
    least = numbers.percent(declaration.monitoring.min_distance)
    return f"{least} of the items elsewhere, surely"


def _risen(declaration: Declaration) -> str:
    least = declaration.monitoring.min_distance
    return f"{numbers.thousands(least * 100)} points more than before, surely"


def _quarantine(declaration: Declaration) -> str:
    share = declaration.monitoring.quarantine_share
    return _none_if_zero(f"surely above {numbers.percent(share)}", share)


def _calibration(declaration: Declaration) -> str:
    error = declaration.monitoring.calibration_error
    return _none_if_zero(f"above {numbers.percent(error)}, and above chance", error)


def _aim(declaration: Declaration) -> str:
    business = declaration.business
    if business.measure is None:
        return "no measure declared"
    if business.aim is None:
        return "no aim declared"
    side = "below" if business.measure in HIGHER_IS_BETTER else "above"
    aim = in_words(business.measure, business.aim, declaration.costs.currency)
    return f"surely {side} the aim, {aim}"


def _latency(declaration: Declaration) -> str:
    limit = declaration.monitoring.latency_ms
    return _none_if_zero(f"above {limit} ms", limit)


def _failed(declaration: Declaration) -> str:
    share = declaration.monitoring.failed_share
    return _none_if_zero(f"above {numbers.percent(share)}", share)


def _queue_age(declaration: Declaration) -> str:
    limit = declaration.monitoring.queue_age_minutes
    return _none_if_zero(f"above {numbers.duration(limit * 60)}", limit)


def _score_age(declaration: Declaration) -> str:
    limit = declaration.monitoring.score_age_minutes
    return _none_if_zero(f"above {numbers.duration(limit * 60)}", limit)


def _arrivals(declaration: Declaration) -> str:
    limit = declaration.monitoring.silent_minutes
    return _none_if_zero(f"above {numbers.duration(limit * 60)}", limit)


def _workers(declaration: Declaration) -> str:
    return f"above {SILENT_WORKERS.total_seconds():.0f} s"


def _looks(declaration: Declaration) -> str:
    return f"more than {MISSED_LOOKS - 1} looks missed"


def _cost(declaration: Declaration) -> str:
    limit = declaration.monitoring.cost_per_decision
    return _none_if_zero(f"above {limit:g} {declaration.costs.currency}", limit)


def _report(declaration: Declaration) -> str:
    return "surely below the version's own report"


_INFRASTRUCTURE, _MODEL, _BUSINESS = MonitorKind
MONITORS: Final[tuple[Monitor, ...]] = (
    Monitor("latency", "Scoring latency", _INFRASTRUCTURE, "ms", "monitoring", OFTEN,
        "99th percentile of the newest 5,000 scoring times of an hour", _latency),
    Monitor("failures", "Model failures", _INFRASTRUCTURE, "share", "incident", OFTEN,
        "items of an hour that had no usable score", _failed),
    Monitor("queue_age", "Oldest waiting case", _INFRASTRUCTURE, "minutes",
        "monitoring", OFTEN, "the queue, without gold", _queue_age),
    Monitor("score_age", "Oldest unscored item", _INFRASTRUCTURE, "minutes",
        "incident", OFTEN, "items that wait for a score", _score_age),
    Monitor("arrivals", "Last item", _INFRASTRUCTURE, "minutes", "data", OFTEN,
        "when the newest item arrived", _arrivals),
    Monitor("workers", "Workers' sign of life", _INFRASTRUCTURE, "seconds", "incident",
        OFTEN, "the sign that each worker leaves every 2 s", _workers, True),
    Monitor("looks", "The watch itself", _INFRASTRUCTURE, "minutes", "monitoring",
        OFTEN, "its own look before this one", _looks, True),
    Monitor("cost", "Cost per decision", _INFRASTRUCTURE, "money", "monitoring", DAY,
        "how long people looked, seven whole days, times the cost of a minute", _cost),
    Monitor("drift_scores", "Score drift", _MODEL, "distance", "model", DAY,
        "scores of seven whole days against the reference", _moved),
    Monitor("drift_features", "Feature drift", _MODEL, "distance", "data", DAY,
        "every input of seven whole days against the reference", _moved),
    Monitor("calibration", "Calibration error", _MODEL, "share", "model", DAY,
        "known truths of 28 whole days, weighted", _calibration),
    Monitor("missing_values", "Missing values", _MODEL, "share", "data", HOUR,
        "the newest 500 items against the reference", _risen),
    Monitor("unknown_values", "Unknown fields", _MODEL, "share", "data", HOUR,
        "warnings of the newest 500 items against the 5,000 before them", _risen),
    Monitor("quarantine", "Quarantine share", _MODEL, "share", "data", QUARTER,
        "the newest 500 arrivals", _quarantine),
    Monitor("accuracy", "Accuracy over all items", _MODEL, "share", "model", DAY,
        "known truths of 28 whole days, weighted", _report),
    Monitor("business", "Business metric", _BUSINESS, "measure", "monitoring", DAY,
        "known truths of 28 whole days, weighted; by week; around promotions", _aim),
)  # fmt: skip
# What can be said of a moment that is over.
REPLAYED: Final = tuple(one for one in MONITORS if not one.is_of_machine)
BY_KEY: Final[Mapping[str, Monitor]] = {one.key: one for one in MONITORS}
