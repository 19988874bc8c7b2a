"""Images: what is kept of a file, and the smaller ones made from it. Pure."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from predictions.media import sniffing
from predictions.media.containers import (
    animated,
    broken,
    stripped_jpeg,
    stripped_png,
    stripped_webp,
)
from predictions.media.terms import CleanMedia, Limits, MediaRefused

# Ours is asked before anything is decoded, and says more.
Image.MAX_IMAGE_PIXELS = None

MAX_SIDE = 65_500  # what every encoder can write
ORIENTATION = 0x0112
QUALITY = 95  # where the picture has to be encoded again
SMALL_QUALITY = 85
SMALLER: Mapping[str, int] = {"thumbnail": 256, "preview": 1600}  # longest side
# What Pillow raises for what is no picture: it names no class of its own for most.
DECODING = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_STRIP: Mapping[str, Callable[[bytes], bytes]] = {
    sniffing.PNG: stripped_png,
    sniffing.JPEG: stripped_jpeg,
    sniffing.WEBP: stripped_webp,
}
_TYPES = {
    sniffing.PNG: ("PNG", "image/png"),
    sniffing.JPEG: ("JPEG", "image/jpeg"),
    sniffing.WEBP: ("WEBP", "image/webp"),
    sniffing.TIFF: ("TIFF", "image/png"),
}
TAKEN = tuple(_TYPES)
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


@dataclass(frozen=True, slots=True)
class Smaller:
    """A thumbnail or preview: a JPEG, or a WebP where it shows through."""

    name: str
    content_type: str
    data: bytes
    width: int
    height: int


def clean_image(data: bytes, found: str, limits: Limits) -> CleanMedia:
    """Return the image as it is kept: no metadata, upright, decoded once to be sure.

    `found` is one of `TAKEN`. Pixels are copied as they are, but where the image lies
    on its side, and of TIFF, which is kept as PNG. Of a JPEG with more pictures behind
    the first, the first is kept.
    Raises: MediaRefused (`pixels`, `frames`, `depth`, `unreadable`).
    """
    name, content_type = _TYPES[found]
    with _opened(data, name) as image:
        _check_size(image, limits)
        # What a camera puts behind a JPEG (a preview, a gain map) is cut off below.
        # Asked whether, not how many: to count those of a TIFF may take minutes.
        if found != sniffing.JPEG and getattr(image, "is_animated", False):
            raise animated()
        turned = image.getexif().get(ORIENTATION, 1) not in {None, 0, 1}
        if found == sniffing.TIFF:
            kept = _encoded_again(image, "PNG")
        else:
            kept = _STRIP[found](data)  # before anything is decoded
            kept = _encoded_again(image, name) if turned else kept
    with _opened(kept, "PNG" if found == sniffing.TIFF else name) as image:
        image.load()
        width, height = image.size
    return CleanMedia("image", content_type, kept, width=width, height=height)


def smaller_images(data: bytes) -> Iterator[Smaller]:
    """Yield a preview and a thumbnail of an image that was kept.

    Neither is larger than the image. Raises: MediaRefused (`unreadable`).
    """
    with _opened(data, None) as image:
        # A large JPEG is decoded no larger than it is wanted.
        image.draft(None, (SMALLER["preview"], SMALLER["preview"]))
        image.load()
        shown = _in_eight_bits(image)
        for name, side in sorted(SMALLER.items(), key=lambda one: -one[1]):
            shown.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
            yield _smaller(name, shown)


def _smaller(name: str, shown: Image.Image) -> Smaller:
    target = io.BytesIO()
    profile = shown.info.get("icc_profile")
    if shown.mode == "RGBA":
        content_type = "image/webp"
        shown.save(target, "WEBP", quality=SMALL_QUALITY, method=0, icc_profile=profile)
    else:
        # WebP is somewhat smaller, and takes twenty times as long.
        content_type = "image/jpeg"
        shown.save(target, "JPEG", quality=SMALL_QUALITY, icc_profile=profile)
    return Smaller(name, content_type, target.getvalue(), shown.width, shown.height)


@contextmanager
def _opened(data: bytes, name: str | None) -> Iterator[Image.Image]:
    known = [name] if name else None
    try:
        with Image.open(io.BytesIO(data), formats=known) as image:
            yield image
    except MediaRefused:
        raise
    except DECODING as error:
        raise broken(type(error).__name__) from error


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if not (width and height):
        raise broken("it has no pixels")
    n_pixels = width * height
    if n_pixels > limits.max_pixels or max(width, height) > MAX_SIDE:
        words = (
            f"{width:,} by {height:,} are {n_pixels:,} pixels, more than the "
            f"{limits.max_pixels:,} allowed"
        )
        raise MediaRefused("pixels", n_pixels, words)


def _encoded_again(image: Image.Image, name: str) -> bytes:
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if name == "PNG" and upright.mode not in _PNG_MODES:
        upright = _as_rgb(upright)
    target = io.BytesIO()
    for entry in ("exif", "xmp", "XML:com.adobe.xmp", "comment", "dpi"):
        upright.info.pop(entry, None)
    options: dict[str, object] = {"icc_profile": profile} if profile else {}
    if name == "JPEG":
        options |= {"quality": QUALITY, "subsampling": 0}
    if name == "WEBP":
        options |= {"quality": QUALITY, "method": 2}
    upright.save(target, name, exif=b"", **options)
    return _STRIP[
        {"PNG": sniffing.PNG, "JPEG": sniffing.JPEG}.get(name, sniffing.WEBP)
    ](target.getvalue())


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"I", "F", "I;16B", "I;16L", "I;16N"}:
        words = f"samples of the mode {image.mode} are not shown by any browser"
        raise MediaRefused("depth", image.mode, words)
    return image.convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Return a copy in RGB or RGBA, with the colour profile where it still fits."""
    if image.mode in {"RGB", "RGBA"}:
        return image.copy()
    if image.mode.startswith("I"):
        shown = image.point(lambda value: value / 256).convert("L").convert("RGB")
    else:
        has_alpha = image.mode in {"LA", "PA"} or "transparency" in image.info
        shown = image.convert("RGBA" if has_alpha else "RGB")
    shown.info.pop("icc_profile", None)
    return shown
