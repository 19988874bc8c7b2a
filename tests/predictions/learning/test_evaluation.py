import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from predictions.learning.evaluation import (
    Confusion,
    clopper_pearson,
    confusion,
    newcombe_difference,
    rate,
    wilson_interval,
)


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 3000))
    return draw(st.integers(0, n)), n


@given(counts(), st.floats(0.5, 0.999))
def test_wilson_interval_agrees_with_scipy(kn: tuple[int, int], level: float) -> None:
    theirs = binomtest(*kn).proportion_ci(level, method="wilson")
    assert wilson_interval(*kn, level=level) == pytest.approx(tuple(theirs), abs=1e-12)


@given(counts(), st.floats(0.5, 0.999))
def test_clopper_pearson_agrees_with_scipy(kn: tuple[int, int], level: float) -> None:
    theirs = binomtest(*kn).proportion_ci(level, method="exact")
    assert clopper_pearson(*kn, level=level) == pytest.approx(tuple(theirs), abs=1e-9)


@given(counts())
def test_intervals_hold_the_share(kn: tuple[int, int]) -> None:
    for low, high in (wilson_interval(*kn), clopper_pearson(*kn)):
        assert 0 <= low <= kn[0] / kn[1] <= high <= 1


def test_intervals_of_nothing_are_nan() -> None:
    assert all(map(math.isnan, (*wilson_interval(0, 0), *clopper_pearson(0, 0))))
    assert rate(0, 0).to_json() == {
        "value": None,
        "low": None,
        "high": None,
        "k": 0,
        "n": 0,
    }


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_intervals_refuse_impossible_counts(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        wilson_interval(k, n)
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        clopper_pearson(k, n)


@pytest.mark.parametrize(
    ("sample", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_newcombe_difference_agrees_with_the_paper(
    sample: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = newcombe_difference(*sample)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(counts(), counts())
def test_newcombe_difference_is_antisymmetric(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    there, back = (
        newcombe_difference(*first, *second),
        newcombe_difference(*second, *first),
    )
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.low <= there.value <= there.high


def test_newcombe_difference_with_an_empty_sample_is_nan() -> None:
    assert all(map(math.isnan, newcombe_difference(1, 2, 0, 0)))


def test_confusion_counts_by_hand() -> None:
    found = confusion(
        [0.9, 0.5, 0.49, 0.1, math.nan], [True, False, True, False, True], threshold=0.5
    )
    assert found == Confusion(1, 1, 2, 1)
    assert found.precision[3:] == (1, 2)
    assert found.recall[3:] == (1, 3)
    assert found.false_positive_rate[3:] == (1, 2)
    assert found.accuracy[3:] == (2, 5)
