"""`surface`: marks on an even, lit, perhaps brushed surface, found and measured.

What is shown as the anomaly map is the very map on which marks are found, in multiples
of the picture's own noise; every value of a mark is measured on the pixels that the
map marks. Nothing is learnt here: which marks matter is for a model to learn.
Source: own, of standard parts (background by Gaussian, robust noise, hysteresis).
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold
from skimage.measure import label as connected
from skimage.measure import regionprops

from predictions.learning.readers.pictures import Grey, Picture, open_picture
from predictions.learning.readers.terms import Reading, Unreadable

LONGEST_SIDE: Final = 1024
SHORTEST_SIDE: Final = 32
# In multiples of the noise: a mark begins at HIGH and reaches as far as LOW.
HIGH: Final = 6.0
LOW: Final = 3.0
REACH: Final = 0.35  # and no further than to this share of its peak
MAX_MARKS: Final = 8  # that are measured one by one
HEAT_SIDE: Final = 48  # cells along the longer side of the map that is kept
HEAT_STEP: Final = 10.0  # levels for each multiple of the noise; 255 is 25 or more
LEAST_NOISE: Final = 1 / 510  # half a grey level: a drawn picture has none at all
FINE: Final = 320  # the fine scale: this part of the longer side
_MAD: Final = 1.4826

type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Maps:
    """Maps [rows, columns] of one picture.

    `background` is small; `residual` is brightness less it; `anomaly` is signed, in
    multiples of the noise at the scale at which a pixel stands out most.
    """

    background: Grey
    residual: Grey
    fine: Grey
    coarse: Grey
    anomaly: Grey
    noise: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A connected part of the picture that stands out, in its pixels."""

    region: Any  # of regionprops, which is untyped
    strength: float  # the greatest anomaly in it
    mass: float  # of all its anomaly


def read(data: bytes) -> Reading:
    """Measure the picture of a surface. Raises: Unreadable."""
    return measure(open_picture(data, longest_side=LONGEST_SIDE))


def measure(picture: Picture) -> Reading:
    """Measure a decoded picture. Raises: Unreadable for one of few pixels."""
    if min(picture.grey.shape) < SHORTEST_SIDE:
        raise Unreadable(f"fewer than {SHORTEST_SIDE} pixels along a side")
    maps = anomaly_maps(picture.grey)
    marks = find_marks(maps)
    known = [(one, _of_mark(one, maps)) for one in marks[:MAX_MARKS]]
    values = _of_picture(picture.grey, maps) | _of_all(marks, maps)
    values |= known[0][1] if known else {}
    evidence = {
        "regions": [_region(one, told, maps, picture) for one, told in known],
        "heat": coarse_map(np.abs(maps.anomaly)),
    }
    return Reading(_rounded(values), evidence)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in values.items()}


def anomaly_maps(grey: Grey) -> Maps:
    """Say for each pixel of brightness [rows, columns] in 0..1 how odd it is.

    The light is taken out with a wide Gaussian, then what runs through whole rows or
    columns (the grain of brushed metal; a scratch from edge to edge along the rows goes
    with it). Each of two scales is divided by its own noise, a robust spread.
    """
    side = max(grey.shape)
    light = _shrunk(grey, 80)
    light = ndimage.gaussian_filter(light, max(light.shape) / 8, mode="nearest")
    background = _sized(light, grey)
    residual = grey - background
    residual -= _middles(residual)[:, None]
    residual -= _middles(residual.T)
    fine = ndimage.gaussian_filter(residual, side / FINE, mode="nearest", truncate=3)
    fine /= _noise(fine)
    broad = _shrunk(residual, 80)
    broad = ndimage.gaussian_filter(broad, 1.0, mode="nearest")
    coarse = _sized(broad / _noise(broad), grey)
    anomaly = np.where(np.abs(fine) >= np.abs(coarse), fine, coarse)
    return Maps(light, residual, fine, coarse, anomaly, _noise(residual))


def _middles(values: Grey) -> Grey:
    """Return the median of each row; of an even number, the upper of the middle two."""
    at = values.shape[1] // 2
    middles: Grey = np.partition(values, at, axis=1)[:, at]
    return middles


def _shrunk(values: Grey, side: int) -> Grey:
    """Average blocks of pixels, so that the longer side has so many."""
    ratio = side / max(values.shape)
    rows, columns = (max(1, round(n * ratio)) for n in values.shape)
    image = Image.fromarray(values).resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32)


def _sized(values: Grey, like: Grey) -> Grey:
    """Interpolate a map to the size of another."""
    rows, columns = like.shape
    image = Image.fromarray(values).resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)


def _noise(values: Grey) -> float:
    """Return the robust spread of a map, of some 20,000 of its pixels."""
    step = max(1, max(values.shape) // 160)
    some = values[::step, ::step]
    spread = float(np.median(np.abs(some - np.median(some)))) * _MAD
    return max(spread, LEAST_NOISE)


def find_marks(maps: Maps) -> list[Mark]:
    """Find connected marks, the strongest first: those of the greatest mass."""
    size = np.abs(maps.anomaly)
    flags: Flags = apply_hysteresis_threshold(  # type: ignore[no-untyped-call]
        size, LOW, HIGH
    )
    if not flags.any():
        return []
    unit = max(flags.shape) / FINE
    # a scratch that the noise breaks is still one scratch
    near = ndimage.maximum_filter(flags, size=2 * max(1, round(2 * unit)) + 1)
    labels = connected(near) * flags  # type: ignore[no-untyped-call]
    peaks = np.zeros(labels.max() + 1, dtype=size.dtype)
    np.maximum.at(peaks, labels[flags], size[flags])
    labels[size < REACH * peaks[labels]] = 0
    least = 6 * unit**2
    found = [
        Mark(one, float(one.image_intensity.max()), float(one.image_intensity.sum()))
        for one in regionprops(  # type: ignore[no-untyped-call]
            labels, intensity_image=size
        )
        if one.num_pixels >= least
    ]
    return sorted(found, key=lambda one: (-one.mass, one.region.bbox))


def _of_picture(grey: Grey, maps: Maps) -> dict[str, float]:
    low, high = np.percentile(maps.background, (5, 95))
    return {
        "noise": maps.noise,
        "brightness": float(grey.mean()),
        "shading": float(high - low),
        "clipped": float(np.mean((grey <= 0.004) | (grey >= 0.996))),
        "fine_peak": float(np.abs(maps.fine).max()),
        "coarse_peak": float(np.abs(maps.coarse).max()),
    }


def _of_all(marks: Sequence[Mark], maps: Maps) -> dict[str, float]:
    if not marks:
        return {"n_marks": 0.0, "marked_area": 0.0}
    inside = np.concatenate([_pixels(one, maps.anomaly) for one in marks])
    return {
        "n_marks": float(len(marks)),
        "marked_area": len(inside) / maps.anomaly.size,
        "dark_share": float(np.mean(inside < 0)),
    }


def _of_mark(mark: Mark, maps: Maps) -> dict[str, float]:
    rows, columns = maps.anomaly.shape
    diagonal = float(np.hypot(rows, columns))
    region = mark.region
    length, width = region.axis_major_length, region.axis_minor_length
    residual = _pixels(mark, maps.residual)
    contrast = float(residual.mean())
    texture = _box(mark, maps, margin=1)
    texture = texture - ndimage.uniform_filter(texture, 3)
    y, x = region.centroid
    inset = min(y, x, rows - 1 - y, columns - 1 - x)
    return {
        "peak": mark.strength,
        "contrast": contrast,
        "area": region.num_pixels / maps.anomaly.size,
        "length": length / diagonal,
        "width": width / diagonal,
        "elongation": 1 - width / length if length else 0.0,
        # regionprops counts from the column's axis
        "orientation": 90 - abs(float(np.degrees(region.orientation))),
        "solidity": float(region.solidity),
        "sharpness": _steepness(mark, maps) / max(abs(contrast), LEAST_NOISE),
        "roughness": float(texture.std()) / maps.noise,
        "edge_distance": max(inset, 0.0) / min(rows, columns),
    }


def _steepness(mark: Mark, maps: Maps) -> float:
    """Return the 95th percentile of the slope at the mark, per 1/320 of the picture."""
    unit = max(maps.anomaly.shape) / FINE
    box = _box(mark, maps, margin=max(2, round(3 * unit)))
    smooth = ndimage.gaussian_filter(box, 1.2 * unit, mode="nearest")
    slope = np.hypot(*np.gradient(smooth)) * unit
    return float(np.percentile(slope, 95))


def _box(mark: Mark, maps: Maps, *, margin: int) -> Grey:
    """Return the residual around a mark; at least two pixels along each side."""
    top, left, bottom, right = mark.region.bbox
    above, before = max(0, top - margin), max(0, left - margin)
    return maps.residual[above : bottom + margin, before : right + margin]


def _pixels(mark: Mark, values: Grey) -> Grey:
    top, left, bottom, right = mark.region.bbox
    inside: Grey = values[top:bottom, left:right][mark.region.image]
    return inside


def _region(
    mark: Mark, told: Mapping[str, float], maps: Maps, picture: Picture
) -> Mapping[str, object]:
    """Return the mark's box in pixels of the file, its strength, and its values.

    The values are those of a picture in which this mark is the only one: what a model
    is asked to call this mark by itself.
    """
    top, left, bottom, right = (edge * picture.scale for edge in mark.region.bbox)
    x, y = max(0, round(left)), max(0, round(top))
    alone = _of_all([mark], maps) | {
        "fine_peak": float(np.abs(_pixels(mark, maps.fine)).max()),
        "coarse_peak": float(np.abs(_pixels(mark, maps.coarse)).max()),
    }
    return {
        "x": x,
        "y": y,
        "w": max(1, min(round(right), picture.width) - x),
        "h": max(1, min(round(bottom), picture.height) - y),
        "strength": round(1 - HIGH / max(mark.strength, HIGH), 4),
        "values": _rounded({**alone, **told}),
    }


def coarse_map(size: Grey) -> dict[str, Any]:
    """Shrink a map [rows, columns] of multiples of the noise, keeping its peaks.

    Cells hold the greatest value in them, ten levels for each multiple, 255 for more.
    """
    rows, columns = size.shape
    step = max(rows, columns) / HEAT_SIDE
    height, width = max(1, round(rows / step)), max(1, round(columns / step))
    down = np.linspace(0, rows, height, endpoint=False).astype(np.intp)
    across = np.linspace(0, columns, width, endpoint=False).astype(np.intp)
    cells = np.maximum.reduceat(np.maximum.reduceat(size, down, axis=0), across, axis=1)
    levels = np.minimum(cells * HEAT_STEP, 255).astype(np.uint8)
    return {
        "width": width,
        "height": height,
        "levels": base64.b64encode(levels.tobytes()).decode(),
    }
