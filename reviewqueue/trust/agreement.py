"""How far people agree on the same items, beyond what chance would do."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictions.learning.evaluation import wilson_interval

RESAMPLES: Final = 2000
# An interval rests on at least this share of the resamples.
MIN_DEFINED: Final = 0.95

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Names = NDArray[Any]
# from totals [r, k] to the observed and the chance agreement, each [r]
type Reading = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Judgements:
    """Who said what of which item, a row per judgement: arrays of equal length [n].

    `items`, `people` and `labels` are positions in the sorted names beside them.
    """

    items: Ints
    people: Ints
    labels: Ints
    item_names: Names
    person_names: Names
    label_names: Names

    @classmethod
    def of(cls, items: ArrayLike, people: ArrayLike, labels: ArrayLike) -> "Judgements":
        """Check and keep rows of names of any kind that can be sorted.

        Raises: ValueError for lengths that differ, and for two judgements of one item
        by one person: which of them stands is for the caller to say.
        """
        rows = [np.asarray(column) for column in (items, people, labels)]
        if not rows[0].shape == rows[1].shape == rows[2].shape or rows[0].ndim != 1:
            shapes = ", ".join(str(row.shape) for row in rows)
            msg = f"Rows of one length are needed, not {shapes}."
            raise ValueError(msg)
        (item_names, i), (person_names, p), (label_names, v) = (
            np.unique(row, return_inverse=True) for row in rows
        )
        if np.unique(i * max(person_names.size, 1) + p).size < i.size:
            msg = "A person judges an item once; two judgements of one were given."
            raise ValueError(msg)
        return cls(i, p, v, item_names, person_names, label_names)

    def votes(self) -> Ints:
        """Return how often each item got each label, [items, labels]."""
        shape = (self.item_names.size, self.label_names.size)
        cells = self.items * shape[1] + self.labels
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient (1: complete, 0: as by chance, at least -1) with a 95 % interval.

    `n_items` were judged by two people or more, `n_pairs` pairs of judgements of one
    item are among them. NaN throughout without a pair, and where the coefficient is
    not defined.
    """

    value: float
    low: float
    high: float
    n_items: int
    n_pairs: int


def pairwise_agreement(seen: Judgements, *, seed: int) -> Agreement:
    """Return the share of pairs of judgements of one item that agree, within 0..1.

    Not corrected for chance: high wherever one label is common. No pairs give NaN.
    The interval is that of `krippendorff_alpha`.
    """
    votes = _shared_votes(seen)
    n = votes.sum(axis=1)
    same = (votes * (votes - 1)).sum(axis=1) / 2

    def read(totals: Floats) -> tuple[Floats, Floats]:
        return totals[:, 0] / totals[:, 1], np.zeros(len(totals))

    return _resampled(np.column_stack([same, n * (n - 1) / 2]), read, votes, seed=seed)


def krippendorff_alpha(seen: Judgements, *, seed: int) -> Agreement:
    """Return Krippendorff's alpha for nominal labels, any number of people per item.

    Items with one judgement do not count. Without a pair, or when only one label was
    ever given, alpha is not defined and NaN: the raw agreement says what can be said.
    The 95 % interval is the percentile bootstrap over items (2000 resamples drawn with
    `seed`; those where alpha is not defined are left out, and when more than one in
    twenty is, there is no interval). Where all pairs agree resampling shows no spread:
    the lower end then follows from Wilson's for as many agreeing items.
    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C.
    """
    votes = _shared_votes(seen)
    n = votes.sum(axis=1)
    same = (votes * (votes - 1)).sum(axis=1) / (n - 1)

    def read(totals: Floats) -> tuple[Floats, Floats]:
        per_label = totals[:, 1:]
        total = per_label.sum(axis=1)
        chance = (per_label * (per_label - 1)).sum(axis=1) / (total * (total - 1))
        return totals[:, 0] / total, chance

    return _resampled(np.column_stack([same, votes]), read, votes, seed=seed)


def fleiss_kappa(seen: Judgements, *, seed: int) -> Agreement:
    """Return Fleiss' kappa over the items with two judgements or more.

    Made for the same number of judgements of each; where the numbers differ every item
    counts once. Undefined cases and interval as `krippendorff_alpha`, which is to be
    preferred for few items: chance is estimated from the same ones.
    Source: Fleiss 1971, "Measuring nominal scale agreement among many raters".
    """
    votes = _shared_votes(seen)
    n = votes.sum(axis=1)
    same = (votes * (votes - 1)).sum(axis=1) / (n * (n - 1))
    shares = votes / n[:, None]

    def read(totals: Floats) -> tuple[Floats, Floats]:
        n_items = totals[:, 1:].sum(axis=1)
        chance = ((totals[:, 1:] / n_items[:, None]) ** 2).sum(axis=1)
        return totals[:, 0] / n_items, chance

    return _resampled(np.column_stack([same, shares]), read, votes, seed=seed)


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, seed: int) -> Agreement:
    """Return Cohen's kappa between two people's labels of the same items, each [n].

    Undefined cases and interval as `krippendorff_alpha`.
    Raises: ValueError for lengths that differ.
    Source: Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape or a.ndim != 1:
        msg = f"Rows of one length are needed, not {a.shape} and {b.shape}."
        raise ValueError(msg)
    names, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    by_first = np.eye(names.size)[codes[: a.size]]
    by_second = np.eye(names.size)[codes[a.size :]]

    def read(totals: Floats) -> tuple[Floats, Floats]:
        n, k = len(a), names.size
        chance = (totals[:, 1 : k + 1] * totals[:, k + 1 :]).sum(axis=1) / n**2
        return totals[:, 0] / n, chance

    same = (by_first * by_second).sum(axis=1)
    features = np.column_stack([same, by_first, by_second])
    votes = (by_first + by_second).astype(np.int64)
    return _resampled(features, read, votes, seed=seed)


def interval_alpha(values: Sequence[Sequence[float]], *, seed: int) -> Agreement:
    """Return Krippendorff's alpha for numbers, given item by item, each by its people.

    A difference counts by its square, whatever the unit. Items with one number do not
    count; without a pair, or when all numbers are the same, alpha is not defined and
    NaN. Interval as `krippendorff_alpha`; where all pairs are equal its lower end takes
    a disagreement to be as wide as the numbers given.
    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section E.
    """
    shared = [list(one) for one in values if len(one) >= 2]
    given = np.array([x for one in shared for x in one], dtype=np.float64)
    wide = float(np.ptp(given)) if given.size else 0.0
    middle = float(given.mean()) if given.size else 0.0
    scaled = [(np.array(one) - middle) / (wide or 1.0) for one in shared]
    n = np.array([one.size for one in scaled], dtype=np.int64)
    first = np.array([one.sum() for one in scaled])
    second = np.array([(one**2).sum() for one in scaled])
    # over ordered pairs of an item the squares sum up to 2 (n sum x^2 - (sum x)^2)
    within = np.clip(2 * (n * second - first**2), 0, None) / np.maximum(n - 1, 1)

    def read(totals: Floats) -> tuple[Floats, Floats]:
        apart, count, ones, twos = totals.T
        everywhere = 2 * (count * twos - ones**2) / (count * (count - 1))
        return 1 - apart / count, 1 - np.clip(everywhere, 0, None)

    features = np.column_stack([within, n, first, second])
    return _resampled(features, read, n[:, None], seed=seed)


def mean_closeness(
    closeness: ArrayLike, n_people: ArrayLike, *, seed: int
) -> Agreement:
    """Return the mean over items of how near their people are, each within 0..1.

    `closeness` [n] is the mean over the pairs of an item's people, `n_people` [n] how
    many they are, two at least. Not corrected for chance. Interval as
    `krippendorff_alpha`.
    """
    near = np.asarray(closeness, dtype=np.float64)
    people = np.asarray(n_people, dtype=np.int64)

    def read(totals: Floats) -> tuple[Floats, Floats]:
        return totals[:, 0] / max(len(near), 1), np.zeros(len(totals))

    return _resampled(near[:, None], read, people[:, None], seed=seed)


def _shared_votes(seen: Judgements) -> Ints:
    votes = seen.votes()
    return votes[votes.sum(axis=1) >= 2]


def _resampled(features: Floats, read: Reading, votes: Ints, *, seed: int) -> Agreement:
    """Read the coefficient off the totals of `features` [items, k] and of resamples."""
    n_items = len(features)
    if n_items == 0:
        return Agreement(math.nan, math.nan, math.nan, 0, 0)
    n = votes.sum(axis=1)
    n_pairs = int((n * (n - 1)).sum()) // 2
    observed, chance = (float(x[0]) for x in read(features.sum(axis=0)[None, :]))
    value = _beyond(observed, chance)
    # items alike are drawn together: a few kinds stand for any number of items
    kinds, counts = np.unique(features, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(
        n_items, counts / n_items, size=RESAMPLES
    )
    low, high = _spread(*read(drawn @ kinds))
    if observed == 1:
        low, high = _beyond(wilson_interval(n_items, n_items).low, chance), value
    return Agreement(value, low, high, n_items, n_pairs)


def _beyond(observed: float, chance: float) -> float:
    return (observed - chance) / (1 - chance) if chance < 1 else math.nan


def _spread(observed: Floats, chance: Floats) -> tuple[float, float]:
    is_defined = chance < 1
    if is_defined.mean() < MIN_DEFINED:
        return math.nan, math.nan
    observed, chance = observed[is_defined], chance[is_defined]
    low, high = np.quantile((observed - chance) / (1 - chance), [0.025, 0.975])
    return float(low), float(high)
