"""Measure a window of readings, and find the moments that moved a score. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.calibration import logit

type Floats = NDArray[np.float64]
type Channels = Mapping[str, Floats]

N_STRETCHES: Final = 6
MAX_MARKED: Final = 3
LEAST_EFFECT: Final = 0.1  # of log-odds, to be marked


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a channel, in seconds since the window's start, end not in it."""

    channel: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What a stretch did to the score: above 0 it spoke for the label. Log-odds."""

    stretch: Stretch
    effect: float


def window_values(seconds: Floats, channels: Channels) -> dict[str, float]:
    """Return the columns of a window by `<channel>_<column>`.

    `seconds` float [n], ascending; each channel float [n] with NaN where a reading does
    not hold it. A channel without any value has no columns; a slope, in units per hour,
    needs two moments. Spread is the population's standard deviation. Source: own.
    """
    values: dict[str, float] = {}
    for name, readings in channels.items():
        is_known = ~np.isnan(readings)
        known, at = readings[is_known], seconds[is_known]
        if known.size == 0:
            continue
        values[f"{name}_last"] = float(known[-1])
        values[f"{name}_mean"] = float(known.mean())
        values[f"{name}_min"] = float(known.min())
        values[f"{name}_max"] = float(known.max())
        values[f"{name}_spread"] = float(known.std())
        if (slope := _slope_per_hour(at, known)) is not None:
            values[f"{name}_slope"] = slope
    return values


def _slope_per_hour(seconds: Floats, values: Floats) -> float | None:
    centred = seconds - seconds.mean()
    spread = float(centred @ centred)
    if spread == 0:
        return None
    return float(centred @ (values - values.mean())) / spread * 3600


def stretches(names: Sequence[str], *, seconds: float) -> list[Stretch]:
    """Cut a window into equal stretches, for each channel; with all of it at the end.

    What lasts (a tool worn for an hour) shows in no stretch alone: each is made up for
    by the others.
    """
    edges = [float(one) for one in np.linspace(0, seconds, N_STRETCHES + 1)]
    spans = [*pairwise(edges), (edges[0], edges[-1])]
    return [Stretch(name, start, end) for name in names for start, end in spans]


def occluded(
    seconds: Floats, channels: Channels, stretch: Stretch, typical: float
) -> dict[str, float] | None:
    """Return the columns of the window with a stretch put at a typical level.

    None where nothing was read in it: there is nothing to take away.
    """
    inside = (seconds >= stretch.start) & (seconds < stretch.end)
    readings = channels[stretch.channel]
    if not np.any(inside & ~np.isnan(readings)):
        return None
    changed = np.where(inside & ~np.isnan(readings), typical, readings)
    return window_values(seconds, {**channels, stretch.channel: changed})


def moments(
    asked: Sequence[Stretch], class_scores: Floats, label_indexes: Sequence[int]
) -> list[Moment]:
    """Return what each stretch did to the score, largest first, ties by place.

    `class_scores` float [k + 1, n labels]: the model's for the window as it is, then
    with each of the k stretches taken out. Effect: logit(score) - logit(score without).
    Source: own; occlusion (Zeiler & Fergus 2014) over time.
    """
    moved = logit(class_scores[:, list(label_indexes)].sum(axis=1))
    effects = moved[0] - moved[1:]
    order = np.argsort(-np.abs(effects), kind="stable")
    return [Moment(asked[i], float(effects[i])) for i in order]


def marked(found: Sequence[Moment]) -> list[Moment]:
    """Return those that are worth a mark: the largest few, if they moved anything.

    All of a channel counts where no stretch of it did half as much by itself.
    """
    length = max((one.stretch.end for one in found), default=0.0)
    largest: dict[str, float] = {}
    for one in found:
        if not _is_whole(one.stretch, length):
            effect = max(abs(one.effect), largest.get(one.stretch.channel, 0.0))
            largest[one.stretch.channel] = effect
    worth = [
        one
        for one in found
        if abs(one.effect) >= LEAST_EFFECT
        and _is_whole(one.stretch, length)
        == (largest.get(one.stretch.channel, 0.0) < _whole(found, one, length) / 2)
    ]
    return worth[:MAX_MARKED]


def _whole(found: Sequence[Moment], like: Moment, length: float) -> float:
    """Return how much all of a channel did."""
    return next(
        (
            abs(one.effect)
            for one in found
            if one.stretch.channel == like.stretch.channel
            and _is_whole(one.stretch, length)
        ),
        0.0,
    )


def _is_whole(stretch: Stretch, length: float) -> bool:
    return stretch.start == 0 and stretch.end == length
