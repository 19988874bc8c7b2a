"""AI4I 2020 as readings of machines: machines and times are ours.

The rows lie in the order of the process and have no dates. Where the tool wear falls
back a new tool begins: the rows between are one life of a tool. Lives go round eight
machines; a row is five minutes, a change of tools an hour.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from predictions.declaration_series import Series

AGAIN_SHARE, BROKEN_SHARE, LATE_SHARE = 0.01, 0.01, 0.005
PER_REQUEST: Final = 400
SETTLED: Final = timedelta(minutes=90)  # of a life, or of what is sent
HELD: Final = timedelta(hours=3)
N_MACHINES: Final = 8
ROW: Final = timedelta(minutes=5)
CHANGE: Final = timedelta(minutes=60)
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
CHANNELS: Final = {
    "Torque [Nm]": "torque",
    "Rotational speed [rpm]": "rotational_speed",
    "Tool wear [min]": "tool_wear",
    "Process temperature [K]": "process_temperature",
    "Air temperature [K]": "air_temperature",
}
WEAR: Final = "Tool wear [min]"
# The set says of these that the machine did not fail, or only that it did.
UNNAMED: Final = "not named"
NO_FAILURE: Final = frozenset({"none", "RNF"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One row: `failure` is the mode in which the machine failed at it, or empty."""

    machine: str
    at: datetime
    values: Mapping[str, Any]
    failure: str
    age: timedelta  # since the tool was new

    def to_json(self) -> dict[str, object]:
        """Return the reading as it is sent."""
        values = dict(self.values)
        return {"machine": self.machine, "at": self.at.isoformat(), "values": values}


def read_machines(path: Path) -> list[Reading]:
    """Read `ai4i2020.csv` as readings, in the order of time, then of machines."""
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    readings: list[Reading] = []
    free_at = [START] * N_MACHINES
    for number, life in enumerate(_lives(rows)):
        machine = number % N_MACHINES
        begun = free_at[machine]
        for place, row in enumerate(life):
            readings.append(_reading(row, machine, begun + ROW * place, place * ROW))
        free_at[machine] = begun + ROW * len(life) + CHANGE
    return sorted(readings, key=lambda one: (one.at, one.machine))


def _lives(rows: Sequence[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    lives: list[list[Mapping[str, str]]] = []
    before = float("inf")
    for row in rows:
        wear = float(row[WEAR])
        if wear < before:
            lives.append([])
        lives[-1].append(row)
        before = wear
    return lives


def _reading(
    row: Mapping[str, str], machine: int, at: datetime, age: timedelta
) -> Reading:
    values: dict[str, Any] = {
        name: float(row[column]) for column, name in CHANNELS.items()
    }
    values["product_type"] = row["Type"]
    mode = row["failure_mode"] or UNNAMED
    return Reading(
        machine=f"mill-{machine + 1}",
        at=at,
        values=values,
        failure="" if mode in NO_FAILURE else mode,
        age=age,
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """Readings as they are sent, in requests, and what must become of them."""

    batches: list[list[dict[str, object]]]
    n_again: int
    n_broken: int
    n_late: int


def as_sent(readings: Sequence[Reading], *, rng: np.random.Generator) -> Sent:
    """Put readings into requests; plant some twice, some broken, some held back.

    Held back are only such without which every window still is one: in the middle of a
    life, neither the first that are sent of a machine nor the last. What is broken
    breaks one rule each.
    """
    known = {(one.machine, one.at) for one in readings}
    first = {one.machine: one.at for one in reversed(readings)}
    last = {one.machine: one.at for one in readings}
    safe = [
        at
        for at, one in enumerate(readings)
        if min(one.age, one.at - first[one.machine]) >= SETTLED
        and (one.machine, one.at + 4 * ROW) in known
        and last[one.machine] - one.at > HELD
        and not one.at.minute % 10  # its neighbour, of the same step, is there
    ]
    held = {int(at) for at in rng.choice(safe, int(len(readings) * LATE_SHARE), False)}
    in_time = [one for at, one in enumerate(readings) if at not in held]
    again = rng.choice(len(in_time), int(len(in_time) * AGAIN_SHARE), replace=False)
    ordinary = [one.to_json() for one in in_time]
    planted = _broken(in_time[0], int(len(in_time) * BROKEN_SHARE))
    planted += [in_time[int(at)].to_json() for at in again]
    planted += [readings[at].to_json() for at in sorted(held)]
    batches = [*map(list, batched(ordinary, PER_REQUEST)), planted]
    return Sent(batches, len(again), int(len(in_time) * BROKEN_SHARE), len(held))


def _broken(like: Reading, n: int) -> list[dict[str, object]]:
    """Return readings that each break one rule: the last of them says otherwise."""
    good = like.to_json()
    values = dict(like.values)
    ways: list[dict[str, object]] = [
        {**good, "values": {**values, "torque": "much"}},
        {**good, "values": {**values, "tool_wear": -1}},
        {**good, "values": {**values, "product_type": "X"}},
        {**good, "values": {}},
        {**good, "at": "2999-01-01"},
        {**good, "at": None},
        {**good, "machine": ""},
        {**good, "values": {**values, "torque": float(values["torque"]) + 1}},
    ]
    return [ways[at % len(ways)] for at in range(n)]


class Ended(NamedTuple):
    """The window of a machine that ends at a moment."""

    machine: str
    at: datetime


def windows_by_file(readings: Sequence[Reading], series: Series) -> dict[str, Ended]:
    """Reckon by readings alone, one life after the other, which items there must be.

    Once every window is over, those that were open at the last reading too.
    """
    found: dict[str, Ended] = {}
    window = timedelta(microseconds=series.window)
    for machine, group in _by_machine(readings).items():
        life: list[datetime] = []
        for one, after in zip_longest(group, group[1:]):
            life.append(one)
            end = _grid_end(one, series)
            ends_step = after is None or after >= end
            n_inside = sum(at >= end - window for at in life)
            if ends_step and n_inside >= series.min_readings:
                name = f"{machine}@{end.isoformat().replace('+00:00', 'Z')}"
                found[name] = Ended(machine, end)
            if after is not None and (after - one) >= CHANGE:
                life = []
    return found


def failing_by_file(
    readings: Sequence[Reading], windows: Mapping[str, Ended], series: Series
) -> set[str]:
    """Return the items within whose horizon the machine fails."""
    horizon = timedelta(minutes=series.horizon_minutes)
    failed = _by_machine([one for one in readings if one.failure])
    return {
        name
        for name, window in windows.items()
        if any(
            window.at < at <= window.at + horizon
            for at in failed.get(window.machine, ())
        )
    }


def _by_machine(readings: Sequence[Reading]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for one in sorted(readings, key=lambda one: one.at):
        found.setdefault(one.machine, []).append(one.at)
    return found


def _grid_end(at: datetime, series: Series) -> datetime:
    step = timedelta(microseconds=series.step)
    return at - (at - START) % step + step
