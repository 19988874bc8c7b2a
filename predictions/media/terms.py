"""What a file of media may be, what it is found to be, and why it is refused."""

from dataclasses import dataclass
from typing import Literal

from predictions.declaration import FieldError

type Kind = Literal["image", "audio"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a slot takes. `max_pixels` is for images, `max_seconds` for sound."""

    kind: Kind
    max_bytes: int
    max_pixels: int = 0
    max_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CleanMedia:
    """A file as it is kept: without metadata, verified, measured.

    `width` and `height` in pixels are of images; `seconds`, `sample_rate` (Hz) and
    `channels` of sound; the others are None.
    """

    kind: Kind
    content_type: str
    data: bytes
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    sample_rate: int | None = None
    channels: int | None = None


class MediaRefused(ValueError):
    """The file breaks a rule; `rule` and `value` are for programs."""

    def __init__(self, rule: str, value: object, words: str) -> None:
        super().__init__(words)
        self.rule, self.value, self.words = rule, value, words

    def error(self, field: str) -> FieldError:
        """Return the broken rule of a field."""
        return FieldError(field, self.rule, self.value, f"{field}: {self.words}")
