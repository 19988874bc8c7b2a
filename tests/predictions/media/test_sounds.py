"""Sound: what is taken, what is taken out of it, and how loud it is."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.media.cleaning import cleaned
from predictions.media.sounds import Encoding, levels, read_wav, waveform, write_wav
from predictions.media.terms import Limits, MediaRefused
from tests.factories.media import SECRET, sound_file

LIMITS = Limits("audio", 10_000_000, max_seconds=2.0)


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav(*chunks: bytes, kind: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body)) + body


def fmt(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    fields = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    return chunk(b"fmt ", fields)


def test_only_format_and_samples_stay() -> None:
    samples = struct.pack("<4h", 1, -2, 3, -4)
    data = wav(
        chunk(b"LIST", b"INFOIART" + SECRET),
        fmt(),
        chunk(b"bext", SECRET),
        chunk(b"data", samples),
        chunk(b"id3 ", SECRET),
    )

    kept = cleaned(data + SECRET, LIMITS)

    assert kept.data == wav(fmt(), chunk(b"data", samples))
    assert (kept.seconds, kept.sample_rate, kept.channels) == (4 / 8000, 8000, 1)
    assert cleaned(kept.data, LIMITS) == kept


@pytest.mark.parametrize(
    ("data", "rule", "value"),
    [
        (wav(fmt(tag=3, bits=32), chunk(b"data", bytes(8))), "encoding", "floats"),
        (wav(fmt(tag=7, bits=8), chunk(b"data", bytes(8))), "encoding", "µ-law"),
        (wav(fmt(tag=0x55), chunk(b"data", bytes(8))), "encoding", "MP3"),
        (wav(fmt(bits=12), chunk(b"data", bytes(8))), "encoding", 12),
        (wav(fmt(channels=6), chunk(b"data", bytes(24))), "channels", 6),
        (wav(fmt(rate=100), chunk(b"data", bytes(8))), "sample_rate", 100),
        (wav(fmt(), chunk(b"data", bytes(32_002))), "seconds", 2.0),
        (wav(fmt(), chunk(b"LIST", b"x")), "unreadable", "it holds no samples"),
        (wav(chunk(b"data", b"xx")), "unreadable", "samples come before their format"),
        (wav(fmt(), b"data\x10\0\0\0abc"), "unreadable", "it ends too early"),
        (wav(fmt(), chunk(b"data", b"x")), "empty", 0),
        (wav(fmt(), chunk(b"data", b"xx"), kind=b"RIFX"), "encoding", "RIFX"),
        (b"ID3\x03", "media_type", "MP3"),
        (b"OggS", "media_type", "Ogg"),
        (b"fLaC", "media_type", "FLAC"),
        (b"\x1aE\xdf\xa3", "media_type", "WebM"),
        (b"\x89PNG\r\n\x1a\n", "media_type", "PNG"),
    ],
)
def test_a_foreign_format_gets_a_clear_answer(
    data: bytes, rule: str, value: object
) -> None:
    with pytest.raises(MediaRefused) as refused:
        cleaned(data, LIMITS)

    assert (refused.value.rule, refused.value.value) == (rule, value)
    assert refused.value.words


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_recorder_that_streams_does_not_know_its_size(size: int) -> None:
    data = wav(fmt(), b"data" + struct.pack("<I", size) + bytes(1600))

    assert cleaned(data, LIMITS).seconds == 0.1


def test_extensible_pcm_is_kept_as_plain_pcm() -> None:
    body = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16)
    body += struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    data = wav(chunk(b"fmt ", body), chunk(b"data", b"abcd"))

    assert cleaned(data, LIMITS).data == wav(fmt(), chunk(b"data", b"abcd"))


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
def test_levels_of_every_depth(bits: int, channels: int) -> None:
    data = sound_file(0.1, bits=bits, channels=channels)

    found = levels(*read_wav(data))

    assert found.shape == (800, channels)
    times = np.arange(800) / 8000
    expected = 0.5 * np.sin(2 * np.pi * 440 * times)
    assert np.abs(found - expected[:, None]).max() < 1.1 / 2 ** (min(bits, 24) - 1)


def test_peaks_are_the_loudest_of_equal_parts() -> None:
    samples = np.array([0, 16384, -32768, 0, 8192, 0, 0, 0], dtype="<i2")
    data = write_wav(Encoding(1, 8000, 2), samples.tobytes())

    assert waveform(data, n=4) == [0.5, 1.0, 0.25, 0.0]
    assert len(waveform(data)) == 8


@given(
    values=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=300),
    n=st.integers(1, 400),
)
def test_peaks_lie_in_the_unit_and_hold_the_loudest(values: list[int], n: int) -> None:
    data = write_wav(Encoding(1, 8000, 2), np.array(values, dtype="<i2").tobytes())

    peaks = waveform(data, n=n)

    assert len(peaks) == min(n, len(values))
    assert all(0 <= one <= 1 for one in peaks)
    assert max(peaks) == round(max(abs(one) for one in values) / 2**15, 3)


@given(junk=st.binary(max_size=200))
def test_whatever_follows_a_wav_head_is_refused_or_clean(junk: bytes) -> None:
    try:
        kept = cleaned(b"RIFF\0\0\0\0WAVE" + junk, LIMITS)
    except MediaRefused:
        return
    assert cleaned(kept.data, LIMITS) == kept
