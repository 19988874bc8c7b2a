"""Who is sent to people: the rule, the known probability, the replayable draw."""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID


def draw(item_id: UUID, *, seed: int, purpose: str) -> float:
    """Return a number in [0, 1), uniform over items, the same at every replay.

    Draws for different purposes or seeds are independent.
    Source: own; 53 bits of BLAKE2b over purpose, seed and item id.
    """
    key = f"{purpose}:{seed}".encode()
    digest = blake2b(item_id.bytes, digest_size=8, key=key[:64]).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def part_of(number: float, shares: Sequence[float]) -> int | None:
    """Return in whose part a number of [0, 1) falls; None beyond all of them.

    The parts lie side by side from 0 on, each as long as its share.
    """
    end = 0.0
    for index, share in enumerate(shares):
        end += share
        if number < end:
            return index
    return None


def is_sent_by_rule(probability: float, *, mode: str, low: float, high: float) -> bool:
    """Say whether the policy's rule sends a probability in 0..1 to people.

    `all`: always; `above`: probability ≥ low; `between`: low ≤ probability < high.
    Raises: ValueError for another mode.
    """
    if mode == "all":
        return True
    if mode == "above":
        return probability >= low
    if mode == "between":
        return low <= probability < high
    msg = f"Unknown policy mode {mode!r}."
    raise ValueError(msg)


def expected_cost(
    *, confidence: float | None, error_cost: float, greatest: float
) -> float:
    """Return the expected cost of letting the recommendation stand, in currency.

    `error_cost` is what it costs where it is wrong. Without a confidence the greatest
    cost of any error is assumed for certain.
    Source: own.
    """
    return greatest if confidence is None else (1 - confidence) * error_cost
