"""Rows on their way in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from predictions.declaration import FieldError


class ValidItem(NamedTuple):
    """An item that may be stored. A named tuple, for they are made by the million.

    `position` is its index in what was sent. `features` is canonical JSON (sorted
    keys); `moment` is when it occurred, in microseconds since 1970. `content_hash`
    (SHA-256) is over both: what makes two sendings of one external id the same.
    `media` is the file of each slot; the hash covers their hashes once they are known,
    and so it does the site.
    """

    position: int
    external_id: str
    features: bytes
    content_hash: bytes
    subject: str
    moment: int
    warnings: list[str]
    media: Mapping[str, UUID] = {}  # never changed: one for all items without any
    site: str = ""  # as it was sent: the key
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """What may not be stored, as it came, with every reason."""

    index: int
    external_id: str | None
    payload: object
    errors: list[FieldError]
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """Accepted and rejected items; each knows its index in what was sent."""

    accepted: list[ValidItem]
    rejected: list[RejectedItem]
