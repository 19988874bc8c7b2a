"""What a sound is, what was heard in it, and what makes it unfit to be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

RATE: Final = (
    8000  # samples a second; recordings are brought to it before anything else
)
DIGITS: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)
POINT: Final = "point"
# Why a recording cannot be read, in the words that people get.
PROBLEMS: Final = {
    "silence": "Nothing can be heard in it.",
    "noise": "Noise, and no words that stand out from it.",
    "clipped": "It was recorded too loud: the loudest parts are cut off.",
}

type Samples = NDArray[np.float64]
type Piece = tuple[int, int]  # first sample, and the one after the last


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel of samples in [-1, 1] at `RATE`; `clipped`: share cut off, 0..1.

    `wide` is the same at the rate at which it came, where that is higher.
    """

    samples: Samples
    clipped: float
    wide: Samples | None = None
    wide_rate: int = RATE

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was heard, where, and the calibrated chance that it is right."""

    text: str
    confidence: float
    start_ms: int
    end_ms: int


class Unheard(Exception):
    """The recogniser cannot be asked; the message says what is missing."""


class Recogniser(Protocol):
    """Whatever turns a sound into words of its vocabulary."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that it can hear."""

    def hear(self, sound: Sound) -> Sequence[Word]:
        """Return the words in their order; none where nothing was said."""
