"""Columns of a window, and the moments that moved a score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.series import (
    Moment,
    Stretch,
    marked,
    moments,
    occluded,
    stretches,
    window_values,
)


def test_columns_of_a_window_by_hand() -> None:
    seconds = np.array([0.0, 600.0, 1800.0, 3600.0])
    torque = np.array([10.0, np.nan, 20.0, 30.0])

    values = window_values(seconds, {"torque": torque, "wear": np.full(4, np.nan)})

    slope = np.polyfit([0, 0.5, 1], [10, 20, 30], 1)[0]
    assert values == {
        "torque_last": 30.0,
        "torque_mean": 20.0,
        "torque_min": 10.0,
        "torque_max": 30.0,
        "torque_spread": pytest.approx(math.sqrt(200 / 3)),
        "torque_slope": pytest.approx(slope),
    }


def test_one_reading_has_no_slope() -> None:
    values = window_values(np.array([5.0]), {"a": np.array([2.0])})

    assert values == {"a_last": 2, "a_mean": 2, "a_min": 2, "a_max": 2, "a_spread": 0}


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
    st.floats(-1e3, 1e3),
)
def test_levels_move_with_the_values_and_shape_does_not(
    values: list[float], shift: float
) -> None:
    seconds = np.arange(len(values), dtype=float) * 60
    known = np.array(values)

    before = window_values(seconds, {"a": known})
    after = window_values(seconds, {"a": known + shift})

    for name in ("last", "mean", "min", "max"):
        assert after[f"a_{name}"] == pytest.approx(
            before[f"a_{name}"] + shift, abs=1e-3
        )
    assert after["a_spread"] == pytest.approx(before["a_spread"], rel=1e-6, abs=1e-3)
    assert after["a_slope"] == pytest.approx(before["a_slope"], rel=1e-6, abs=1)


def test_a_stretch_is_put_at_the_typical_level() -> None:
    seconds = np.array([0.0, 60.0, 120.0, 180.0])
    channels = {"a": np.array([1.0, 9.0, np.nan, 3.0]), "b": np.ones(4)}

    changed = occluded(seconds, channels, Stretch("a", 60, 180), 2.0)
    nothing = occluded(seconds, channels, Stretch("a", 120, 180), 2.0)

    assert changed is not None
    assert (changed["a_max"], changed["a_last"], changed["b_mean"]) == (3.0, 3.0, 1.0)
    assert nothing is None


def test_stretches_cover_the_window_once() -> None:
    cut = stretches(["a", "b"], seconds=3600)

    assert [one.channel for one in cut] == ["a"] * 7 + ["b"] * 7
    assert [one.start for one in cut[:7]] == [0, 600, 1200, 1800, 2400, 3000, 0]
    assert cut[5].end == cut[6].end == cut[13].end == 3600


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def found_of(*without: float, base: float = 0.9) -> list[Moment]:
    """Return what six stretches, and all of them, did to a score of `base`."""
    scores = np.array([[1 - p, p] for p in (base, *without)])
    return moments(stretches(["a"], seconds=60), scores, [1])


def test_the_largest_changes_come_first_and_few_are_marked() -> None:
    found = found_of(0.9, 0.5, 0.95, 0.9, 0.6, 0.89, 0.45)

    assert [one.stretch.start for one in found[:4]] == [0, 10, 40, 20]
    assert [one.effect for one in found[1:4]] == pytest.approx(
        [logit(0.9) - logit(p) for p in (0.5, 0.6, 0.95)]
    )
    assert marked(found) == found[1:4]


def test_what_lasts_is_marked_as_a_whole() -> None:
    found = found_of(0.9, 0.9, 0.88, 0.9, 0.9, 0.86, 0.2)

    (one,) = marked(found)

    assert (one.stretch.start, one.stretch.end) == (0, 60)


def test_nothing_is_marked_where_nothing_moved() -> None:
    assert marked(found_of(*[0.9] * 7)) == []
    assert marked([]) == []
