"""Cut labelled rows into train, calibrate and test so that the test is the future."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHARES: Final = (0.6, 0.2, 0.2)

type Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Split:
    """Row indexes of the three parts, each in time order."""

    train: Indexes
    calibrate: Indexes
    test: Indexes

    def parts(self) -> dict[str, Indexes]:
        """Return the parts by name, in order."""
        return {"train": self.train, "calibrate": self.calibrate, "test": self.test}


def split_by_time(
    times: NDArray[np.float64],
    subjects: Sequence[str | None] | None = None,
    *,
    shares: tuple[float, float, float] = SHARES,
) -> Split:
    """Cut the rows [n] into the oldest 60 %, the next 20 % and the newest 20 %.

    Equal times keep the order of the rows. With subjects, all rows of one subject go to
    the part of its first row, so that no part knows another's subjects; the parts may
    then overlap in time. A row without a subject stands alone.
    Source: own.
    """
    order = np.argsort(times, kind="stable")
    if subjects is not None:
        order = _grouped(order, subjects)
    first, second = np.cumsum(shares)[:2] * len(order)
    ends = np.searchsorted(_group_starts(order, subjects), [first, second])
    return Split(*(_in_time(part, times) for part in np.split(order, ends)))


def _in_time(part: Indexes, times: NDArray[np.float64]) -> Indexes:
    return part[np.lexsort((part, times[part]))]


def _grouped(order: Indexes, subjects: Sequence[str | None]) -> Indexes:
    """Put the rows of a subject together, subjects by their first row."""
    rank: dict[object, int] = {}
    for row in order:
        rank.setdefault(_group(int(row), subjects), len(rank))
    ranks = np.array([rank[_group(int(row), subjects)] for row in order], dtype=np.intp)
    return order[np.argsort(ranks, kind="stable")]


def _group_starts(order: Indexes, subjects: Sequence[str | None] | None) -> Indexes:
    """Return for each position where its group starts; a cut never falls inside."""
    positions = np.arange(len(order))
    if subjects is None or len(order) == 0:
        return positions
    groups = [_group(int(row), subjects) for row in order]
    is_new = [True, *(a != b for a, b in pairwise(groups))]
    return np.maximum.accumulate(np.where(is_new, positions, 0))


def _group(row: int, subjects: Sequence[str | None]) -> object:
    subject = subjects[row]
    return ("row", row) if subject is None else subject
