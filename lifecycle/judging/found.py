"""What one look of a monitor comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lifecycle.enums import ReadingVerdict


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict, the sentence that says it, and what the page shows beside it.

    `value` is in the monitor's unit, None where nothing could be said; `n` is how many
    items, decisions or rows it rests on. `says` goes into notices and mails: it names
    features and shares, never the values of an item.
    """

    verdict: ReadingVerdict
    says: str
    value: float | None = None
    n: int = 0
    data: Mapping[str, object] = field(default_factory=dict)


def fine(says: str, value: float | None, n: int = 0, **data: object) -> Found:
    return Found(ReadingVerdict.FINE, says, value, n, data)


def alarm(says: str, value: float | None, n: int = 0, **data: object) -> Found:
    return Found(ReadingVerdict.ALARM, says, value, n, data)


def too_few(says: str, n: int = 0, **data: object) -> Found:
    return Found(ReadingVerdict.TOO_FEW, says, None, n, data)


def silent(says: str) -> Found:
    return Found(ReadingVerdict.SILENT, says)


def at_most(says: str, value: float, limit: float, n: int = 0, **data: object) -> Found:
    """Raise an alarm above the limit; 0 is no limit."""
    judge = alarm if limit and value > limit else fine
    return judge(says, value, n, **data)
