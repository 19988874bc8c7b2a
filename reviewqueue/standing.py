"""Where a value stands: within its usual range or not, and how it has moved.

Pure: plain data in, plain data out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from predictions.declaration_features import Feature, Reference
from ui import numbers

type Side = Literal["below", "within", "above"]
MAX_POINTS: Final = 8
# Beside its word: never by colour alone.
MARKS: Final[Mapping[Side, str]] = {"below": "▼", "within": "✓", "above": "▲"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A value against its usual range; `words` names the range with its unit."""

    side: Side
    words: str

    @property
    def mark(self) -> str:
        return MARKS[self.side]

    @property
    def is_off(self) -> bool:
        return self.side != "within"


@dataclass(frozen=True, slots=True)
class Trend:
    """How a subject's value has moved; `points` are 0..1, the oldest first."""

    words: str
    points: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier item of the same subject held, and when."""

    at: datetime
    features: Mapping[str, Any]


def standing_of(feature: Feature, features: Mapping[str, Any]) -> Standing | None:
    """Hold a value against the first range that is for its item; None without one."""
    value = _number(features.get(feature.name))
    found = (one for one in feature.reference if one.is_for(features.get(one.of or "")))
    part = next(found, None)
    if value is None or part is None:
        return None
    side: Side = "within"
    if part.low is not None and value < part.low:
        side = "below"
    elif part.high is not None and value > part.high:
        side = "above"
    return Standing(side, f"{_preposition(side, part)} {_range(part, feature)}")


def trend_of(
    feature: Feature, value: object, *, at: datetime, earlier: Sequence[Earlier]
) -> Trend | None:
    """Say how a value has moved since the newest earlier one; None where none is known.

    `earlier` in any order; the newest eight values are drawn, this one among them.
    """
    now = _number(value)
    known = [
        (one.at, number)
        for one in sorted(earlier, key=lambda one: one.at)
        if (number := _number(one.features.get(feature.name))) is not None
    ]
    if not feature.show.trend or now is None or not known:
        return None
    before_at, before = known[-1]
    ago = numbers.duration((at - before_at).total_seconds())
    moved = "→ as" if now == before else "↗ up from" if now > before else "↘ down from"
    words = f"{moved} {numbers.thousands(before, feature.show.decimals)}, {ago} before"
    values = [*(number for _, number in known), now]
    return Trend(words, _scaled(values[-MAX_POINTS:]))


def _preposition(side: Side, part: Reference) -> str:
    """Say "within" of a range that is open at an end as people do."""
    if side != "within" or (part.low is not None and part.high is not None):
        return side
    return "from" if part.high is None else "up to"


def _scaled(values: Sequence[float]) -> tuple[float, ...]:
    low, high = min(values), max(values)
    if high == low:
        return tuple(0.5 for _ in values)
    return tuple((one - low) / (high - low) for one in values)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _range(part: Reference, feature: Feature) -> str:
    low, high = (
        None if end is None else numbers.thousands(end, _digits(end, feature))
        for end in (part.low, part.high)
    )
    ends = [one for one in (low, high) if one is not None]
    return f"{' to '.join(ends)} {feature.unit}".strip()


def _digits(end: float, feature: Feature) -> int | None:
    return 0 if end == int(end) and not feature.show.decimals else feature.show.decimals
