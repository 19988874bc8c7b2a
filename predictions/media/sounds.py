"""Sound: WAV with PCM samples, read, cleaned and drawn. Pure."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.media.containers import broken
from predictions.media.terms import CleanMedia, Limits, MediaRefused

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT = slice(24, 26)
ENCODINGS = {2: "ADPCM", FLOAT: "floats", 6: "A-law", 7: "µ-law", 0x55: "MP3"}
BITS = (8, 16, 24, 32)
MAX_CHANNELS = 2
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000
N_PEAKS = 400
# Recorders that stream do not know the size when they write it.
_UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF})


@dataclass(frozen=True, slots=True)
class Encoding:
    """How samples are written; `n_bytes` of one sample of one channel."""

    channels: int
    sample_rate: int
    n_bytes: int

    @property
    def frame(self) -> int:
        return self.channels * self.n_bytes


def clean_sound(data: bytes, limits: Limits) -> CleanMedia:
    """Return a WAV of format and samples alone, with how long it is.

    Raises: MediaRefused (`encoding`, `seconds`, `empty`, `unreadable`).
    """
    encoding, samples = read_wav(data)
    seconds = len(samples) / encoding.frame / encoding.sample_rate
    if seconds > limits.max_seconds:
        words = f"{seconds:,.1f} s are more than the {limits.max_seconds:g} allowed"
        raise MediaRefused("seconds", round(seconds, 3), words)
    return CleanMedia(
        "audio",
        "audio/wav",
        write_wav(encoding, samples),
        seconds=seconds,
        sample_rate=encoding.sample_rate,
        channels=encoding.channels,
    )


def read_wav(data: bytes) -> tuple[Encoding, bytes]:
    """Return how a WAV is encoded, and its samples: whole frames, little-endian.

    Raises: MediaRefused (`encoding`, `empty`, `unreadable`).
    """
    if data[:4] != b"RIFF":
        words = f"a WAV of the kind {data[:4].decode('ascii', 'replace')} is not read"
        raise MediaRefused("encoding", data[:4].decode("ascii", "replace"), words)
    encoding: Encoding | None = None
    for name, body in _chunks(data):
        if name == b"fmt ":
            encoding = _encoding(body)
        elif name == b"data":
            if encoding is None:
                raise broken("samples come before their format")
            samples = body[: len(body) - len(body) % encoding.frame]
            if not samples:
                raise MediaRefused("empty", 0, "it holds no sound")
            return encoding, samples
    raise broken("it holds no samples")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(data):
        name = data[place : place + 4]
        (size,) = struct.unpack("<I", data[place + 4 : place + 8])
        rest = len(data) - place - 8
        if name == b"data" and size in _UNKNOWN_SIZES:
            size = rest
        if size > rest:
            raise broken("it ends too early")
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _encoding(body: bytes) -> Encoding:
    if len(body) < 16:
        raise broken("its format is cut off")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack("<H", body[_SUBFORMAT])
    if tag != PCM:
        name = ENCODINGS.get(tag, f"format {tag}")
        raise MediaRefused("encoding", name, f"{name} instead of PCM samples")
    if bits not in BITS:
        raise MediaRefused("encoding", bits, f"samples of {bits} bits are not read")
    if not 1 <= channels <= MAX_CHANNELS:
        words = f"{channels} channels, and one or two are taken"
        raise MediaRefused("channels", channels, words)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        words = (
            f"{rate:,} samples a second are not between "
            f"{LOWEST_RATE:,} and {HIGHEST_RATE:,}"
        )
        raise MediaRefused("sample_rate", rate, words)
    return Encoding(channels, rate, bits // 8)


def write_wav(encoding: Encoding, samples: bytes) -> bytes:
    """Return a WAV of these samples, whole frames as `encoding` says."""
    fmt = struct.pack(
        "<HHIIHH",
        PCM,
        encoding.channels,
        encoding.sample_rate,
        encoding.sample_rate * encoding.frame,
        encoding.frame,
        encoding.n_bytes * 8,
    )
    padding = b"\x00" * (len(samples) % 2)
    size = 4 + 8 + len(fmt) + 8 + len(samples) + len(padding)
    head = b"RIFF" + struct.pack("<I", size) + b"WAVE"
    body = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    return head + body + b"data" + struct.pack("<I", len(samples)) + samples + padding


def levels(encoding: Encoding, samples: bytes) -> NDArray[np.float64]:
    """Return the samples as floats in [-1, 1]: a row a frame, a column a channel."""
    raw = np.frombuffer(samples, dtype=np.uint8).reshape(-1, encoding.n_bytes)
    if encoding.n_bytes == 1:
        flat = (raw[:, 0].astype(np.float64) - 128) / 128
        return flat.reshape(-1, encoding.channels)
    wide = np.zeros((len(raw), 4), dtype=np.uint8)
    wide[:, 4 - encoding.n_bytes :] = raw
    whole = wide.view("<i4")[:, 0].astype(np.float64)
    return (whole / 2**31).reshape(-1, encoding.channels)


def waveform(data: bytes, *, n: int = N_PEAKS) -> list[float]:
    """Return the loudest level of each of `n` equal parts, in 0..1, 3 decimals.

    Of all channels together; shorter sounds have fewer parts.
    Raises: MediaRefused for what is no WAV that was kept.
    """
    encoding, samples = read_wav(data)
    loud = np.abs(levels(encoding, samples)).max(axis=1)
    begins = np.unique(
        np.linspace(0, len(loud), min(n, len(loud)) + 1)[:-1].astype(int)
    )
    return [round(float(one), 3) for one in np.maximum.reduceat(loud, begins)]
