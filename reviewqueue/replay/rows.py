"""Rows that the figures of a replay are computed from."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Routed:
    """Items in the order in which they were routed, one entry of each row per item.

    `days` since the start of the stream; `segments` their places in the list of
    slices, -1 for none; `said` the recommended label, empty without one; `found` what
    a person said, empty where nobody looked; `probabilities` of a positive label, NaN
    without one.
    """

    days: Floats
    segments: NDArray[np.int64]
    said: Words
    truth: Words
    found: Words
    probabilities: Floats
    review_probabilities: Floats
    is_reviewed: Flags
    is_blind: Flags

    @property
    def n(self) -> int:
        return int(self.days.size)

    @property
    def is_wrong(self) -> Flags:
        """Say where the recommendation is not the truth."""
        return np.asarray(self.said != self.truth, dtype=np.bool_)

    def said_is(self, labels: Collection[str]) -> Flags:
        """Say where one of some labels is recommended."""
        return np.isin(self.said, list(labels))

    def truth_is(self, labels: Collection[str]) -> Flags:
        """Say where one of some labels is the truth."""
        return np.isin(self.truth, list(labels))


@dataclass(frozen=True, slots=True)
class Slice:
    """A segment: what it is, what is tolerated in it, and where it stands at the end.

    It stands from `cut_day` of the stream on, one of `n_sharing` that share delta.
    """

    version: int
    label: str
    low: float
    high: float
    n_sharing: int
    tolerated: float
    cut_day: float
    review_probability: float


@dataclass(frozen=True, slots=True)
class Move:
    """A grant or a withdrawal, with the evidence that was written down with it."""

    day: float
    segment: int
    kind: str
    cause: str
    to_probability: float
    reviews: int
    errors: int
    bound: float
    delta: float
    since_day: float
