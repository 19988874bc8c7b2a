"""What alarms were worth: caught failures by lead time, false alarms, costs. Pure.

Moments are minutes on any common clock.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

MINUTES_OF_WEEK: Final = 7 * 24 * 60.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of a machine; `is_founded` where news says that there was something."""

    machine: str
    at: float
    is_founded: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    machine: str
    at: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts: minutes before a failure, and what things cost."""

    lead: float
    horizon: float
    stop_cost: float
    visit_cost: float


@dataclass(frozen=True, slots=True)
class Caught:
    """Failures by what became of them; `leads` of the caught ones, longest first."""

    n: int
    n_caught: int
    n_late: int
    leads: tuple[float, ...]

    @property
    def median_lead(self) -> float | None:
        """The median lead of the caught ones, in minutes."""
        return median(self.leads) if self.leads else None

    @property
    def n_missed(self) -> int:
        """Those without any alarm in reach."""
        return self.n - self.n_caught - self.n_late


@dataclass(frozen=True, slots=True)
class AlarmScore:
    """What the alarms of some machines were worth.

    A visit is what alarms within the horizon of its first one come to; `n_false` of
    them led to nothing. `rate_low` and `rate_high` are the exact Poisson interval
    (95 %) of false alarms a machine and week; None without a week.
    """

    failures: Caught
    by_kind: Mapping[str, Caught]
    n_alarms: int
    n_visits: int
    n_false: int
    machine_weeks: float
    rate_low: float | None
    rate_high: float | None
    cost: float
    cost_without: float

    @property
    def rate(self) -> float | None:
        """False alarms a machine and week."""
        return self.n_false / self.machine_weeks if self.machine_weeks else None

    @property
    def saved(self) -> float:
        """What the alarms saved against none at all; below 0 they cost more."""
        return self.cost_without - self.cost


def score_alarms(
    alarms: Sequence[Alarm],
    failures: Sequence[Failure],
    terms: Terms,
    *,
    machine_minutes: float,
) -> AlarmScore:
    """Score alarms against the failures of the same machines, each in any order.

    A failure is caught by an alarm at least `lead` and at most `horizon` before it; an
    alarm closer than that alone comes too late. `machine_minutes` is for how long the
    machines were watched, together. Source: own; prediction horizon and lead time as
    in Salfner, Lenk and Malek 2010, section 3.
    """
    times = _by_machine(alarms)
    leads = [(one, _lead(one, times.get(one.machine, []), terms)) for one in failures]
    kinds = sorted({one.kind for one in failures})
    visits = _visits(alarms, terms)
    moments = _by_machine(failures)
    n_false = sum(
        not _is_true(visit, moments.get(visit[0].machine, []), terms)
        for visit in visits
    )
    caught = _caught(leads, terms)
    weeks = machine_minutes / MINUTES_OF_WEEK
    low, high = _poisson(n_false, weeks)
    stops = (caught.n - caught.n_caught) * terms.stop_cost
    return AlarmScore(
        failures=caught,
        by_kind={
            kind: _caught([pair for pair in leads if pair[0].kind == kind], terms)
            for kind in kinds
        },
        n_alarms=len(alarms),
        n_visits=len(visits),
        n_false=n_false,
        machine_weeks=weeks,
        rate_low=low,
        rate_high=high,
        cost=stops + len(visits) * terms.visit_cost,
        cost_without=caught.n * terms.stop_cost,
    )


def _by_machine(events: Iterable[Alarm | Failure]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for one in sorted(events, key=lambda one: one.at):
        times.setdefault(one.machine, []).append(one.at)
    return times


def _lead(failure: Failure, times: Sequence[float], terms: Terms) -> float | None:
    """Return how long before a failure its first alarm in reach came, if one did."""
    first = bisect_left(times, failure.at - terms.horizon)
    if first == len(times) or times[first] > failure.at:
        return None
    return failure.at - times[first]


def _caught(leads: Sequence[tuple[Failure, float | None]], terms: Terms) -> Caught:
    known = [lead for _, lead in leads if lead is not None]
    in_time = sorted((one for one in known if one >= terms.lead), reverse=True)
    return Caught(len(leads), len(in_time), len(known) - len(in_time), tuple(in_time))


def _visits(alarms: Sequence[Alarm], terms: Terms) -> list[list[Alarm]]:
    visits: list[list[Alarm]] = []
    for alarm in sorted(alarms, key=lambda one: (one.machine, one.at)):
        begun = visits[-1][0] if visits else None
        is_same = begun is not None and begun.machine == alarm.machine
        if is_same and begun is not None and alarm.at - begun.at <= terms.horizon:
            visits[-1].append(alarm)
        else:
            visits.append([alarm])
    return visits


def _is_true(visit: Sequence[Alarm], moments: Sequence[float], terms: Terms) -> bool:
    """Say whether a failure followed one of its alarms; `moments` ascending."""
    return any(
        alarm.is_founded
        or bisect_right(moments, alarm.at + terms.horizon)
        > bisect_left(moments, alarm.at)
        for alarm in visit
    )


def _poisson(n: int, weeks: float) -> tuple[float | None, float | None]:
    """Return the exact interval (95 %) of a rate. Source: Garwood 1936."""
    if weeks <= 0:
        return None, None
    from scipy.special import gammaincinv  # noqa: PLC0415 -- heavy, and seldom needed

    low = float(gammaincinv(n, 0.025)) if n else 0.0
    return low / weeks, float(gammaincinv(n + 1, 0.975)) / weeks
