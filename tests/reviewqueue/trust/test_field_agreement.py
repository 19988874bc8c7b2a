"""Agreement on numbers and regions: published tables, edges, properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.agreement import interval_alpha, mean_closeness
from tests.reviewqueue.trust.test_agreement import FOUR_PEOPLE, THREE_PEOPLE

SEED = 7
numbers = st.lists(
    st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=4), max_size=20
)


def by_item(people: list[str]) -> list[list[float]]:
    columns = zip(*(one.split() for one in people), strict=True)
    return [[float(x) for x in column if x != "*"] for column in columns]


@pytest.mark.parametrize(
    ("people", "published"), [(FOUR_PEOPLE, 0.849), (THREE_PEOPLE, 0.811)]
)
def test_alpha_of_numbers_is_as_published(people: list[str], published: float) -> None:
    found = interval_alpha(by_item(people), seed=SEED)

    assert round(found.value, 3) == published
    assert found.low < found.value < found.high


def test_alpha_of_numbers_by_hand() -> None:
    # within: 1 + 1 of the squares, halved twice; between all: 1, 16, 25, 9, 16, 1
    found = interval_alpha([[0.0, 1.0], [4.0, 5.0]], seed=SEED)

    apart, everywhere = 1.0, 2 * (1 + 16 + 25 + 9 + 16 + 1) / 12
    assert found.value == pytest.approx(1 - apart / everywhere)
    assert (found.n_items, found.n_pairs) == (2, 2)


@pytest.mark.parametrize("values", [[], [[1.0]], [[2.0, 2.0], [2.0, 2.0]]])
def test_alpha_of_numbers_is_not_defined_without_a_spread(
    values: list[list[float]],
) -> None:
    assert math.isnan(interval_alpha(values, seed=SEED).value)


def test_where_all_numbers_agree_the_interval_is_not_closed() -> None:
    found = interval_alpha([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], seed=SEED)

    assert found.value == found.high == pytest.approx(1)
    assert found.low < 0.6


@given(numbers, st.floats(0.1, 1000), st.floats(-1e6, 1e6))
def test_alpha_does_not_depend_on_unit_or_zero(
    values: list[list[float]], scale: float, shift: float
) -> None:
    one = interval_alpha(values, seed=SEED).value
    other = interval_alpha(
        [[x * scale + shift for x in given_] for given_ in values], seed=SEED
    ).value

    assert (math.isnan(one) and math.isnan(other)) or one == pytest.approx(
        other, abs=1e-3
    )
    assert math.isnan(one) or -1 <= one <= 1 + 1e-9


def test_mean_closeness_is_the_mean_with_its_spread() -> None:
    near = [1.0] * 50 + [0.5] * 50
    found = mean_closeness(near, [2] * 100, seed=SEED)

    assert found.value == 0.75
    assert (found.n_items, found.n_pairs) == (100, 100)
    error = 1.96 * np.std(near) / 10
    assert found.low == pytest.approx(0.75 - error, abs=0.01)
    assert found.high == pytest.approx(0.75 + error, abs=0.01)


def test_all_the_same_is_as_sure_as_its_number() -> None:
    found = mean_closeness([1.0] * 40, [2] * 40, seed=SEED)

    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(wilson_interval(40, 40).low)


def test_nothing_judged_twice_is_nothing() -> None:
    assert math.isnan(mean_closeness([], [], seed=SEED).value)
