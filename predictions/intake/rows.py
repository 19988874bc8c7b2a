"""Rows on their way in."""

from dataclasses import dataclass
from datetime import datetime

from predictions.declaration import FieldError


@dataclass(frozen=True, slots=True)
class ValidItem:
    """An item that may be stored.

    `features_json` is canonical (sorted keys); `content_hash` (32 bytes, SHA-256) is
    over features and moment: what makes two sendings of one external id the same.
    """

    external_id: str
    features_json: str
    content_hash: bytes
    subject: str
    occurred_at: datetime
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
    """Accepted and rejected items with their index in what was sent."""

    accepted: list["IndexedItem"]
    rejected: list[RejectedItem]


@dataclass(frozen=True, slots=True)
class IndexedItem:
    index: int
    item: ValidItem
