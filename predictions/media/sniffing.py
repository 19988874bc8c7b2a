"""Say what a file is by its first bytes, never by its name. Pure."""

import re
from typing import Final

PNG: Final = "PNG"
JPEG: Final = "JPEG"
WEBP: Final = "WebP"
TIFF: Final = "TIFF"
WAV: Final = "WAV"
UNKNOWN: Final = "something else"
LOOK_AT = 1024  # bytes of the beginning

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"fLaC", "FLAC"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf3", "MP3"),
    (b"\xff\xf2", "MP3"),
    (b"\x1aE\xdf\xa3", "WebM"),
    (b"FORM", "AIFF"),
    (b"caff", "CAF"),
    (b"#!AMR", "AMR"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"8BPS", "PSD"),
    (b"\xff\n", "JPEG XL"),
)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"mif1": "HEIC"}
_MARKUP = re.compile(rb"<\s*(svg|!doctype\s+html|html|script|body|head|\?xml)", re.I)


def format_of(head: bytes) -> str:
    """Return the name of the format that a file begins like; `UNKNOWN` otherwise.

    `head`: the first `LOOK_AT` bytes, or all of a shorter file.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:4] in {b"RIFF", b"RIFX", b"RF64"} and head[8:12] == b"WAVE":
        return WAV
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "MP4")
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    return _markup(head) or UNKNOWN


def _markup(head: bytes) -> str:
    plain = head[:LOOK_AT].replace(b"\x00", b"")  # UTF-16, too
    found = _MARKUP.search(plain)
    if found is None:
        return ""
    if b"<svg" in plain.lower():
        return "SVG"
    return "XML" if found[1].lower() == b"?xml" else "HTML"
