"""How far down a new champion's segment may start, by what it said in shadow."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from reviewqueue.trust.bounds import Weighted, weighted_upper_bound

# Of a segment's share of delta; the rest is for its own evidence.
SHADOW_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class ShadowTerms:
    """What is asked of the shadow evidence of one segment; rates and shares in 0..1.

    `delta` is what this look may spend; `min_reviews` are needed for each step of a
    ladder of `n_levels`.
    """

    tolerated: float
    delta: float
    min_reviews: int
    n_levels: int


@dataclass(frozen=True, slots=True)
class ShadowStanding:
    """What was found; the segment may start at `level` of the ladder (0: review all).

    The error rate over all its items, seen or not, is at most `bound`, with probability
    1 - delta.
    """

    reviews: int
    errors: int
    bound: float
    level: int


def judge_shadow(seen: Weighted, terms: ShadowTerms) -> ShadowStanding:
    """Judge a segment by reviewed items that its version predicted in shadow.

    Steps down one level for each `min_reviews` if the bound is at or under the
    tolerated rate, and never to the last: at the audit floor a mistake is found last.
    Raises: as the bound. Source: own rule over `weighted_upper_bound`.
    """
    reviews, errors = int(seen.reviews.sum()), int(seen.errors.sum())
    bound = weighted_upper_bound(seen, delta=terms.delta)
    level = 0
    if bound <= terms.tolerated:
        level = min(reviews // terms.min_reviews, max(terms.n_levels - 2, 0))
    return ShadowStanding(reviews, errors, bound, level)


def can_start_lower(seen: Weighted, terms: ShadowTerms) -> bool:
    """Say whether these reviews would do if none of them had found an error.

    Looks at no truth, so that saying no costs no confidence.
    """
    clean = Weighted(seen.probabilities, seen.reviews, np.zeros_like(seen.errors))
    return judge_shadow(clean, terms).level > 0
