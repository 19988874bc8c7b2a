"""Bytes of an image as brightness, small enough to be measured quickly."""

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predictions.learning.readers.terms import Unreadable
from predictions.media.images import DECODING

STRIP: Final = 32  # rows of the reduced picture that are made at once

type Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Picture:
    """Brightness [rows, columns] in 0..1; `scale`: pixels of the file for one here."""

    grey: Grey
    width: int
    height: int
    scale: float


def open_picture(data: bytes, *, longest_side: int) -> Picture:
    """Decode an image, reduced to at most that many pixels along its longest side.

    Reducing averages, so that what is finer than a pixel of the result fades. What is
    transparent counts as white. Raises: Unreadable.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            image.draft("L", (longest_side, longest_side))  # JPEG: decodes less
            levels, top = _levels(image)
        grey = _reduced(levels, top, longest_side)
    except DECODING as error:
        raise Unreadable(type(error).__name__) from error
    scale = max(width, height) / max(grey.shape)
    return Picture(grey, width, height, scale)


def _levels(image: Image.Image) -> tuple[NDArray[np.integer[Any]], int]:
    """Return the brightness of each pixel as it is stored, and what white is."""
    if image.mode.startswith("I"):  # 16 bits
        return np.asarray(image), 65_535
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
    return np.asarray(image.convert("L")), 255


def _reduced(levels: NDArray[np.integer[Any]], top: int, longest_side: int) -> Grey:
    """Return levels [rows, columns] as 0..1, averaged down to the longest side.

    Strip by strip: to make floats of the whole takes longer than to decode it. The
    result is to the bit that of `Image.resize` with a reducing gap of 2.
    """
    rows, columns = levels.shape
    ratio = longest_side / max(rows, columns)
    if ratio >= 1:
        return levels.astype(np.float32) / np.float32(top)
    size = max(1, round(columns * ratio)), max(1, round(rows * ratio))
    by = int(columns / size[0] / 2.0) or 1, int(rows / size[1] / 2.0) or 1
    step = STRIP * by[1]
    strips = [
        np.asarray(
            Image.fromarray(levels[at : at + step].astype("f4") / top).reduce(by)
        )
        for at in range(0, rows, step)
    ]
    whole = Image.fromarray(np.concatenate(strips))
    box = 0, 0, columns / by[0], rows / by[1]
    return np.asarray(whole.resize(size, Image.Resampling.BOX, box), dtype=np.float32)
