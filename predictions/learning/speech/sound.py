"""Recordings as samples of one rate, what is wrong with them, and where words are."""

from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np
from scipy.signal import resample_poly

from predictions.learning.speech.terms import RATE, Piece, Samples, Sound
from predictions.media.sounds import levels, read_wav

FRAME: Final = RATE // 100  # 10 ms
SILENT_DB: Final = -50.0  # words are louder than that, against full scale
FAINT_DB: Final = 9.0  # words stand out from what is around them by so much
MOST_CLIPPED: Final = 0.02
_CUT_OFF = 0.99
_SHORTEST, _PAUSE, _MARGIN = 8, 12, 2  # frames: of a word, between words, around one
_FLOOR_DB = -90.0


@dataclass(frozen=True, slots=True)
class Listened:
    """Where words are, and how they stand out; decibels are against full scale.

    `problem` is a key of `PROBLEMS`, or empty. Pieces count in samples.
    """

    pieces: tuple[Piece, ...]
    loudness_db: float
    noise_db: float
    problem: str


def open_sound(data: bytes) -> Sound:
    """Read a WAV with PCM samples; channels are averaged, any rate becomes `RATE`.

    Raises: MediaRefused for what is no such WAV.
    """
    encoding, raw = read_wav(data)
    sides = levels(encoding, raw)
    clipped = float((np.abs(sides) >= _CUT_OFF).mean())
    samples = came = sides.mean(axis=1)
    if encoding.sample_rate != RATE:
        shared = gcd(encoding.sample_rate, RATE)
        up, down = RATE // shared, encoding.sample_rate // shared
        samples = resample_poly(samples, up, down)
    rate = encoding.sample_rate
    if rate <= RATE:
        return Sound(samples, clipped)
    return Sound(samples, clipped, came, rate)


def listen(sound: Sound) -> Listened:
    """Find the words by their energy, and say why none can be read.

    A frame belongs to a word where it is louder than the quiet frames by a margin that
    grows with the loudest ones. Words are apart where it is quiet for 120 ms; so a
    speaker has to leave gaps. Source: own, after Rabiner and Sambur 1975.
    """
    decibels = _frames(sound.samples)
    quiet = float(np.percentile(decibels, 10))
    loud = float(np.percentile(decibels, 98))
    over = loud - quiet
    if loud < SILENT_DB:
        return Listened((), loud, quiet, "silence")
    if over < FAINT_DB:
        return Listened((), loud, quiet, "noise")
    threshold = max(quiet + max(4.0, 0.25 * over), loud - 36.0)
    pieces = _pieces(decibels > threshold)
    if not pieces:
        return Listened((), loud, quiet, "noise")
    spoken = sum(stop - start for start, stop in pieces) / len(sound.samples)
    problem = "clipped" if sound.clipped > MOST_CLIPPED * spoken else ""
    return Listened(pieces, loud, quiet, problem)


def _frames(samples: Samples) -> Samples:
    """Return the level of each 10 ms in decibels against full scale."""
    n = max(1, len(samples) // FRAME)
    whole = np.resize(samples, n * FRAME) if len(samples) < FRAME else samples
    power = (whole[: n * FRAME].reshape(n, FRAME) ** 2).mean(axis=1)
    decibels = 10 * np.log10(power + 10 ** (_FLOOR_DB / 10))
    return np.convolve(np.pad(decibels, 1, mode="edge"), np.ones(3) / 3, mode="valid")


def _pieces(is_loud: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> tuple[Piece, ...]:
    edges = np.diff(np.concatenate(([0], is_loud.astype(int), [0])))
    runs = list(
        zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    )
    merged: list[list[int]] = []
    for start, stop in runs:
        if merged and start - merged[-1][1] < _PAUSE:
            merged[-1][1] = int(stop)
        else:
            merged.append([int(start), int(stop)])
    return tuple(
        (max(0, start - _MARGIN) * FRAME, min(len(is_loud), stop + _MARGIN) * FRAME)
        for start, stop in merged
        if stop - start >= _SHORTEST
    )
