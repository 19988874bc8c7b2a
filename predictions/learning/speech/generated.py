"""A voice that is generated: crude words for tests and first trials, and said to be so.

No person spoke them. Each word is a row of sounds with three formants (after the
averages of Peterson and Barney 1952) over a buzz or a hiss. A model that was trained
on them knows this voice alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import lfilter

from predictions.learning.speech.terms import RATE, Samples

# Of each sound: three formants in Hz, how voiced it is, how loud, and how long in ms.
type Phone = tuple[int, int, int, float, float, int]
_PHONES: Final[dict[str, Phone]] = {
    "i": (300, 2250, 2900, 1.0, 0.8, 130),
    "I": (400, 1950, 2550, 1.0, 0.8, 80),
    "E": (550, 1800, 2480, 1.0, 0.9, 110),
    "a": (700, 1700, 2400, 1.0, 1.0, 130),
    "A": (720, 1100, 2440, 1.0, 1.0, 130),
    "O": (560, 850, 2410, 1.0, 0.9, 140),
    "U": (320, 880, 2240, 1.0, 0.8, 130),
    "V": (620, 1200, 2390, 1.0, 0.9, 110),
    "w": (300, 650, 2200, 1.0, 0.5, 60),
    "r": (350, 1100, 1500, 1.0, 0.6, 70),
    "n": (280, 1500, 2500, 1.0, 0.35, 90),
    "v": (300, 1400, 2400, 0.6, 0.3, 60),
    "z": (300, 1900, 3000, 0.5, 0.3, 80),
    "s": (2800, 3300, 3700, 0.0, 0.35, 120),
    "f": (1200, 2400, 3500, 0.0, 0.15, 110),
    "T": (1500, 2600, 3400, 0.0, 0.15, 100),
    "h": (700, 1800, 2600, 0.0, 0.2, 60),
    "t": (2400, 3200, 3700, 0.0, 0.4, 35),
    "k": (1500, 2200, 2900, 0.0, 0.4, 40),
    "p": (600, 1300, 2300, 0.0, 0.35, 35),
    "b": (300, 800, 2200, 0.9, 0.4, 50),
    "-": (500, 1500, 2500, 0.0, 0.0, 45),
}
GENERATED_WORDS: Final = {
    "zero": "zIrO",
    "one": "wVn",
    "two": "tUU",
    "three": "Tri",
    "four": "fOr",
    "five": "fAIv",
    "six": "sI-ks",
    "seven": "sEvEn",
    "eight": "EI-t",
    "nine": "nAIn",
    "point": "pOIn-t",
    "batch": "ba-ts",
    "torque": "tOr-k",
    "count": "kAUn-t",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """Pitch in Hz, formants and time as multiples of the average, a seed of its own."""

    pitch: float
    size: float
    slowness: float
    seed: int


def voice(seed: int) -> Voice:
    """Return a voice that differs from others about as people's do."""
    rng = np.random.default_rng(seed)
    pitch, size = rng.uniform(90, 210), rng.uniform(0.9, 1.15)
    return Voice(pitch, size, rng.uniform(0.85, 1.25), seed)


def spoken_word(word: str, who: Voice, take: int) -> Samples:
    """Return one generated take of a word at `RATE`; equal arguments, equal samples.

    Raises: KeyError for a word that is not in `GENERATED_WORDS`.
    """
    rng = np.random.default_rng([who.seed, take, sum(map(ord, word))])
    pitch = who.pitch * rng.uniform(0.94, 1.06)
    parts = [_sound(_PHONES[one], pitch, who, rng) for one in GENERATED_WORDS[word]]
    whole = np.concatenate(parts)
    return np.asarray(0.5 * whole / np.abs(whole).max())


def spoken_entry(
    words: Sequence[str],
    who: Voice,
    *,
    seed: int,
    pauses_ms: Sequence[int] = (),
    noise: float = 0.001,
) -> Samples:
    """Return words in a row with a pause after each, 250 ms where none is given."""
    rng = np.random.default_rng([seed, who.seed])
    parts = [np.zeros(RATE // 3)]
    for place, word in enumerate(words):
        pause = pauses_ms[place] if place < len(pauses_ms) else 250
        take = int(rng.integers(1000, 2**31))
        parts += [spoken_word(word, who, take), np.zeros(RATE * pause // 1000)]
    whole = np.concatenate([*parts, np.zeros(RATE // 4)])
    return np.asarray(whole + rng.normal(0, noise, len(whole)))


def _sound(phone: Phone, pitch: float, who: Voice, rng: np.random.Generator) -> Samples:
    *formants, voiced, loud, milliseconds = phone
    n = int(RATE * milliseconds * who.slowness * rng.uniform(0.85, 1.15) / 1000)
    buzz = np.zeros(n)
    buzz[:: max(2, int(RATE / pitch))] = 1.0
    driven = voiced * buzz * 6 + (1 - voiced) * rng.normal(0, 1, n)
    for hertz in formants:
        centre = min(hertz * who.size * rng.uniform(0.97, 1.03), 0.47 * RATE)
        radius = np.exp(-np.pi * (60 + 0.06 * centre) / RATE)
        turn = 2 * radius * np.cos(2 * np.pi * centre / RATE)
        driven = lfilter([1 - radius], [1, -turn, radius**2], driven)
    strongest = np.abs(driven).max(initial=0.0)
    shaped = driven * np.hanning(n + 2)[1:-1] ** 0.25
    return np.asarray(loud * shaped / strongest if strongest else shaped)
