"""Rows that say the same, and labels that contradict each other."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from predictions.learning.features import Matrix

MIXERS_SEED: Final = 20_240_607  # any will do

type Flags = NDArray[np.bool_]
type Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ReviewerConflicts:
    """How one reviewer's labels agree with others of the same item or features.

    Of `n_labels`, `n_repeated` are of something that was judged more than once,
    `n_conflicting` of something that was also judged differently, `n_odd` differ from
    the label that most gave it (in a tie none is odd), and `n_with_self` differ from
    another label by the same reviewer.
    """

    reviewer: str
    n_labels: int
    n_repeated: int
    n_conflicting: int
    n_odd: int
    n_with_self: int


def same_features(matrix: Matrix) -> Indexes:
    """Return a group number per row of matrix [n, k]: equal rows have equal numbers.

    What is missing equals what is missing. A row that is missing throughout is alone:
    nothing is known of it.
    Source: own; rows are told apart by a 64-bit hash, then compared cell by cell.
    """
    n, k = matrix.shape
    if n == 0 or k == 0:
        return np.arange(n)
    # one pattern of bits for what is missing, and one for zero
    plain = np.where(np.isnan(matrix), np.nan, matrix) + 0.0
    bits = np.ascontiguousarray(plain).view(np.uint64).reshape(n, k)
    rng = np.random.default_rng(MIXERS_SEED)
    odd = rng.integers(0, 2**63, size=k, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = ((bits ^ (bits >> np.uint64(29))) * odd).sum(axis=1)
    _, first, groups = np.unique(hashes, return_index=True, return_inverse=True)
    is_alone = (bits != bits[first[groups]]).any(axis=1) | np.isnan(matrix).all(axis=1)
    groups[is_alone] = first.size + np.arange(int(is_alone.sum()))
    return np.asarray(groups, dtype=np.intp)


def conflicts(
    groups: Indexes, labels: Sequence[str], reviewers: Sequence[str | None]
) -> tuple[ReviewerConflicts, ...]:
    """Count, by reviewer, labels that others of the same group contradict.

    `groups`, `labels`, `reviewers` [n]; a label without a reviewer is held against
    others' but is nobody's.
    """
    codes, people = numbered(labels), numbered(reviewers)
    is_repeated = np.bincount(groups)[groups] > 1
    is_conflicting = n_kinds(groups, codes) > 1
    is_odd = _is_odd(groups, codes)
    is_with_self = n_kinds(pairs_of(groups, people), codes) > 1
    found = []
    for name in sorted({one for one in reviewers if one is not None}):
        own = people == people[reviewers.index(name)]
        counts = (is_repeated, is_conflicting, is_odd, is_with_self)
        n_of = [int(flags[own].sum()) for flags in counts]
        found.append(ReviewerConflicts(name, int(own.sum()), *n_of))
    return tuple(found)


def _is_odd(groups: Indexes, codes: Indexes) -> Flags:
    """Say of each row whether another label is the one most frequent in its group."""
    pairs = pairs_of(groups, codes)
    counts = np.bincount(pairs)[pairs]
    most = np.zeros(int(groups.max(initial=0)) + 1, dtype=np.intp)
    np.maximum.at(most, groups, counts)
    is_top = counts == most[groups]
    top_labels = n_kinds(groups[is_top], codes[is_top])
    is_tied = np.isin(groups, groups[is_top][top_labels > 1])
    return np.asarray(~is_top & ~is_tied)


def n_kinds(groups: Indexes, codes: Indexes) -> Indexes:
    """Return, for each of groups [n], how many different codes [n] it has."""
    _, first = np.unique(pairs_of(groups, codes), return_index=True)
    return np.asarray(np.bincount(groups[first])[groups], dtype=np.intp)


def pairs_of(first: Indexes, second: Indexes) -> Indexes:
    """Return a number for each pair of numbers, equal for equal ones, from 0 on."""
    combined = first * (int(second.max(initial=0)) + 1) + second
    return np.asarray(np.unique(combined, return_inverse=True)[1], dtype=np.intp)


def joined(first: Indexes, second: Indexes) -> Indexes:
    """Return groups [n] of rows that any chain of either grouping [n] connects."""
    n, shift = first.size, first.size + int(first.max(initial=0)) + 1
    ends = np.concatenate((n + first, shift + second))
    size = shift + int(second.max(initial=0)) + 1
    starts = np.concatenate((np.arange(n), np.arange(n)))
    sparse = scipy.sparse
    graph = sparse.csr_array((np.ones(2 * n), (starts, ends)), shape=(size, size))
    _, found = sparse.csgraph.connected_components(graph, directed=False)
    return np.asarray(found[:n], np.intp)


def numbered(values: Sequence[Hashable]) -> Indexes:
    """Return a number for each value, equal for equal ones, by first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(v, len(numbers)) for v in values], np.intp)
