"""When two values count as the same, and how near two sets of regions are."""

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.fields.comparing import (
    differing_fields,
    match_f1,
    mean_overlap,
    same_value,
)
from tests.predictions.fields.strategies import REGION, sets_of, spec_of

BOX = {"x": 0.0, "y": 0.0, "w": 10.0, "h": 10.0, "class": "pit"}
KINDS = sorted(REGION)
OVERLAPPING = ["boxes", "polygons"]


@pytest.mark.parametrize(
    ("kind", "more", "first", "second", "same"),
    [
        ("number", {}, 1.0, 1.0, True),
        ("number", {}, 1.0, 1.0000000001, False),
        ("number", {"tolerance": 0.05}, 12.5, 12.45, True),
        ("number", {"tolerance": 0.05}, 12.5, 12.44, False),
        ("integer", {"tolerance": 1}, 4, 5, True),
        ("integer", {}, 4, 5, False),
        ("number", {}, None, 0.0, False),
        ("number", {}, None, None, True),
        ("boolean", {}, False, None, False),
        ("text", {}, "a", "a", True),
        ("category", {}, "a", "b", False),
        (
            "datetime",
            {"tolerance": 60},
            "2026-03-02T09:00:00+00:00",
            "2026-03-02T09:01:00+00:00",
            True,
        ),
        (
            "datetime",
            {},
            "2026-03-02T09:00:00+00:00",
            "2026-03-02T09:00:01+00:00",
            False,
        ),
        ("boxes", {}, [], None, True),
        ("boxes", {}, [BOX], [], False),
        ("boxes", {}, [BOX], [{**BOX, "x": 3.0}], True),  # 70 of 130
        ("boxes", {}, [BOX], [{**BOX, "x": 4.0}], False),  # 60 of 140
        ("boxes", {}, [BOX], [{**BOX, "class": "scratch"}], False),
        ("boxes", {"tolerance": 0.9}, [BOX], [{**BOX, "x": 3.0}], False),
        ("points", {}, [{"x": 0.0, "y": 0.0}], [{"x": 3.0, "y": 4.0}], True),
        ("points", {}, [{"x": 0.0, "y": 0.0}], [{"x": 3.0, "y": 4.1}], False),
        ("spans", {}, [{"start": 0, "end": 9}], [{"start": 0, "end": 8}], False),
        (
            "spans",
            {"tolerance": 0.8},
            [{"start": 0, "end": 9}],
            [{"start": 0, "end": 8}],
            True,
        ),
    ],
)
def test_same_value(
    kind: str, more: dict[str, Any], first: object, second: object, same: bool
) -> None:
    spec = spec_of(kind, **more)

    assert same_value(spec, first, second) is same
    assert same_value(spec, second, first) is same


def test_partners_are_found_where_the_nearest_would_leave_one_alone() -> None:
    # the middle of the second two is nearest to both of the first
    first = [{"x": 0.0, "y": 0.0}, {"x": 6.0, "y": 0.0}]
    second = [{"x": 3.0, "y": 0.0}, {"x": 10.9, "y": 0.0}]

    assert same_value(spec_of("points"), first, second)


def test_names_of_what_differs_are_in_declared_order() -> None:
    specs = [spec_of("number", name="b"), spec_of("number", name="a")]

    assert differing_fields(specs, {"a": 1.0, "b": 1.0}, {}) == ["b", "a"]
    assert differing_fields(specs, {"a": 1.0}, {"a": 1.0}) == []


def test_mean_overlap_counts_the_unmatched_as_nothing() -> None:
    spec = spec_of("boxes")
    far = {**BOX, "x": 90.0}

    assert mean_overlap(spec, [BOX], [BOX]) == 1
    assert mean_overlap(spec, [BOX], [{**BOX, "x": 5.0}]) == pytest.approx(1 / 3)
    assert mean_overlap(spec, [BOX, far], [BOX]) == 0.5
    assert mean_overlap(spec, [BOX], [far]) == 0
    assert mean_overlap(spec, [], []) == 1
    assert mean_overlap(spec, [BOX], []) == 0


def test_f1_is_twice_the_matches_by_all() -> None:
    spec = spec_of("spans")
    one, other = {"start": 0, "end": 5}, {"start": 7, "end": 9}

    assert match_f1(spec, [one, other], [one]) == pytest.approx(2 / 3)
    assert match_f1(spec, [one], [other]) == 0
    assert match_f1(spec, [], []) == 1


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_order_of_regions_says_nothing(kind: str, data: st.DataObject) -> None:
    regions, seed = data.draw(sets_of(kind)), data.draw(st.integers(0, 99))
    other = [dict(one) for one in regions]
    random.Random(seed).shuffle(other)

    spec = spec_of(kind)
    assert same_value(spec, regions, other)
    assert match_f1(spec, regions, other) == 1


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_closeness_is_symmetric_and_within_bounds(
    kind: str, data: st.DataObject
) -> None:
    spec, first, second = (
        spec_of(kind),
        data.draw(sets_of(kind)),
        data.draw(sets_of(kind)),
    )

    assert same_value(spec, first, second) == same_value(spec, second, first)
    f1 = match_f1(spec, first, second)
    assert 0 <= f1 <= 1
    assert f1 == match_f1(spec, second, first)
    assert same_value(spec, first, second) == (f1 == 1)


@pytest.mark.parametrize("kind", OVERLAPPING)
@given(st.data())
def test_mean_overlap_is_symmetric_and_within_bounds(
    kind: str, data: st.DataObject
) -> None:
    spec, first, second = (
        spec_of(kind),
        data.draw(sets_of(kind)),
        data.draw(sets_of(kind)),
    )
    found = mean_overlap(spec, first, second)

    assert 0 <= found <= 1 + 1e-9
    assert found == pytest.approx(mean_overlap(spec, second, first), abs=1e-9)
    assert mean_overlap(spec, first, first) == pytest.approx(1)


def test_many_polygons_are_compared_in_time() -> None:
    corner = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]
    far = [
        {"points": [[x + 20.0 * n, y] for x, y in corner], "class": "pit"}
        for n in range(50)
    ]
    started = time.perf_counter()

    assert same_value(spec_of("polygons"), far, far[::-1])
    assert time.perf_counter() - started < 1
