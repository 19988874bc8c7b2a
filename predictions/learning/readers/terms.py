"""What a reader gives: the columns that it declares, and what it read of one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that a reader measures: always a number, missing where there is none."""

    name: str
    title: str
    unit: str = ""
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    decimals: int = 2
    group: str = ""
    important: bool = False
    format: Literal["plain", "percent"] = "plain"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one file.

    `values` by the names of the reader's columns; what could not be measured is left
    out. `evidence` is JSON data: what people are shown of how it was measured.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Unreadable(Exception):
    """The file is nothing that this reader can read; the message names no content."""
