"""Readings and failures in files: to learn from, without storing anything."""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from predictions.declaration import Declaration
from predictions.intake.values import parse_moment
from predictions.models import Workflow
from predictions.services.labelled_rows import LabelledRows
from predictions.services.series import NoSeries, ReadingIntake, ReadingsStored
from predictions.services.windows import Row, features_of, first_end, windows_of

MACHINE, AT, KIND = "machine", "at", "kind"


class BadFailures(ValueError):
    """The file of failures cannot be used; the message names line and rule."""


class KnownFailure(NamedTuple):
    """A failure of a machine, with its kind where the file tells it."""

    machine: str
    at: datetime
    kind: str = ""


def read_failures(path: Path) -> list[KnownFailure]:
    """Read a CSV with the columns `machine`, `at` and, if there is one, `kind`.

    Raises: BadFailures.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFailures(f"{path.name}: {type(error).__name__}") from error
    return [_failure(row, at + 2) for at, row in enumerate(rows)]


def _failure(row: Mapping[str, str | None], line: int) -> KnownFailure:
    machine, at = (row.get(MACHINE) or "").strip(), parse_moment(row.get(AT))
    if not machine:
        raise BadFailures(f"line {line}: {MACHINE}: is missing")
    if at is None:
        raise BadFailures(f"line {line}: {AT}: {row.get(AT)!r} is no moment")
    return KnownFailure(machine, at, (row.get(KIND) or "").strip())


def windowed_rows(
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    failures: Sequence[KnownFailure],
    *,
    complete_until: datetime | None,
    now: datetime,
) -> tuple[LabelledRows, ReadingsStored]:
    """Cut readings into windows as intake would, with what followed as their labels.

    Nothing is stored. Without `complete_until` the failures of each machine are taken
    to be complete until its last reading. Windows whose horizon was not over then are
    left out. Returns also how many readings were taken and refused.
    Raises: NoSeries; PayloadStopped, of the reader.
    """
    series = workflow.declaration.series
    if series is None:
        raise NoSeries
    result = ReadingsStored()
    readings = _gathered(workflow, chunks, result, now=now)
    horizon = timedelta(minutes=series.horizon_minutes)
    features: list[Mapping[str, object]] = []
    labels: list[str] = []
    moments: list[datetime] = []
    for machine, rows in sorted(readings.items()):
        known = sorted(one for one in failures if one.machine == machine)
        until = complete_until or rows[-1][1]
        ends = sorted({first_end(at, series) for _, at, _ in rows})
        for end, inside in windows_of(rows, series, ends):
            label = label_at(workflow.declaration, end, known, horizon, until=until)
            if label is None:
                continue
            features.append(
                features_of(machine, inside, workflow=workflow, series=series, end=end)
            )
            labels.append(label)
            moments.append(end)
    return LabelledRows(features, labels, moments), result


def label_at(
    declaration: Declaration,
    end: datetime,
    failures: Sequence[KnownFailure],
    horizon: timedelta,
    *,
    until: datetime,
) -> str | None:
    """Return what followed a window: the label of a failure, the other one, or None.

    `failures` of the machine in the order of time, complete until a moment.
    """
    place = bisect_right(failures, end, key=lambda one: one.at)
    if place < len(failures) and failures[place].at <= end + horizon:
        return failure_label(declaration, failures[place].kind)
    return quiet_label(declaration) if end + horizon <= until else None


def failure_label(declaration: Declaration, kind: str) -> str:
    """Return the positive label that the kind names, else the first one."""
    positives = declaration.positive_labels
    return kind if kind in positives else positives[0]


def quiet_label(declaration: Declaration) -> str:
    """Return the label of a window that nothing followed."""
    positives = declaration.positive_labels
    return next(one for one in declaration.label_keys if one not in positives)


def _gathered(
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    result: ReadingsStored,
    *,
    now: datetime,
) -> dict[str, list[Row]]:
    """Return the readings of each machine in the order of time, one a moment."""
    intake = ReadingIntake(workflow, now=now)
    found: dict[str, dict[datetime, Mapping[str, Any]]] = {}
    for chunk in chunks:
        readings, refused = intake.checked(chunk, result)
        result.n_refused += len(refused)
        for one in readings:
            machine = found.setdefault(one.machine, {})
            result.duplicates += one.at in machine
            result.accepted += one.at not in machine
            machine.setdefault(one.at, one.values)
    return {
        machine: [(place, at, values[at]) for place, at in enumerate(sorted(values))]
        for machine, values in found.items()
    }
