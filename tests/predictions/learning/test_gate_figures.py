"""What gates compare: differences, errors and quantiles, with their intervals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from predictions.learning.features import Column
from predictions.learning.gate_figures import (
    calibration_error,
    paired_difference,
    quantile_interval,
    schema_problems,
)


def test_schema_problems_name_each_column() -> None:
    declared = (
        Column("amount", "number"),
        Column("kind", "category", ("food", "fuel", "toys")),
    )
    assert schema_problems(declared, declared) == ()
    assert schema_problems(
        (
            Column("amount", "boolean"),
            Column("kind", "category", ("toys", "food")),
            Column("fee", "number"),
        ),
        declared,
    ) == (
        "amount: a boolean to the model, declared as number",
        "kind: the model does not know fuel",
        "fee: the workflow does not declare it",
    )


def test_paired_difference_of_known_counts() -> None:
    found = paired_difference(12, 2, 50)
    assert found == pytest.approx((0.2, 0.061112, 0.344709), abs=1e-6)
    # z^2 / (n + z^2), as Wilson's
    none = paired_difference(0, 0, 100)
    assert none == pytest.approx((0, -0.036993, 0.036993), abs=1e-6)
    assert paired_difference(0, 100, 100)[:2] == (-1, -1)
    assert all(math.isnan(value) for value in paired_difference(0, 0, 0))
    with pytest.raises(ValueError, match="counts"):
        paired_difference(5, 6, 10)


counts = st.integers(1, 400).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))
)


@settings(deadline=None, max_examples=60)
@given(counts)
def test_paired_interval_encloses_the_difference_and_turns(
    seen: tuple[int, int, int],
) -> None:
    won, lost, n = seen[0], min(seen[1], seen[2] - seen[0]), seen[2]
    found, turned = paired_difference(won, lost, n), paired_difference(lost, won, n)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    if 0 < won < n and 0 < lost < n - won:
        # at its end the score is that of the likeliest shares, found by search
        at = found.low
        search = minimize_scalar(
            lambda q: (
                -won * math.log(q + at)
                - lost * math.log(q)
                - (n - won - lost) * math.log(max(1 - 2 * q - at, 1e-300))
            ),
            bounds=(max(0, -at) + 1e-12, (1 - at) / 2 - 1e-12),
            method="bounded",
            options={"xatol": 1e-12},
        )
        variance = (2 * search.x + at - at * at) / n
        z = (found.value - at) / math.sqrt(variance)
        assert z == pytest.approx(1.959964, abs=2e-3)


def test_calibration_error_has_an_interval_that_the_seed_fixes() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(800)
    truth = rng.random(800) < p
    one, again, other = (calibration_error(p, truth, seed=s) for s in (1, 1, 2))
    assert one == again
    assert one.high != other.high
    assert one.low <= one.value <= one.high
    assert one.value < one.by_chance  # well calibrated
    off = calibration_error(p, rng.random(800) < p**3, seed=1)
    assert off.value > off.by_chance
    empty = calibration_error(np.empty(0), np.empty(0, bool), seed=1)
    assert empty.n == 0
    assert math.isnan(empty.value)


def test_quantile_interval_of_known_values() -> None:
    values = np.arange(1.0, 1001.0)
    assert quantile_interval(values, 0.99) == (983, 997)
    assert quantile_interval(values, 0.5) == (469, 532)
    assert quantile_interval(values[:3], 0.01) == (0.0, 2.0)
