"""Overlaps of boxes, polygons and spans: exact values, and what always holds."""

import math

import numpy as np
import pytest
from hypothesis import given

from predictions.fields.geometry import (
    box_overlaps,
    distances,
    polygon_area,
    polygon_overlap,
    span_overlaps,
)
from tests.predictions.fields.strategies import triangle

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
L_SHAPE = [[0, 0], [10, 0], [10, 5], [5, 5], [5, 10], [0, 10]]


def test_boxes_overlap_by_what_is_common_of_both() -> None:
    one = np.array([[0.0, 0.0, 10.0, 10.0]])
    others = np.array(
        [[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]], dtype=float
    )

    assert box_overlaps(one, others).tolist() == [[1.0, 1 / 3, 0.0, 0.04]]


def test_spans_overlap_by_what_is_common_of_both() -> None:
    one = np.array([[0.0, 10.0]])
    others = np.array([[0, 10], [5, 15], [10, 20], [12, 14]], dtype=float)

    assert span_overlaps(one, others).tolist() == [[1.0, 1 / 3, 0.0, 0.0]]


def test_distance_is_straight() -> None:
    assert distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist() == [[5]]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (SQUARE, SQUARE, 1.0),
        (SQUARE, [[5, 0], [15, 0], [15, 10], [5, 10]], 1 / 3),
        (SQUARE, [[20, 0], [30, 0], [30, 10]], 0.0),
        (SQUARE, [[10, 0], [20, 0], [20, 10], [10, 10]], 0.0),
        (SQUARE, L_SHAPE, 0.75),
        (SQUARE, [[0, 0], [10, 0], [10, 10]], 0.5),
        # a diamond in a square, and a square turned the other way round
        ([[0, 5], [5, 0], [10, 5], [5, 10]], SQUARE[::-1], 0.5),
        # two that cross in a star: the corner of each sticks out
        ([[0, 0], [8, 0], [4, 6]], [[0, 4], [8, 4], [4, -2]], 0.5),
    ],
)
def test_polygons_overlap_by_what_is_common_of_both(
    first: list[list[float]], second: list[list[float]], expected: float
) -> None:
    assert polygon_overlap(first, second) == pytest.approx(expected)


def test_area_is_by_the_even_odd_rule() -> None:
    assert polygon_area(SQUARE) == 100
    assert polygon_area(L_SHAPE) == 75
    assert polygon_area([[0, 0], [10, 10], [10, 0], [0, 10]]) == 50
    assert polygon_area([[0, 0], [5, 5], [10, 10]]) == 0


@given(triangle, triangle)
def test_overlap_of_polygons_is_a_share_and_symmetric(
    first: list[list[float]], second: list[list[float]]
) -> None:
    share = polygon_overlap(first, second)

    assert 0 <= share <= 1
    assert share == pytest.approx(polygon_overlap(second, first), abs=1e-9)
    assert polygon_overlap(first, first) == 1
    assert polygon_overlap(first, [*first[1:], first[0]]) == pytest.approx(1)


@given(triangle)
def test_area_of_a_triangle_is_its_formula(corners: list[list[float]]) -> None:
    (a, b), (c, d), (e, f) = corners
    area = abs((c - a) * (f - b) - (e - a) * (d - b)) / 2

    assert math.isclose(polygon_area(corners), area, rel_tol=1e-9)


@given(triangle, triangle)
def test_overlap_of_polygons_is_that_of_their_pixels(
    first: list[list[float]], second: list[list[float]]
) -> None:
    step = 0.25
    grid = np.arange(0, 101, step) + step / 2
    x, y = np.meshgrid(grid, grid)
    a, b = _inside(first, x, y), _inside(second, x, y)
    common, union = (a & b).sum() * step**2, (a | b).sum() * step**2
    edge = _around(first) + _around(second)

    found = polygon_overlap(first, second)
    exact_union = (polygon_area(first) + polygon_area(second)) / (1 + found)
    assert abs(found * exact_union - common) <= 2 * step * edge
    assert abs(exact_union - union) <= 2 * step * edge


def _around(corners: list[list[float]]) -> float:
    return sum(
        math.dist(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    )


def _inside(corners: list[list[float]], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cast a ray to the right from every pixel, edge by edge."""
    inside = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 == y1:
            continue
        cuts = (y0 <= y) != (y1 <= y)
        inside ^= cuts & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
