"""Who is sent to people: the rule, the known probability, the replayable draw."""

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
    *, confidence: float | None, is_positive: bool, fp_cost: float, fn_cost: float
) -> float:
    """Return the expected cost of letting the recommendation stand, in currency.

    A wrong positive costs a false positive, a wrong negative a false negative.
    Without a confidence the dearer of the two is assumed for certain.
    Source: own.
    """
    if confidence is None:
        return max(fp_cost, fn_cost)
    return (1 - confidence) * (fp_cost if is_positive else fn_cost)
