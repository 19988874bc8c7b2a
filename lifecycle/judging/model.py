"""Drift, calibration and accuracy: figures with what chance alone would show."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lifecycle.judging.found import Found, alarm, fine, too_few
from predictions.learning.calibration import expected_calibration_error
from predictions.learning.monitoring import DriftReport, FeatureDrift
from reviewqueue.trust.estimates import WeightedRate, weighted_share
from ui import numbers

MIN_TRUTHS: Final = 50
N_BINS: Final = 10
CHUNK: Final = 500_000  # draws at a time
MAX_NAMED: Final = 3

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


def judge_drift(report: DriftReport, *, what: str, **data: object) -> Found:
    """Say which columns moved; `what` names them all together, as in a sentence."""
    n = report.n_after
    shown = {**data, **report.to_json()}
    known = [one for one in report.features if one.verdict != "too_few"]
    if not known:
        says = f"{n} items after, {report.n_before} before: too few to say."
        return too_few(says, n, **shown)
    farthest = max(known, key=lambda one: one.distance)
    if not report.moved:
        return fine(_still(known, farthest, n, what), farthest.distance, n, **shown)
    named = ", ".join(
        f"{one.name} ({numbers.percent(one.distance)} of the items elsewhere)"
        for one in report.moved[:MAX_NAMED]
    )
    more = len(report.moved) - MAX_NAMED
    says = f"Moved: {named}{f', {more} more' if more > 0 else ''}{_effect(report)}."
    return alarm(says, farthest.distance, n, **shown)


def _still(known: list[FeatureDrift], farthest: FeatureDrift, n: int, what: str) -> str:
    slight = sum(one.verdict == "slight" for one in known)
    words = f"{what} as in the reference, {n} items"
    if slight:
        words += f"; {slight} moved, by less than counts"
    return f"{words}; at most {numbers.percent(farthest.distance)} elsewhere."


def _effect(report: DriftReport) -> str:
    change = report.decisions
    if change is None or math.isnan(change.value):
        return ""
    return (
        f"; positive recommendations {numbers.points(change.value)} points "
        f"({numbers.points(change.low)} to {numbers.points(change.high)})"
    )


@dataclass(frozen=True, slots=True)
class Truths:
    """Items whose truth is known, [n] each: what was said, and what turned out.

    `probability` of a positive label is NaN where the version had none;
    `review_probability` is in (0, 1]; `is_late` marks truth from outside.
    """

    probability: Floats
    is_positive: Flags
    is_right: Flags
    review_probability: Floats
    is_late: Flags


def judge_calibration(
    truths: Truths, *, limit: float, budget: float, seed: int
) -> Found:
    """Hold the calibration error against the limit, and against chance at this n.

    Weighted by 1 / review probability, ten bins of equal width. An alarm needs both:
    more than the limit, and more than a perfectly calibrated model shows with a chance
    of `budget`. Source: Naeini, Cooper and Hauskrecht 2015; the null by truths drawn
    from the probabilities, Bröcker and Smith 2007.
    """
    known = ~np.isnan(truths.probability)
    said, truth = truths.probability[known], truths.is_positive[known]
    n = int(said.size)
    if n < MIN_TRUTHS:
        return too_few(f"{n} items with a probability have their truth.", n)
    weights = 1 / truths.review_probability[known]
    error = expected_calibration_error(said, truth, weights, n_bins=N_BINS)
    by_chance = calibration_by_chance(said, weights, budget=budget, seed=seed)
    says = (
        f"Said and observed differ by {numbers.percent(error)} on average over "
        f"{numbers.thousands(n)} items; by chance up to {numbers.percent(by_chance)}."
    )
    judge = alarm if limit and error > max(limit, by_chance) else fine
    rows = _reliability(said, truth, weights)
    return judge(says, error, n, by_chance=by_chance, bins=rows)


def calibration_by_chance(
    said: Floats, weights: Floats, *, budget: float, seed: int
) -> float:
    """Return the error that perfectly calibrated rows exceed with chance `budget`.

    `said` float [n] in 0..1, `weights` [n]; NaN when n = 0.
    """
    n = said.size
    if n == 0:
        return math.nan
    n_draws = math.ceil(2 / budget)
    bins = np.minimum((said * N_BINS).astype(np.intp), N_BINS - 1)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    p, w = said[order], weights[order]
    rng = np.random.default_rng(seed)
    drawn = []
    rows = max(1, CHUNK // n)
    for begin in range(0, n_draws, rows):
        truth = rng.random((min(rows, n_draws - begin), n)) < p
        sums = np.add.reduceat(w * (truth - p), starts, axis=1)
        drawn.append(np.abs(sums).sum(axis=1) / w.sum())
    return float(np.quantile(np.concatenate(drawn), 1 - budget))


def _reliability(
    said: Floats, truth: Flags, weights: Floats
) -> list[dict[str, object]]:
    bins = np.minimum((said * N_BINS).astype(np.intp), N_BINS - 1)
    rows: list[dict[str, object]] = []
    for index in np.unique(bins):
        inside = bins == index
        seen = weighted_share(truth[inside], 1 / weights[inside])
        mean = float(np.average(said[inside], weights=weights[inside]))
        rows.append(
            {
                "low": index / N_BINS,
                "high": (index + 1) / N_BINS,
                "said": mean,
                "share": seen.value,
                "low_end": seen.low,
                "high_end": seen.high,
                "n": seen.n,
            }
        )
    return rows


def judge_accuracy(
    truths: Truths, *, reported_low: float | None, budget: float
) -> Found:
    """Hold how often the recommendation is right, over all items, against the report.

    `reported_low` is the lower end of the interval that the version came with; an
    alarm needs the whole weighted interval, at the look's budget, below it.
    """
    n = int(truths.is_right.size)
    if n < MIN_TRUTHS:
        return too_few(f"{n} items have their truth.", n)
    p = truths.review_probability
    found = weighted_share(truths.is_right, p)
    surely = weighted_share(truths.is_right, p, level=1 - 2 * budget)
    late = truths.is_late
    data = {
        "right": rate_json(found),
        "by_people": rate_json(weighted_share(truths.is_right[~late], p[~late])),
        "by_outcomes": rate_json(weighted_share(truths.is_right[late], p[late])),
        "reported_low": reported_low,
    }
    says = (
        f"Right in {numbers.percent(found.value)} of all items "
        f"({numbers.interval(found.low, found.high)}, n = {numbers.thousands(n)})"
    )
    if reported_low is not None and surely.high < reported_low:
        says += f"; its report said at least {numbers.percent(reported_low)}."
        return alarm(says, found.value, n, **data)
    return fine(f"{says}.", found.value, n, **data)


def rate_json(rate: WeightedRate) -> dict[str, object]:
    """Return a weighted rate as JSON data, null where nothing is known."""
    if math.isnan(rate.value):
        return {"share": None, "low": None, "high": None, "n": 0, "n_effective": 0.0}
    return {
        "share": rate.value,
        "low": rate.low,
        "high": rate.high,
        "n": rate.n,
        "n_effective": rate.n_effective,
    }
