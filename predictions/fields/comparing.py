"""Which values of a field count as the same, and how near two sets of regions are."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from predictions.declaration_fields import FieldSpec
from predictions.fields.geometry import (
    box_overlaps,
    distances,
    polygon_overlap,
    span_overlaps,
)

type Floats = NDArray[np.float64]
type Regions = Sequence[Mapping[str, Any]]


def differing_fields(
    specs: Sequence[FieldSpec], first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[str]:
    """Name the fields whose values differ beyond the tolerance, in declared order."""
    return [
        one.name
        for one in specs
        if not same_value(one, first.get(one.name), second.get(one.name))
    ]


def same_value(spec: FieldSpec, first: object, second: object) -> bool:
    """Say whether two stored values count as the same; None is holding nothing.

    Symmetric, and every value is the same as itself. Not transitive with a tolerance.
    """
    if spec.is_set:
        return _same_regions(spec, _regions(first), _regions(second))
    if first is None or second is None:
        return first is None and second is None
    if spec.type in {"number", "integer"}:
        return _is_near(_number(first), _number(second), spec.closeness)
    if spec.type == "datetime":
        return _is_near(_seconds(first), _seconds(second), spec.closeness)
    return first == second


def mean_overlap(spec: FieldSpec, first: Regions, second: Regions) -> float:
    """Return the mean overlap (IoU) of regions of two people, within 0..1.

    Matched one to one within a class, so that the sum is greatest; a region without a
    partner counts as 0. Without any regions the two agree: 1.
    """
    if not first and not second:
        return 1.0
    near = _nearness(spec, first, second)
    overlaps = near[_matched(near)]
    n_pairs = int((overlaps > 0).sum())
    return float(overlaps.sum()) / (len(first) + len(second) - n_pairs)


def match_f1(spec: FieldSpec, first: Regions, second: Regions) -> float:
    """Return twice the matches within the tolerance by all regions of both, in 0..1.

    Without any regions the two agree: 1.
    """
    if not first and not second:
        return 1.0
    return 2 * _n_matches(spec, first, second) / (len(first) + len(second))


def _same_regions(spec: FieldSpec, first: Regions, second: Regions) -> bool:
    if len(first) != len(second):
        return False
    return _n_matches(spec, first, second) == len(first)


def _n_matches(spec: FieldSpec, first: Regions, second: Regions) -> int:
    """Count the most pairs within the tolerance, each region in one of them."""
    if not first or not second:
        return 0
    near = _nearness(spec, first, second)
    least = -spec.closeness if spec.type == "points" else spec.closeness
    is_close = (near >= least).astype(np.float64)
    return int(is_close[_matched(is_close)].sum())


def _matched(near: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = scipy.optimize.linear_sum_assignment(near, maximize=True)
    return rows, columns


def _nearness(spec: FieldSpec, first: Regions, second: Regions) -> Floats:
    """Return [n, m]: overlaps, of points minus the distance; far across classes."""
    near = _geometry(spec, first, second)
    same_class = np.array(
        [[a.get("class") == b.get("class") for b in second] for a in first],
        dtype=np.bool_,
    ).reshape(near.shape)
    far = -1e9 if spec.type == "points" else 0.0
    return np.where(same_class, near, far)


def _geometry(spec: FieldSpec, first: Regions, second: Regions) -> Floats:
    if spec.type == "boxes":
        return box_overlaps(_boxes(first), _boxes(second))
    if spec.type == "points":
        return -distances(_table(first, "x", "y"), _table(second, "x", "y"))
    if spec.type == "spans":
        return span_overlaps(
            _table(first, "start", "end"), _table(second, "start", "end")
        )
    return _polygons(first, second)


def _polygons(first: Regions, second: Regions) -> Floats:
    """Return the overlaps of polygons; most pairs lie apart, and cost nothing."""
    overlaps = np.zeros((len(first), len(second)))
    around = box_overlaps(_around(first), _around(second))
    for i, j in zip(*np.nonzero(around > 0), strict=True):
        overlaps[i, j] = polygon_overlap(first[i]["points"], second[j]["points"])
    return overlaps


def _around(regions: Regions) -> Floats:
    """Return left, top, right, bottom of polygons, [n, 4]."""
    corners = [np.array(one["points"], dtype=np.float64) for one in regions]
    ends = [[*one.min(axis=0), *one.max(axis=0)] for one in corners]
    return np.array(ends, dtype=np.float64).reshape(-1, 4)


def _boxes(regions: Regions) -> Floats:
    sides = _table(regions, "x", "y", "w", "h")
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)


def _table(regions: Regions, *names: str) -> Floats:
    rows = [[one[name] for name in names] for one in regions]
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def _regions(value: object) -> Regions:
    return value if isinstance(value, list) else []


def _is_near(first: float, second: float, tolerance: float) -> bool:
    if tolerance == 0:
        return first == second
    # A difference of decimals is rounded: 12.5 and 12.45 are 0.05 apart.
    slack = 1e-9 * max(1.0, abs(first), abs(second))
    return math.fabs(first - second) <= tolerance + slack


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _seconds(value: object) -> float:
    return datetime.fromisoformat(str(value)).timestamp()
