"""What monitors make of figures: exact values, limits, words."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from lifecycle.judging.business import (
    Measured,
    Rows,
    Terms,
    change_of,
    cost_per_item,
    is_worse,
    judge_business,
    measure,
)
from lifecycle.judging.found import at_most
from lifecycle.judging.infrastructure import (
    judge_age,
    judge_arrivals,
    judge_cost,
    judge_failures,
    judge_latency,
    judge_looks,
    judge_workers,
)
from lifecycle.judging.model import Truths, judge_accuracy, judge_calibration
from lifecycle.judging.shares import judge_quarantine, judge_rises, rise_of

TERMS = Terms(false_positive=20, false_negative=80, review_per_item=0.0)


def rows(*groups: tuple[bool, bool, float, int]) -> Rows:
    said, true, p, copies = zip(*groups, strict=True) if groups else ((), (), (), ())
    return Rows(
        np.array(said, dtype=bool),
        np.array(true, dtype=bool),
        np.array(p, dtype=float),
        np.array(copies, dtype=float),
    )


def test_limits_raise_above_themselves_alone() -> None:
    assert at_most("", 5.0, 5).verdict == "fine"
    assert at_most("", 5.1, 5).verdict == "alarm"
    assert at_most("", 1e9, 0).verdict == "fine"  # 0 is never


def test_latency_needs_thirty() -> None:
    assert judge_latency(900.0, 29, limit_ms=100).verdict == "too_few"
    assert judge_latency(900.0, 30, limit_ms=100).verdict == "alarm"
    assert judge_latency(90.0, 30, limit_ms=100).verdict == "fine"


def test_failures_are_a_share() -> None:
    found = judge_failures(3, 100, limit=0.01)

    assert (found.verdict, found.value, found.n) == ("alarm", 0.03, 100)
    assert judge_failures(1, 100, limit=0.01).verdict == "fine"
    assert judge_failures(5, 10, limit=0.01).verdict == "too_few"


def test_ages_and_signs_of_life() -> None:
    assert judge_age("case", None, limit_minutes=5).verdict == "fine"
    assert judge_age("case", 301, limit_minutes=5).verdict == "alarm"
    assert judge_arrivals(None, limit_minutes=5).verdict == "too_few"
    assert judge_arrivals(3600, limit_minutes=30).verdict == "alarm"
    unknown = judge_workers(None, limit_seconds=60, is_known=False)
    assert unknown.verdict == "silent"
    assert judge_workers(61, limit_seconds=60, is_known=True).verdict == "alarm"
    assert judge_looks(None, limit_minutes=15).verdict == "fine"
    gap = judge_looks(180, limit_minutes=15)
    assert (gap.verdict, gap.says.replace("\N{NO-BREAK SPACE}", " ")) == (
        "alarm",
        "Nobody looked for 3 h.",
    )


def test_cost_of_a_decision() -> None:
    found = judge_cost(2.5, 40, per_minute=0.8, currency="EUR", limit=1.9)

    assert (found.verdict, found.value) == ("alarm", 2.0)
    few = judge_cost(2.5, 9, per_minute=0.8, currency="EUR", limit=1.9)
    assert few.verdict == "too_few"


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_chance_of_a_rise_is_fishers(k0: int, r0: int, k1: int, r1: int) -> None:
    found = rise_of("a", (k0, k0 + r0), (k1, k1 + r1))

    expected = fisher_exact([[k1, r1], [k0, r0]], alternative="greater").pvalue
    assert math.isclose(found.chance, expected, rel_tol=1e-9, abs_tol=1e-12)


def test_rise_needs_to_be_sure_and_large() -> None:
    small = [rise_of("a", (0, 5000), (20, 500))]
    large = [rise_of("a", (0, 5000), (100, 500)), rise_of("b", (9, 5000), (1, 500))]

    def judged(rises: list[object]) -> str:
        return judge_rises(rises, 500, budget=1e-5, least=0.1, what="missing").verdict  # type: ignore[arg-type]

    assert judged([*small]) == "fine"
    assert judged([*large]) == "alarm"
    found = judge_rises(large, 500, budget=1e-5, least=0.1, what="missing")
    assert found.value == 0.2
    assert [(one["name"], one["surely"]) for one in found.data["rises"]] == [  # type: ignore[attr-defined]
        ("a", True),
        ("b", False),
    ]


def test_quarantine_names_the_rules() -> None:
    found = judge_quarantine(
        100, 500, budget=1e-5, limit=0.05, rules={"amount: maximum": 90, "b: type": 10}
    )

    assert (found.verdict, found.value) == ("alarm", 0.2)
    assert "amount: maximum, b: type" in found.says
    assert (
        judge_quarantine(30, 500, budget=1e-5, limit=0.05, rules={}).verdict == "fine"
    )
    assert judge_quarantine(500, 500, budget=1e-5, limit=0, rules={}).verdict == "fine"


def truths(said: float, share: float, n: int, *, right: float = 0.9) -> Truths:
    at = np.arange(n)
    return Truths(
        np.full(n, said),
        at < share * n,
        at < right * n,
        np.ones(n),
        np.zeros(n, dtype=bool),
    )


def test_calibration_needs_limit_and_chance() -> None:
    off = judge_calibration(truths(0.2, 0.5, 400), limit=0.05, budget=0.001, seed=1)
    right = judge_calibration(truths(0.2, 0.2, 400), limit=0.05, budget=0.001, seed=1)
    few = judge_calibration(truths(0.2, 0.5, 49), limit=0.05, budget=0.001, seed=1)

    assert off.verdict == "alarm"
    assert off.value == pytest.approx(0.3)
    assert 0.05 < float(str(off.data["by_chance"])) < 0.1
    assert right.verdict == "fine"
    assert few.verdict == "too_few"


def test_accuracy_is_held_against_the_report() -> None:
    known = truths(0.2, 0.2, 400, right=0.7)

    assert judge_accuracy(known, reported_low=0.85, budget=0.001).verdict == "alarm"
    assert judge_accuracy(known, reported_low=0.72, budget=0.001).verdict == "fine"
    assert judge_accuracy(known, reported_low=None, budget=0.001).verdict == "fine"


def test_cost_counts_what_nobody_saw() -> None:
    # 10 drawn at 10 % stand for 100: 90 of them unseen, of which one in ten is missed
    drawn = rows((False, False, 0.1, 9), (False, True, 0.1, 1))
    seen = rows((False, True, 1.0, 10))

    assert cost_per_item(drawn, TERMS).value == pytest.approx(0.9 * 0.1 * 80)
    assert cost_per_item(seen, TERMS).value == 0
    assert cost_per_item(seen, TERMS).high == 0
    assert cost_per_item(rows(), TERMS).value is None


def test_cost_without_errors_has_an_upper_end() -> None:
    found = cost_per_item(rows((False, False, 0.1, 50)), TERMS)

    assert found.value == found.low == 0
    assert found.high == pytest.approx(80 * 0.9 * 0.0713, abs=0.01)


def test_cost_is_covered_by_its_interval() -> None:
    rng = np.random.default_rng(8)
    n, covered, n_runs = 4_000, 0, 200
    for _ in range(n_runs):
        is_true = rng.random(n) < 0.1
        said = np.where(rng.random(n) < 0.15, ~is_true, is_true)
        p = rng.choice((1.0, 0.2), n)
        drawn = rng.random(n) < p
        costs = np.where(said & ~is_true, 20, np.where(~said & is_true, 80, 0))
        expected = float((costs * (1 - p)).mean())
        sample = Rows(said[drawn], is_true[drawn], p[drawn], np.ones(int(drawn.sum())))
        found = cost_per_item(sample, TERMS)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= expected <= found.high

    assert covered / n_runs >= 0.93


def test_measures_of_one_sample() -> None:
    sample = rows(
        (True, True, 1.0, 30), (True, False, 1.0, 10), (False, False, 1.0, 60)
    )

    def value(what: object) -> float | None:
        return measure(what, sample, terms=TERMS, seen=(25, 100)).value  # type: ignore[arg-type]

    assert value("precision") == 0.75
    assert value("false_alarms_per_hit") == pytest.approx(1 / 3)
    assert value("recall") == 1.0
    assert value("false_positive_rate") == pytest.approx(1 / 7)
    assert value("review_share") == 0.25


def test_false_alarms_per_hit_has_no_end_where_there_may_be_no_hit() -> None:
    found = measure(
        "false_alarms_per_hit",
        rows((True, False, 1.0, 4)),
        terms=TERMS,
        seen=(4, 4),
    )

    assert found.value is None
    assert found.n == 4


def test_change_has_the_interval_of_both() -> None:
    before = Measured(0.5, 0.4, 0.6, 100)
    after = Measured(0.7, 0.65, 0.75, 300)

    found = change_of(before, after)

    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - math.hypot(0.05, 0.1))
    assert found.high == pytest.approx(0.2 + math.hypot(0.05, 0.1))
    assert change_of(before, Measured(None, None, None, 0)).value is None


def test_aim_is_on_the_side_of_its_measure() -> None:
    found = Measured(0.5, 0.4, 0.6, 100)

    assert is_worse("precision", found, 0.7)
    assert not is_worse("precision", found, 0.3)
    assert is_worse("review_share", found, 0.3)
    assert not is_worse("review_share", found, 0.5)


def test_business_says_value_and_aim() -> None:
    found = Measured(0.5, 0.4, 0.6, 100)

    missed = judge_business("precision", found, found, aim=0.7, currency="EUR")
    few = judge_business(
        "precision", Measured(0.5, 0.1, 0.9, 29), found, aim=0.7, currency="EUR"
    )

    assert missed.verdict == "alarm"
    assert missed.says.replace("\N{NO-BREAK SPACE}", " ") == (
        "Precision: 50 %, n = 100; the aim is 70 %."
    )
    assert few.verdict == "too_few"
