"""What the parts of a decision, its label and its fields, ask of people together.

Each part has segments of its own. An item goes to people as often as the part wants it
that wants it most, by one draw. For each part the items with a draw below what it asked
for itself are a plain sample of its segment, as if there were no other part; what
people saw because of another part is no evidence for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REVIEW_ALL = 1.0


@dataclass(frozen=True, slots=True)
class Together[T]:
    """Items whose parts were in these segments: how many, and how many passed."""

    segments: tuple[T, ...]
    n: int
    n_auto: int


def asked_together(probabilities: Sequence[float | None]) -> float:
    """Return the review probability of an item, 0..1, from what its parts ask for.

    The largest; 1 where a part is in no segment (None), because it has earned nothing.
    Raises: ValueError without any part. Source: own.
    """
    return max(REVIEW_ALL if one is None else one for one in probabilities)


def is_own(draw: float, probability: float) -> bool:
    """Say whether a part's own review probability sends an item to people."""
    return draw < probability


def passing[T](
    groups: Sequence[Together[T]], probabilities: Mapping[T, float]
) -> dict[T, float]:
    """Return how many items of each segment pass, in the mean, at these probabilities.

    A segment that is not in `probabilities` is one at review all. Source: own.
    """
    found = dict.fromkeys(probabilities, 0.0)
    for group in groups:
        share = asked_together([probabilities.get(one) for one in group.segments])
        for one in group.segments:
            if one in found:
                found[one] += group.n * (1 - share)
    return found


def reviews_saved[T](
    groups: Sequence[Together[T]],
    probabilities: Mapping[T, float],
    *,
    moved: T,
    to: float,
) -> float:
    """Return how many items fewer people see where one segment asks for less.

    None fewer where another part goes on asking for them. Source: own.
    """
    after = {**probabilities, moved: to}
    saved = 0.0
    for group in groups:
        if moved in group.segments:
            before = asked_together([probabilities.get(one) for one in group.segments])
            saved += group.n * (
                before - asked_together([after.get(one) for one in group.segments])
            )
    return max(saved, 0.0)


def errors_at_most(
    *, n: int, probability: float, bound: float, n_passing: float
) -> float:
    """Return how many errors of a part its segment lets through, at most, in the mean.

    Of n items the part itself lets 1 - `probability` pass, and other parts only fewer:
    among what passes are at most that share of the segment's errors, and never more
    errors than items. Source: own.
    """
    return min(n * (1 - probability) * bound, n_passing)


def errors_added[T](
    groups: Sequence[Together[T]],
    standings: Mapping[T, tuple[int, float, float]],
    *,
    moved: T,
    to: float,
    n_saved: float,
) -> float:
    """Return how many more items with any error pass, at most, where one asks for less.

    `standings`: items, review probability and bound of each segment; `n_saved` items
    that people see no more. Of a segment that shares items with the one that moves, no
    larger share passes in addition than the step is wide, nor than the segment itself
    lets pass; and no more items are wrong than pass. Source: own.
    """
    step = standings[moved][1] - to
    beside = {
        one for group in groups if moved in group.segments for one in group.segments
    }
    errors = 0.0
    for one in beside & standings.keys():
        n, probability, bound = standings[one]
        own = step if one == moved else min(step, 1 - probability)
        errors += n * max(own, 0.0) * bound
    return min(errors, n_saved)


def sharing(n_parts: int, n_segments: int) -> int:
    """Return among how many segments delta is shared, seen from a part with so many.

    Each part has the same share, so that one can be cut anew without the others.
    """
    return max(n_parts, 1) * max(n_segments, 1)
