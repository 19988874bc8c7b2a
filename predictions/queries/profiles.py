"""How unusual a value is against the recent items of its workflow."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Unusualness:
    """Shares of recent items, 0..1, that are lower than and the same as the value."""

    lower_share: float
    same_share: float
    n: int


def unusualness(
    profile: Mapping[str, Any], feature: str, value: object
) -> Unusualness | None:
    """Compare a value with the profile's quantiles or shares; None when unknown."""
    entry = profile.get(feature)
    if not entry or value is None or not entry["n"]:
        return None
    if "shares" in entry:
        key = str(value).lower() if isinstance(value, bool) else str(value)
        return Unusualness(0.0, float(entry["shares"].get(key, 0.0)), entry["n"])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    quantiles = cast("Sequence[float]", entry["quantiles"])
    low, high = bisect_left(quantiles, value), bisect_right(quantiles, value)
    return Unusualness(low / len(quantiles), (high - low) / len(quantiles), entry["n"])
