"""What a reader found in an image, as a page draws it over the image. Pure."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

# From so many multiples of the noise on, ten levels to each, a cell has the next shade.
SHADES: Final = (40, 50, 60, 100)


@dataclass(frozen=True, slots=True)
class Stripe:
    """Neighbouring cells of one row of a heat map that have the same shade, 1 to 4."""

    x: int
    y: int
    width: int
    shade: int


@dataclass(frozen=True, slots=True)
class Heat:
    """A coarse map over an image; what is cooler than the first shade is left out."""

    width: int
    height: int
    stripes: tuple[Stripe, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one image: the boxes of its marks, and where it is odd."""

    marks: tuple[Mapping[str, float], ...]
    heat: Heat | None


def found_in(evidence: Mapping[str, Any]) -> dict[str, Found]:
    """Return by slot what is drawn of a measurement's evidence."""
    return {
        slot: Found(tuple(one.get("regions", ())), heat_of(one.get("heat")))
        for slot, one in evidence.items()
    }


def heat_of(data: Mapping[str, Any] | None) -> Heat | None:
    """Read a map as a reader keeps it; None where there is none that can be read."""
    if data is None:
        return None
    try:
        levels = base64.b64decode(data["levels"], validate=True)
    except (binascii.Error, KeyError):
        return None
    width, height = int(data["width"]), int(data["height"])
    rows = [levels[at : at + width] for at in range(0, width * height, width)]
    return Heat(
        width,
        height,
        tuple(one for y, row in enumerate(rows) for one in _stripes(row, y)),
    )


def _stripes(row: Sequence[int], y: int) -> list[Stripe]:
    found, x = [], 0
    for shade, cells in groupby(sum(level >= one for one in SHADES) for level in row):
        width = len(list(cells))
        if shade:
            found.append(Stripe(x, y, width, shade))
        x += width
    return found
