"""What a workflow declares of its images and sound, and how long they are kept."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from predictions.declaration_parts import Flag, Number, Part, Whole
from predictions.learning.readers.catalogue import READERS, Reader

MAX_SLOTS = 10
MOST_BYTES = 100_000_000  # a file is held in memory while it is looked at
MOST_PIXELS = 100_000_000
MOST_SECONDS = 3600
_DEFAULT_PIXELS = 25_000_000
_DEFAULT_SECONDS = 120.0


class MediaSlot(Part):
    """One image or sound that an item may bring."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")
    title: str = Field(default="", max_length=100)
    kind: Literal["image", "audio"]
    required: Flag = False
    max_bytes: Whole = Field(default=20_000_000, ge=1, le=MOST_BYTES)
    max_pixels: Whole | None = Field(default=None, ge=1, le=MOST_PIXELS)
    max_seconds: Number | None = Field(default=None, gt=0, le=MOST_SECONDS)
    measure: str | None = None  # the name of a reader

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "audio" and self.max_pixels is not None:
            raise ValueError("max_pixels is for images; sound has max_seconds")
        if self.kind == "image" and self.max_seconds is not None:
            raise ValueError("max_seconds is for sound; an image has max_pixels")
        if self.measure is not None:
            self._check_reader(self.measure)
        return self

    def _check_reader(self, name: str) -> None:
        known = [one.name for one in READERS.values() if one.kind == self.kind]
        if name not in known:
            listed = ", ".join(known) or "none"
            raise ValueError(f"measure: {self.kind} is read by: {listed}")

    @property
    def reader(self) -> Reader | None:
        """What measures the files in this slot, if anything does."""
        return READERS[self.measure] if self.measure else None

    def column(self, name: str) -> str:
        """Name the feature that a column of the reader becomes."""
        return f"{self.name}_{name}"

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def pixels(self) -> int:
        """The most pixels of an image; 0 for sound."""
        return 0 if self.kind == "audio" else self.max_pixels or _DEFAULT_PIXELS

    @property
    def seconds(self) -> float:
        """The longest sound; 0 for an image."""
        return 0.0 if self.kind == "image" else self.max_seconds or _DEFAULT_SECONDS


class Retention(Part):
    """How long what came in is kept; 0 is for ever."""

    media_days: Whole = Field(default=0, ge=0, le=36_500)


def check_slots(slots: Sequence[MediaSlot]) -> None:
    """Raises: ValueError for a name that stands twice."""
    names = [slot.name for slot in slots]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"media: a name stands twice: {', '.join(twice)}")
