"""Values of a report that anybody's program may have written: what fits is read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

MANY = 2**63


@dataclass(frozen=True, slots=True)
class Share:
    """k of n, with the ends of its 95 % interval where they were reported."""

    k: int
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of n rows with its 95 % interval, where they were reported."""

    value: float
    low: float | None
    high: float | None
    n: int


def read_share(value: object) -> Share | None:
    """Read a rate; None unless k of n is possible."""
    rate = read_mapping(value)
    k, n = read_count(rate.get("k")), read_count(rate.get("n"))
    if k is None or n is None or k > n:
        return None
    return Share(k, n, read_number(rate.get("low")), read_number(rate.get("high")))


def read_mapping(value: object) -> Mapping[str, object]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def read_entries(value: object) -> Sequence[object]:
    """Return a list as it is, anything else as an empty one."""
    return value if isinstance(value, list | tuple) else ()


def read_text(value: object) -> str:
    """Return a text as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def read_number(value: object) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_count(value: object) -> int | None:
    """Return a whole number from 0 on, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < MANY else None


def read_moment(value: object) -> datetime | None:
    """Return a moment with its zone, or None."""
    try:
        moment = datetime.fromisoformat(read_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def read_estimate(value: object) -> Estimate | None:
    """Read a figure with its interval; None unless it and its n are there."""
    found = read_mapping(value)
    number, n = read_number(found.get("value")), read_count(found.get("n"))
    if number is None or n is None:
        return None
    return Estimate(
        number, read_number(found.get("low")), read_number(found.get("high")), n
    )


def range_words(low: float | None, high: float | None) -> str:
    """Say which values a column may have; empty where all may be."""
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {high:,.10g}"
    return f"at least {low:,.10g}" if high is None else f"{low:,.10g} to {high:,.10g}"
