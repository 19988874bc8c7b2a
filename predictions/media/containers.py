"""Take metadata out of image files without touching a pixel. Pure.

The containers are walked and rewritten; what is compressed inside is copied as it is.
So the same picture always gives the same bytes, whatever encoder is installed.
"""

import struct
from collections.abc import Iterator

from predictions.media.terms import MediaRefused

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
# What the picture needs, and what its colours need.
_PNG_KEPT = frozenset(
    {
        *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"),
        *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT"),
    }
)
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"})
_WEBP_METADATA_FLAGS = 0x08 | 0x04  # EXIF, XMP
_JFIF = b"JFIF\x00"
_ICC = b"ICC_PROFILE\x00"
_ADOBE = b"Adobe"
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
MAX_SCANS = 100  # encoders write ten
_APP0, _APP2, _APP14 = 0xE0, 0xE2, 0xEE
# Frames, tables and scans: what a decoder skips may hold anything, DNL too.
_PICTURE = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDD, _SOS}) - {0xC8}


def broken(why: str) -> MediaRefused:
    """Return the refusal of a file that cannot be read to its end."""
    return MediaRefused("unreadable", why, f"the file is broken: {why}")


def animated() -> MediaRefused:
    """Return the refusal of a file with more pictures than one."""
    words = "the file holds several pictures, and one is taken"
    return MediaRefused("frames", "several", words)


def stripped_png(data: bytes) -> bytes:
    """Return a PNG without text, moments, EXIF and what stands behind its end.

    Raises: MediaRefused when it is cut off or animated.
    """
    kept = [PNG_BEGINNING]
    for name, chunk in _png_chunks(data):
        if name == b"acTL":
            raise animated()
        if name in _PNG_KEPT:
            kept.append(chunk)
    return b"".join(kept)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(PNG_BEGINNING)
    while True:
        head = data[place : place + 8]
        if len(head) < 8:
            raise broken("it ends too early")
        (size,) = struct.unpack(">I", head[:4])
        end = place + 12 + size
        if end > len(data):
            raise broken("it ends too early")
        yield head[4:8], data[place:end]
        if head[4:8] == b"IEND":
            return
        place = end


def stripped_webp(data: bytes) -> bytes:
    """Return a WebP without EXIF, XMP and what no reader knows.

    Raises: MediaRefused when it is cut off or animated.
    """
    (size,) = struct.unpack("<I", data[4:8])
    if size + 8 > len(data):
        raise broken("it ends too early")
    kept = []
    for name, body in _riff_chunks(data, end=size + 8):
        if name in {b"ANIM", b"ANMF"}:
            raise animated()
        if name not in _WEBP_KEPT:
            continue
        if name == b"VP8X" and body:
            body = bytes([body[0] & ~_WEBP_METADATA_FLAGS & 0xFF]) + body[1:]
        padding = b"\x00" * (len(body) % 2)
        kept.append(name + struct.pack("<I", len(body)) + body + padding)
    rest = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(rest)) + rest


def _riff_chunks(data: bytes, *, end: int) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= end:
        name = data[place : place + 4]
        (size,) = struct.unpack("<I", data[place + 4 : place + 8])
        body = data[place + 8 : place + 8 + size]
        if place + 8 + size > end:
            raise broken("it ends too early")
        yield name, body
        place += 8 + size + size % 2


def stripped_jpeg(data: bytes) -> bytes:
    """Return a JPEG without EXIF, XMP, IPTC, comments and embedded thumbnails.

    What stands behind its end goes as well: further pictures, films, anything.
    Raises: MediaRefused when it is cut off, or has so many scans that decoding them,
    each a pass over the whole picture, would take minutes.
    """
    kept = [b"\xff\xd8"]
    place, n_scans = 2, 0
    while True:
        marker, place = _next_marker(data, place)
        if marker == _EOI:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        if marker == 0x01 or 0xD0 <= marker <= _SOI:
            kept.append(bytes([0xFF, marker]))
            continue
        if place + 2 > len(data):
            raise broken("it ends too early")
        (size,) = struct.unpack(">H", data[place : place + 2])
        body = data[place + 2 : place + size]
        if size < 2 or len(body) != size - 2:
            raise broken("it ends too early")
        place += size
        kept += _kept_segment(marker, body)
        if marker == _SOS:
            n_scans += 1
            if n_scans > MAX_SCANS:
                raise broken(f"it holds more than {MAX_SCANS} scans")
            end = _end_of_scan(data, place)
            kept.append(data[place:end])
            place = end


def _next_marker(data: bytes, place: int) -> tuple[int, int]:
    if place >= len(data) or data[place] != 0xFF:
        raise broken("it ends too early" if place >= len(data) else "no marker")
    while place < len(data) and data[place] == 0xFF:
        place += 1
    if place >= len(data):
        raise broken("it ends too early")
    return data[place], place + 1


def _kept_segment(marker: int, body: bytes) -> list[bytes]:
    """Return the segment as it is kept: nothing, where it is no part of the picture."""
    is_jfif = marker == _APP0 and body.startswith(_JFIF) and len(body) >= 14
    is_profile = marker == _APP2 and body.startswith(_ICC)
    is_colours = marker == _APP14 and body.startswith(_ADOBE)
    if not (is_jfif or is_profile or is_colours or marker in _PICTURE):
        return []
    if is_jfif:
        body = body[:12] + b"\x00\x00"  # its thumbnail goes
    return [bytes([0xFF, marker]), struct.pack(">H", len(body) + 2), body]


def _end_of_scan(data: bytes, place: int) -> int:
    """Return where the next marker stands; escaped bytes and restarts are data."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            raise broken("it ends too early")
        following = data[place + 1]
        if following == 0x00 or 0xD0 <= following <= 0xD7:
            place += 2
        elif following == 0xFF:
            place += 1
        else:
            return place
