"""False alarms: over 1,000 undisturbed days no more than the workflow stands."""

import math

import numpy as np
import pytest

from lifecycle.judging.budget import SHARES, YEAR, look_budget
from lifecycle.judging.model import Truths, judge_calibration
from lifecycle.judging.shares import judge_quarantine, judge_rises, rise_of
from lifecycle.queries.windows import DAY
from lifecycle.services.monitors.registry import BY_KEY
from tests.lifecycle.judging.undisturbed import look_for, n_alerts

DAYS = 1_000
PER_YEAR = 24.0  # more than anybody stands: so many that too many would show


def test_shares_are_one_budget() -> None:
    assert math.isclose(sum(SHARES.values()), 1)
    assert set(SHARES) <= set(BY_KEY)


def test_budget_of_looks_adds_up_to_the_year() -> None:
    total = sum(
        look_budget(key, per_year=2, every=BY_KEY[key].every)
        * (YEAR / BY_KEY[key].every)
        for key in SHARES
    )

    assert math.isclose(total, 2)


def test_drift_stays_within_budget_over_a_thousand_undisturbed_days() -> None:
    runs = [
        look_for(DAYS // 4, per_day=15, per_year=PER_YEAR, n_reference=200, seed=seed)
        for seed in range(4)
    ]

    allowed = PER_YEAR * SHARES["drift_features"] * (DAYS * DAY / YEAR)
    assert sum(one.n_looks for one in runs) == DAYS
    assert sum(one.n_alerts for one in runs) <= allowed
    # not for want of looking: some are raised
    assert sum(one.n_alarms for one in runs) > 0


def test_missing_values_stay_within_budget() -> None:
    rng = np.random.default_rng(3)
    n_looks, k, budget = 2_000, 5, 0.05
    wrong = 0
    for _ in range(n_looks):
        before, now = rng.binomial(400, 0.3, k), rng.binomial(60, 0.3, k)
        rises = [
            rise_of(f"c{i}", (int(before[i]), 400), (int(now[i]), 60)) for i in range(k)
        ]
        found = judge_rises(rises, 60, budget=budget, least=0.0, what="missing")
        wrong += found.verdict == "alarm"

    assert 0 < wrong <= budget * n_looks


def test_quarantine_at_its_limit_stays_within_budget() -> None:
    rng = np.random.default_rng(4)
    n_looks, budget = 4_000, 0.01
    wrong = sum(
        judge_quarantine(int(k), 500, budget=budget, limit=0.05, rules={}).verdict
        == "alarm"
        for k in rng.binomial(500, 0.05, n_looks)
    )

    assert 0 < wrong <= 1.3 * budget * n_looks


def test_calibrated_probabilities_stay_within_budget() -> None:
    rng = np.random.default_rng(5)
    n_looks, n, budget = 300, 120, 0.05
    wrong = 0
    for seed in range(n_looks):
        said = rng.beta(0.5, 3, n)
        p = rng.choice((1.0, 0.1), n)
        truths = Truths(
            said, rng.random(n) < said, np.ones(n, bool), p, np.zeros(n, bool)
        )
        found = judge_calibration(truths, limit=0.0001, budget=budget, seed=seed)
        wrong += found.verdict == "alarm"

    assert 0 < wrong <= budget * n_looks + 3 * math.sqrt(budget * n_looks)


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([False] * 5, 0),
        ([True] * 5, 1),
        ([True, False, False, True], 1),
        ([True, False, False, False, True], 2),
    ],
)
def test_alerts_are_counted_as_they_are_raised(
    alarms: list[bool], expected: int
) -> None:
    assert n_alerts(alarms) == expected
