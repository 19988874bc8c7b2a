"""Looks at what the model reads and says, against what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lifecycle.judging.found import Found, too_few
from lifecycle.judging.model import judge_accuracy, judge_calibration, judge_drift
from lifecycle.judging.shares import judge_quarantine, judge_rises, rise_of
from lifecycle.queries.arrivals import (
    Met,
    champion_since,
    met_by,
    newest_refusals,
    newest_rows,
    scoring_since,
)
from lifecycle.queries.truths import truths_of
from lifecycle.queries.windows import DAY, WEEK, Window, next_midnight
from lifecycle.services.monitors.look import Look
from predictions.learning.calibration import Calibration, apply_curve
from predictions.learning.features import (
    Column,
    Matrix,
    columns_from_json,
    feature_matrix,
)
from predictions.learning.monitoring import find_drift
from predictions.models import ModelVersion
from predictions.queries.model_reports import model_facts
from predictions.services.references import reference_of

TRUTH_DAYS: Final = 28
N_NEWEST: Final = 500
N_BEFORE: Final = 5_000
MAX_ROWS: Final = 3_000
MIN_REFERENCE: Final = 30
# Rows of a side times columns: a look stays within seconds with many columns.
MAX_CELLS: Final = 30_000
LEAST_ROWS: Final = 500

_SCORE: Final = (Column("score", "number"),)

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
NO_CHAMPION: Final = "There is no champion."


@dataclass(frozen=True, slots=True)
class Held:
    """What the present is held against: inputs [n, k], and scores and calls [m].

    `words` say what it is.
    """

    matrix: Matrix
    scores: Floats
    calls: Flags
    words: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A reference, what came in seven whole days, and the columns of both."""

    held: Held
    met: Met
    columns: tuple[Column, ...]
    days: Window

    @property
    def told(self) -> dict[str, object]:
        return {
            "reference": self.held.words,
            "since": self.days.since.isoformat(),
            "until": self.days.until.isoformat(),
        }


def look_at_score_drift(look: Look) -> Found:
    """Hold the scores of seven whole days against those of the reference.

    The share of positive recommendations, before and after, stands beside it.
    """
    found = _compared(look)
    if isinstance(found, Found):
        return found
    held, met = found.held, found.met
    report = find_drift(
        held.scores[:, None],
        met.scores[:, None],
        _SCORE,
        budget=look.budget,
        seed=look.seed,
        min_distance=look.declaration.monitoring.min_distance,
        max_rows=MAX_ROWS,
        calls=(held.calls, met.calls),
    )
    return judge_drift(report, what="The scores are", **found.told)


def look_at_feature_drift(look: Look) -> Found:
    """Hold every input of seven whole days against the reference, under one budget."""
    found = _compared(look)
    if isinstance(found, Found):
        return found
    most = max(LEAST_ROWS, min(MAX_ROWS, MAX_CELLS // len(found.columns)))
    report = find_drift(
        found.held.matrix,
        found.met.matrix,
        found.columns,
        budget=look.budget,
        seed=look.seed,
        min_distance=look.declaration.monitoring.min_distance,
        max_rows=most,
        calls=(found.held.calls, found.met.calls),
    )
    return judge_drift(report, what="All inputs are", **found.told)


def drifts_between(look: Look, *, budget: float, max_rows: int) -> tuple[Found, Found]:
    """Return the drift of scores and of inputs, in one reading of the items."""
    found = _compared(look)
    if isinstance(found, Found):
        return found, found
    held, met = found.held, found.met
    sides = (
        ("Scores are", held.scores[:, None], met.scores[:, None], _SCORE),
        ("All inputs are", held.matrix, met.matrix, found.columns),
    )
    scores, inputs = (
        judge_drift(
            find_drift(
                before,
                now,
                columns,
                budget=budget,
                seed=look.seed,
                min_distance=look.declaration.monitoring.min_distance,
                max_rows=max_rows,
            ),
            what=what,
        )
        for what, before, now, columns in sides
    )
    return scores, inputs


def look_at_missing(look: Look) -> Found:
    """Hold what is missing of the newest 500 items against the reference."""
    champion = look.champion
    if champion is None:
        return too_few(NO_CHAMPION)
    held = _held(champion, look.at)
    if held is None or len(held.matrix) < MIN_REFERENCE:
        return too_few("The reference is still gathered.")
    rows = newest_rows(look.workflow, until=look.now, most=N_NEWEST)
    columns = columns_from_json(champion.columns)
    matrix = feature_matrix([features for features, _ in rows], columns)
    before, now = np.isnan(held.matrix), np.isnan(matrix)
    rises = [
        rise_of(
            column.name,
            (int(before[:, index].sum()), len(before)),
            (int(now[:, index].sum()), len(now)),
        )
        for index, column in enumerate(columns)
        if len(now)
    ]
    return judge_rises(
        rises,
        len(rows),
        budget=look.budget,
        least=look.declaration.monitoring.min_distance,
        what="missing",
    )


def look_at_unknown(look: Look) -> Found:
    """Hold fields that nothing declares, of the newest 500 items, against before."""
    rows = newest_rows(look.workflow, until=look.now, most=N_NEWEST + N_BEFORE)
    now, before = rows[:N_NEWEST], rows[N_NEWEST:]
    if len(before) < MIN_REFERENCE:
        half = len(rows) // 2
        now, before = rows[:half], rows[half:]
    names = sorted({_warned(one) for _, warnings in now for one in warnings})
    rises = [
        rise_of(
            name,
            (_count(name, before), len(before)),
            (_count(name, now), len(now)),
        )
        for name in names or ["no field"]
        if now and before
    ]
    return judge_rises(
        rises,
        min(len(now), len(before)),
        budget=look.budget,
        least=look.declaration.monitoring.min_distance,
        what="unknown",
    )


def _warned(warning: str) -> str:
    """Return the field that a warning names: `unknown_field: mood`."""
    return warning.partition(": ")[2][:60] or warning[:60]


def _count(name: str, rows: Sequence[tuple[object, Sequence[str]]]) -> int:
    return sum(any(_warned(one) == name for one in warnings) for _, warnings in rows)


def look_at_quarantine(look: Look) -> Found:
    found = newest_refusals(look.workflow, until=look.now, most=N_NEWEST)
    return judge_quarantine(
        found.k,
        found.n,
        budget=look.budget,
        limit=look.declaration.monitoring.quarantine_share,
        rules=found.rules,
    )


def look_at_calibration(look: Look) -> Found:
    champion = look.champion
    if champion is None:
        return too_few(NO_CHAMPION)
    truths = truths_of(champion, Window.before(look.at, TRUTH_DAYS * DAY))
    limit = look.declaration.monitoring.calibration_error
    return judge_calibration(truths, limit=limit, budget=look.budget, seed=look.seed)


def look_at_accuracy(look: Look) -> Found:
    champion = look.champion
    if champion is None:
        return too_few(NO_CHAMPION)
    truths = truths_of(champion, Window.before(look.at, TRUTH_DAYS * DAY))
    reported = model_facts(champion, look.declaration).test
    right = reported.right if reported else None
    return judge_accuracy(
        truths, reported_low=right.low if right else None, budget=look.budget
    )


def _compared(look: Look) -> Compared | Found:
    champion = look.champion
    if champion is None:
        return too_few(NO_CHAMPION)
    days = Window.before(look.at, WEEK)
    if days.since < next_midnight(scoring_since(champion)):
        says = f"{champion.short_name} has not met seven whole days of items yet."
        return too_few(says)
    held = _held(champion, look.at, but=days)
    if held is None:
        says = "The week that stands for a reference is not over, or not a week ago."
        return too_few(says)
    met = met_by(champion, days, most=MAX_ROWS, sites=look.sites)
    return Compared(held, met, columns_from_json(champion.columns), days)


def _held(
    champion: ModelVersion, at: datetime, *, but: Window | None = None
) -> Held | None:
    """Return what a version was made from; else the first whole week that it met.

    None while that week is not over, or where it is a part of what is held against it.
    """
    reference = reference_of(champion)
    if reference is not None:
        scores = reference.held_out_scores
        words = f"{len(reference.matrix):,} rows that {champion.short_name} learnt from"
        return Held(reference.matrix, scores, calls_of(champion, scores), words)
    begin = next_midnight(champion_since(champion))
    week = Window(begin, begin + WEEK)
    if week.until > (but.since if but else at):
        return None
    met = met_by(champion, week, most=MAX_ROWS)
    words = f"the first whole week of {champion.short_name}, from {begin:%-d %b %Y}"
    return Held(met.matrix, met.scores, met.calls, words)


def calls_of(version: ModelVersion, scores: Floats) -> Flags:
    """Say where a version calls its positive labels, of raw scores [n].

    With a calibration of two labels exactly as it recommends; else a score from the
    threshold on stands for it.
    """
    said = scores
    if version.calibration is not None and len(version.label_keys) == 2:
        curve = Calibration.from_json(version.calibration).curves[0]
        positive = version.workflow.declaration.positive_labels
        is_second = version.label_keys[1] in positive
        said = apply_curve(curve, scores if is_second else 1 - scores)
        said = said if is_second else 1 - said
    return np.asarray(said >= version.threshold, dtype=np.bool_)
