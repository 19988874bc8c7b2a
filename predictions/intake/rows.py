"""Rows on their way in."""

from dataclasses import dataclass
from typing import NamedTuple

from predictions.declaration import FieldError


class ValidItem(NamedTuple):
    """An item that may be stored. A named tuple, for they are made by the million.

    `position` is its index in what was sent. `features` is canonical JSON (sorted
    keys); `moment` is when it occurred, in microseconds since 1970. `content_hash`
    (SHA-256) is over both: what makes two sendings of one external id the same.
    """

    position: int
    external_id: str
    features: bytes
    content_hash: bytes
    subject: str
    moment: int
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """What may not be stored, as it came, with every reason."""

    index: int
    external_id: str | None
    payload: object
    errors: list[FieldError]


@dataclass(frozen=True, slots=True)
class Validated:
    """Accepted and rejected items; each knows its index in what was sent."""

    accepted: list[ValidItem]
    rejected: list[RejectedItem]
