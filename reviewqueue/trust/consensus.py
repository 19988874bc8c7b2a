"""What several people's judgements say together, and how well each person judges."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from reviewqueue.trust.agreement import Judgements

# What is believed of a person before any judgement: right twice, wrong once.
PRIOR_RIGHT: Final = 2.0
PRIOR_WRONG: Final = 1.0
TOLERANCE: Final = 1e-5
MAX_ITERATIONS: Final = 2000
# An iteration over many labels and people is slow: no more are begun once they have
# gone over so many numbers, but so many are made in any case.
MAX_WORK: Final = 30_000_000
MIN_ITERATIONS: Final = 30

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Sparse = scipy.sparse.csr_array


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the judgements say together; names and order as in `Judgements`.

    `posteriors` [items, labels]: how probable each label is; rows sum to 1.
    `confusion` [people, labels, labels]: how probable it is that a person says the
    last label where the middle one is true; rows sum to 1.
    `prevalence` [labels] sums to 1. Unless `has_converged`, all three are where the
    iteration was stopped, and not to be relied on.
    """

    posteriors: Floats
    confusion: Floats
    prevalence: Floats
    n_iterations: int
    has_converged: bool


def dawid_skene(seen: Judgements) -> Consensus:
    """Estimate the true labels and what each person confuses, without any truth.

    Believed beforehand of everyone, on each label: seen right twice and wrong once
    (spread over the other labels); of the labels: one item more, spread evenly. So a
    person with few judgements stays near two in three, and labels keep their meaning.
    People are taken to err independently: what they err on together, such as a
    recommendation that all have seen, is taken for truth. Starts from the shares of
    votes; has converged when no posterior moves by more than 1e-5, and stops after
    2000 iterations; with many labels and people sooner, so that it ends in seconds.
    No judgements give empty arrays.
    Source: Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates
    using the EM algorithm"; with the pseudo-counts, the mode of the posterior.
    """
    n_people, n_labels = seen.person_names.size, seen.label_names.size
    if n_labels == 0:
        return Consensus(np.zeros((0, 0)), np.zeros((0, 0, 0)), np.zeros(0), 0, True)
    said, counts, kind_of_item = _kinds_of_items(seen)
    votes = said @ np.tile(np.eye(n_labels), (n_people, 1))
    posteriors = votes / votes.sum(axis=1, keepdims=True)
    moved, iteration, most = math.inf, 0, _most_iterations(said, n_people, n_labels)
    while moved > TOLERANCE and iteration < most:
        confusion, prevalence = _maximise(said, posteriors * counts[:, None])
        before, posteriors = posteriors, _expect(said, confusion, prevalence)
        moved, iteration = float(np.abs(posteriors - before).max()), iteration + 1
    return Consensus(
        posteriors[kind_of_item], confusion, prevalence, iteration, moved <= TOLERANCE
    )


def expected_accuracy(seen: Judgements, found: Consensus) -> Floats:
    """Return how probable what each person said is, on average, [people], in 0..1.

    What Dawid and Skene's estimate makes of each person: the expected share of right
    answers among those given. NaN throughout unless it has converged. There is no
    interval: how far the estimate itself is off is not known without truth.
    """
    if not found.has_converged:
        return np.full(seen.person_names.size, np.nan)
    right = found.posteriors[seen.items, seen.labels]
    sums = np.bincount(seen.people, right, minlength=seen.person_names.size)
    return np.asarray(sums / judgements_of_each(seen))


def discernment(found: Consensus) -> Floats:
    """Return how well each person tells labels apart, [people], at most 1.

    0: says the same whatever is true, as who always gives one label or guesses; 1: says
    what is true. However often one is right by saying the common label, it does not
    count. NaN throughout unless the estimate has converged, and with one label.
    Source: own, for more labels; of two it is Youden's index, 1950.
    """
    n_people, n_labels, _ = found.confusion.shape
    if not found.has_converged or n_labels < 2:
        return np.full(n_people, np.nan)
    right = np.trace(found.confusion, axis1=1, axis2=2)
    return np.asarray((right - 1) / (n_labels - 1), dtype=np.float64)


def judgements_of_each(seen: Judgements) -> Ints:
    """Return how many judgements each person made, [people]."""
    return np.bincount(seen.people, minlength=seen.person_names.size)


def _most_iterations(said: Sparse, n_people: int, n_labels: int) -> int:
    per_iteration = int(said.nnz) * n_labels + n_people * n_labels**2
    return min(MAX_ITERATIONS, max(MIN_ITERATIONS, MAX_WORK // per_iteration))


def _kinds_of_items(seen: Judgements) -> tuple[Sparse, Floats, Ints]:
    """Group the items on which the same people said the same.

    Returns: 1 where a kind got a label from a person [kinds, people * labels], how
    many items are of each kind [kinds], the kind of each item [items]. Many items are
    of few kinds, and the estimate is the same.
    """
    n_labels = seen.label_names.size
    cells = seen.people * n_labels + seen.labels
    order = np.lexsort((cells, seen.items))
    items, cells = seen.items[order], cells[order]
    sizes = np.bincount(items)
    position = np.arange(items.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.full((sizes.size, int(sizes.max())), -1)
    rows[items, position] = cells
    kinds, kind_of_item, counts = np.unique(
        rows, axis=0, return_inverse=True, return_counts=True
    )
    kind, place = np.nonzero(kinds >= 0)
    said = scipy.sparse.csr_array(
        (np.ones(kind.size), (kind, kinds[kind, place])),
        shape=(len(kinds), seen.person_names.size * n_labels),
    )
    return said, counts.astype(np.float64), kind_of_item


def _maximise(said: Sparse, weights: Floats) -> tuple[Floats, Floats]:
    """Return confusions and prevalence where the kinds' true labels weigh `weights`."""
    n = weights.shape[1]
    prior = np.full((n, n), PRIOR_WRONG / max(n - 1, 1))
    np.fill_diagonal(prior, PRIOR_RIGHT)
    # the product is by person, said, true
    counts = (said.T @ weights).reshape(-1, n, n).transpose(0, 2, 1) + prior
    prevalence = weights.sum(axis=0) + 1 / n
    return counts / counts.sum(axis=2, keepdims=True), prevalence / prevalence.sum()


def _expect(said: Sparse, confusion: Floats, prevalence: Floats) -> Floats:
    """Return how probable each label is for each kind, [kinds, labels]."""
    n = prevalence.size
    logs = said @ np.log(confusion).transpose(0, 2, 1).reshape(-1, n)
    logs += np.log(prevalence)
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))
