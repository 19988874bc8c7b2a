"""How far regions overlap: boxes, polygons, spans. Arrays and lists in, shares out."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Corners = Sequence[Sequence[float]]

NO_LINE: Final = 1e-12


def box_overlaps(first: Floats, second: Floats) -> Floats:
    """Return intersection over union, [n, m], of boxes [n, 4] and [m, 4].

    A box is left, top, right, bottom in pixels, and not empty.
    """
    a, b = first[:, None, :], second[None, :, :]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    common = np.clip(width, 0, None) * np.clip(height, 0, None)
    shares: Floats = common / (_areas(a) + _areas(b) - common)
    return shares


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return areas


def span_overlaps(first: Floats, second: Floats) -> Floats:
    """Return shared characters by characters of both, [n, m], of spans [n, 2], [m, 2].

    A span is its first character and the one after its last, and not empty.
    """
    a, b = first[:, None, :], second[None, :, :]
    common = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    common = np.clip(common, 0, None)
    both = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0])
    shares: Floats = common / (both - common)
    return shares


def distances(first: Floats, second: Floats) -> Floats:
    """Return how far points [n, 2] are from points [m, 2], [n, m], in pixels."""
    far: Floats = np.hypot(
        first[:, None, 0] - second[None, :, 0], first[:, None, 1] - second[None, :, 1]
    )
    return far


def polygon_area(corners: Corners) -> float:
    """Return the area within a polygon by the even-odd rule, in square pixels."""
    return _common_and_union(corners, corners)[1]


def polygon_overlap(first: Corners, second: Corners) -> float:
    """Return intersection over union of two polygons, by the even-odd rule."""
    common, union = _common_and_union(first, second)
    return common / union if union > 0 else 0.0


def _common_and_union(first: Corners, second: Corners) -> tuple[float, float]:
    """Return the areas in both and in either of two polygons.

    Cut into bands at every corner and crossing: within a band the edges are straight
    and keep their order, so that what lies in both is as wide in the mean as it is
    half way up. Exact but for rounding.
    """
    a, b = _edges(first), _edges(second)
    levels = np.unique(
        np.concatenate([a[:, 1], b[:, 1], _crossings(np.concatenate([a, b]))])
    )
    common = union = 0.0
    for low, high in pairwise(levels.tolist()):
        middle = (low + high) / 2
        in_a, in_b = _inside(a, middle), _inside(b, middle)
        shared = _shared(in_a, in_b)
        common += (high - low) * shared
        union += (high - low) * (_length(in_a) + _length(in_b) - shared)
    return common, union


def _edges(corners: Corners) -> Floats:
    """Return [n, 4]: x and y of each corner and of the next."""
    points = np.asarray(corners, dtype=np.float64)
    return np.concatenate([points, np.roll(points, -1, axis=0)], axis=1)


def _crossings(edges: Floats) -> Floats:
    """Return the heights at which two of the edges cross."""
    start, way = edges[:, :2], edges[:, 2:] - edges[:, :2]
    between = start[None, :, :] - start[:, None, :]
    turn = _cross(way[:, None, :], way[None, :, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        along = _cross(between, way[None, :, :]) / turn
        other = _cross(between, way[:, None, :]) / turn
    meet = (along >= 0) & (along <= 1) & (other >= 0) & (other <= 1)
    i, j = np.nonzero(meet & (np.abs(turn) > NO_LINE))
    heights: Floats = start[i, 1] + along[i, j] * way[i, 1]
    return heights


def _cross(a: Floats, b: Floats) -> Floats:
    product: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _inside(edges: Floats, height: float) -> Floats:
    """Return [k, 2]: where a horizontal line enters and leaves the polygon."""
    x0, y0, x1, y1 = edges.T
    cut = (y0 <= height) != (y1 <= height)
    share = (height - y0[cut]) / (y1[cut] - y0[cut])
    ends: Floats = np.sort(x0[cut] + share * (x1[cut] - x0[cut]))
    return ends.reshape(-1, 2)


def _shared(first: Floats, second: Floats) -> float:
    a, b = first[:, None, :], second[None, :, :]
    common = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
    return float(np.clip(common, 0, None).sum())


def _length(inside: Floats) -> float:
    return float((inside[:, 1] - inside[:, 0]).sum())
