"""Columns that move are named with what moved; still ones raise no false alarm."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp

from predictions.learning.features import Column
from predictions.learning.monitoring import (
    Change,
    DriftReport,
    find_drift,
    greatest_difference,
    n_permutations,
)

NAN = np.nan
COLUMNS = (
    Column("amount", "number"),
    Column("like amount", "number"),
    Column("score", "number"),
    Column("count", "number"),
    Column("rare", "number"),
    Column("kind", "category", ("food", "fuel", "toys")),
    Column("abroad", "boolean"),
    Column("constant", "number"),
)


def rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(size=n)
    return np.column_stack(
        [
            amount,
            amount + rng.normal(scale=0.1, size=n),
            rng.random(n),
            rng.poisson(1.0, n),
            np.where(rng.random(n) < 0.9, NAN, rng.normal(size=n)),
            rng.choice([0.0, 1.0, NAN], size=n, p=[0.7, 0.2, 0.1]),
            rng.random(n) < 0.1,
            np.ones(n),
        ]
    )


def drift(after: np.ndarray, **kwargs: object) -> DriftReport:
    terms = {"budget": 0.01, "seed": 1, **kwargs}
    return find_drift(rows(1000, 1), after, COLUMNS, **terms)


def by_name(report: DriftReport) -> dict[str, str]:
    return {one.name: one.verdict for one in report.features}


def test_rows_from_the_same_source_have_not_moved() -> None:
    report = drift(rows(400, 2))
    assert set(by_name(report).values()) == {"still"}
    assert report.moved == ()
    assert (report.n_before, report.n_after, report.decisions) == (1000, 400, None)
    constant = report.features[-1]
    assert (constant.distance, constant.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("n", [60, 400])
def test_change_of_unit_moves_its_column_alone(n: int) -> None:
    after = rows(n, 2)
    after[:, 0] *= 100
    report = drift(after)
    assert [one.name for one in report.moved] == ["amount"]
    moved = report.moved[0]
    assert moved.distance > 0.9
    assert moved.p_value == 1 / 200
    median = next(one for one in moved.changes if one.of == "0.5")
    assert median.before == pytest.approx(float(np.median(rows(1000, 1)[:, 0])))
    assert median.after == pytest.approx(float(np.median(after[:, 0])))


def test_new_category_and_lost_column_are_shown_by_their_shares() -> None:
    after = rows(400, 2)
    after[:100, 5], after[:, 3] = 2.0, NAN
    report = drift(after)
    assert {one.name for one in report.moved} == {"kind", "count"}
    lost, kind = report.features[3], report.features[5]
    assert lost.distance == 1.0
    assert lost.changes[2] == Change("quantile", "0.5", 1.0, None)
    assert lost.changes[-1] == Change("share", "missing", 0.0, 1.0)
    assert kind.changes[0] == Change("share", "toys", 0.0, 0.25)
    assert [one.of for one in kind.changes] == ["toys", "food", "fuel", "missing"]


def test_sure_but_small_move_is_slight() -> None:
    after = rows(5000, 2)
    after[:, 2] = after[:, 2] * 0.93
    report = find_drift(rows(5000, 1), after, COLUMNS, budget=0.01, seed=1)
    assert by_name(report)["score"] == "slight"
    assert report.moved == ()
    wider = find_drift(
        rows(5000, 1), after, COLUMNS, budget=0.01, seed=1, min_distance=0.05
    )
    assert by_name(wider)["score"] == "moved"


def test_distance_of_a_category_is_what_would_have_to_change() -> None:
    kind = (Column("kind", "category", ("a", "b", "c", "d")),)
    before = np.repeat([0.0, 1.0, 2.0, NAN], [40, 30, 20, 10])[:, None]
    after = np.repeat([0.0, 1.0, 3.0, NAN], [20, 30, 20, 30])[:, None]
    found = find_drift(before, after, kind, budget=0.01, seed=1).features[0]
    assert found.distance == pytest.approx(0.4)
    turned = find_drift(after, before, kind, budget=0.01, seed=1).features[0]
    assert turned.distance == pytest.approx(0.4)


def test_too_few_rows_say_nothing() -> None:
    report = drift(rows(29, 2) * ([100] + [1] * 7))
    assert set(by_name(report).values()) == {"too_few"}
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert data["features"][0]["p_value"] is None
    assert drift(np.empty((0, 8))).features[0].changes[-1].after is None
    none = find_drift(np.empty((50, 0)), np.empty((50, 0)), (), budget=0.01, seed=1)
    assert none.features == ()


def test_effect_on_decisions_is_shown_beside() -> None:
    before, after = np.arange(1000) < 100, np.arange(400) < 80
    report = drift(rows(400, 2), calls=(before, after))
    assert report.decisions is not None
    assert report.decisions.value == pytest.approx(0.1)
    assert 0.05 < report.decisions.low < 0.1 < report.decisions.high < 0.15
    assert json.dumps(report.to_json(), allow_nan=False)


def test_same_seed_gives_the_same_and_large_sides_are_sampled() -> None:
    after = rows(400, 2)
    assert drift(after) == drift(after)
    small = drift(after, max_rows=100)
    assert small.n_before == 1000
    assert small != drift(after, max_rows=100, seed=2)


def test_small_budget_takes_the_permutations_that_it_needs() -> None:
    assert (n_permutations(0.05), n_permutations(0.001)) == (199, 1999)
    after = rows(100, 2)
    after[:, 0] *= 100
    report = drift(after, budget=0.001, max_rows=200)
    assert report.moved[0].p_value == 1 / 2000


@pytest.mark.parametrize("budget", [0.0, 1.0, math.nan])
def test_impossible_budget_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match=r"^budget: "):
        drift(rows(50, 2), budget=budget)


def test_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^shapes: .* for 8 columns$"):
        drift(rows(50, 2)[:, :7])


cells = st.lists(st.sampled_from([NAN, -1.0, 0.0, 0.5, 2.0]), min_size=30, max_size=80)


@settings(deadline=None, max_examples=40)
@given(cells, cells)
def test_distance_is_the_two_sample_statistic(
    before: list[float], after: list[float]
) -> None:
    one, other = np.array(before), np.array(after)
    known = ks_2samp(
        np.nan_to_num(one, nan=-9), np.nan_to_num(other, nan=-9), method="asymp"
    )
    assert greatest_difference(one, other) == pytest.approx(known.statistic)
    report = find_drift(one[:, None], other[:, None], COLUMNS[:1], budget=0.05, seed=1)
    found = report.features[0]
    assert found.distance == pytest.approx(known.statistic)
    assert 1 / 200 <= found.p_value <= 1
    again = find_drift(
        one[:, None] * 3, other[:, None] * 3, COLUMNS[:1], budget=0.05, seed=1
    )
    assert again.features[0].p_value == found.p_value


RUNS, BUDGET = 150, 0.05


def alarms(*, by_column: bool) -> int:
    """Count undisturbed looks at which any column is found to have moved."""
    n_alarms = 0
    for run in range(RUNS):
        before, after = rows(150, 2 * run), rows(60, 2 * run + 1)
        parts = [[i] for i in range(8)] if by_column else [list(range(8))]
        reports = [
            find_drift(
                before[:, part],
                after[:, part],
                [COLUMNS[i] for i in part],
                budget=BUDGET,
                seed=run,
                min_distance=0.0,
            )
            for part in parts
        ]
        n_alarms += any(report.moved for report in reports)
    return n_alarms


def test_false_alarms_over_all_columns_stay_within_the_budget() -> None:
    most = binom.ppf(0.999, RUNS, BUDGET)
    assert alarms(by_column=False) <= most
    # what one budget for all is for: a budget for each breaks it
    assert alarms(by_column=True) > most


def test_still_columns_stay_silent_beside_one_that_moves() -> None:
    n_wrong = n_found = 0
    for run in range(RUNS):
        after = rows(60, 2 * run + 1)
        after[:, 2] = after[:, 2] ** 3
        report = find_drift(rows(150, 2 * run), after, COLUMNS, budget=BUDGET, seed=run)
        names = {one.name for one in report.moved}
        n_found += "score" in names
        n_wrong += bool(names - {"score"})
    assert n_wrong <= binom.ppf(0.999, RUNS, BUDGET)
    assert n_found > 0.95 * RUNS
