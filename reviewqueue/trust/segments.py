"""Where trust is measured: slices of what a model recommends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

OTHER: Final = ""  # values of the feature that have no slice of their own


@dataclass(frozen=True, slots=True)
class Slice:
    """A recommended label, a band `low` ≤ probability < `high`, a feature's value.

    The last band of a label, which ends at 1, holds 1 as well. `value` is `OTHER`
    where no feature is used, and for all values that are too rare.
    """

    label: str
    low: float
    high: float
    value: str = OTHER


def cut_slices(
    labels: ArrayLike,
    probabilities: ArrayLike,
    values: ArrayLike,
    *,
    label_keys: Sequence[str],
    edges: Sequence[float],
    min_share: float,
) -> list[Slice]:
    """Cut recommendations [n] into slices that each hold enough of them.

    `edges` are where bands may end (rising, within 0..1); `values` [n] is the feature's
    value per item, all `OTHER` where none is used. Neighbouring bands are joined from
    below until each holds at least `min_share` (0..1) of all n, and at least one; a
    value with less than that among its label's items has no slice of its own. The
    slices of a label cover every probability and every value, once. What is left of
    the values is always a slice, and may hold less or nothing: a value that is new is
    not to be trusted on the evidence of others. No truth is looked at, so that cutting
    costs no confidence. Labels outside `label_keys` count in n and have no slice.
    Raises: ValueError for lengths that differ, a share or probability outside 0..1.
    Source: own.
    """
    said, p = np.asarray(labels, dtype=str), np.asarray(probabilities, dtype=float)
    kinds = np.asarray(values, dtype=str)
    if not said.shape == p.shape == kinds.shape or said.ndim != 1:
        msg = f"Rows of one length: {said.shape}, {p.shape}, {kinds.shape}."
        raise ValueError(msg)
    if not (np.all((p >= 0) & (p <= 1)) and 0 <= min_share <= 1):
        msg = "Probabilities and the smallest share lie within 0..1."
        raise ValueError(msg)
    needed = max(min_share * said.size, 1.0)
    slices = []
    for label in label_keys:
        of_label = said == label
        own = _frequent(kinds[of_label], needed)
        for value in [*own, OTHER]:
            chosen = kinds == value if value != OTHER else ~np.isin(kinds, own)
            bands = _bands(p[of_label & chosen], edges, needed)
            slices += [Slice(label, low, high, value) for low, high in bands]
    return slices


def _frequent(values: NDArray[np.str_], needed: float) -> list[str]:
    names, counts = np.unique(values, return_counts=True)
    enough = (counts >= needed) & (names != OTHER)
    return [str(name) for name in names[enough]]


def _bands(
    p: NDArray[np.float64], edges: Sequence[float], needed: float
) -> list[tuple[float, float]]:
    inner = sorted({float(edge) for edge in edges if 0 < edge < 1})
    ends = [*inner, 1.0]
    counts = np.histogram(p, bins=[0.0, *ends])[0]
    bands: list[tuple[float, float]] = []
    low, held = 0.0, 0
    for end, count in zip(ends, counts, strict=True):
        held += int(count)
        if held >= needed:
            bands.append((low, end))
            low, held = end, 0
    if not bands:
        return [(0.0, 1.0)]
    # what is left at the top is too little for a band of its own
    bands[-1] = (bands[-1][0], 1.0)
    return bands


def find_slice(
    slices: Sequence[Slice], *, label: str, probability: float, value: str
) -> int | None:
    """Return the index of the slice that holds a recommendation.

    A value without a slice of its own belongs to `OTHER`. None where the label has no
    slice, or the probability is not within 0..1.
    """
    values = {one.value for one in slices if one.label == label}
    wanted = value if value in values else OTHER
    for index, one in enumerate(slices):
        is_inside = one.low <= probability < one.high or probability == one.high == 1
        if one.label == label and one.value == wanted and is_inside:
            return index
    return None
