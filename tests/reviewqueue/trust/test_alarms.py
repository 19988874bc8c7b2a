"""Alarms by lead time, against cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from reviewqueue.trust.alarms import (
    MINUTES_OF_WEEK,
    Alarm,
    AlarmScore,
    Failure,
    Terms,
    score_alarms,
)

TERMS = Terms(lead=10, horizon=120, stop_cost=900, visit_cost=60)


def scored(
    alarms: list[float], failures: list[float], *, weeks: float = 1.0
) -> AlarmScore:
    return score_alarms(
        [Alarm("m", at) for at in alarms],
        [Failure("m", at) for at in failures],
        TERMS,
        machine_minutes=weeks * MINUTES_OF_WEEK,
    )


@pytest.mark.parametrize(
    ("at", "caught", "late"),
    [
        (879.9, 0, 0),  # before the horizon
        (880, 1, 0),
        (990, 1, 0),  # exactly the lead
        (990.1, 0, 1),
        (1000, 0, 1),
        (1000.1, 0, 0),  # after it
    ],
)
def test_a_failure_is_caught_by_the_lead_of_an_alarm(
    at: float, caught: int, late: int
) -> None:
    found = scored([at], [1000]).failures

    assert (found.n_caught, found.n_late, found.n_missed) == (
        caught,
        late,
        1 - caught - late,
    )


def test_visits_false_alarms_and_costs() -> None:
    # One visit at 900 (with 920 and 995), one for nothing at 2000, one at 5000.
    found = scored([900, 920, 995, 2000, 5000], [1000, 5005, 9000], weeks=2)

    assert (found.n_alarms, found.n_visits, found.n_false) == (5, 3, 1)
    assert found.failures.leads == (100,)
    assert (found.failures.n_late, found.failures.n_missed) == (1, 1)
    assert found.rate == 0.5
    assert found.cost == 2 * 900 + 3 * 60
    assert found.cost_without == 3 * 900
    assert found.saved == 720


def test_alarms_are_of_their_own_machine() -> None:
    found = score_alarms(
        [Alarm("a", 900), Alarm("b", 900)],
        [Failure("a", 1000, "tool"), Failure("c", 1000, "power")],
        TERMS,
        machine_minutes=MINUTES_OF_WEEK,
    )

    assert (found.n_visits, found.n_false) == (2, 1)
    assert found.by_kind["tool"].n_caught == 1
    assert found.by_kind["power"].n_missed == 1


def test_what_a_visit_found_was_no_false_alarm() -> None:
    found = score_alarms(
        [Alarm("m", 900, is_founded=True)], [], TERMS, machine_minutes=1
    )

    assert (found.n_visits, found.n_false) == (1, 0)


def test_the_interval_is_the_exact_one_of_a_count() -> None:
    found = scored([900.0 * i for i in range(1, 5)], [], weeks=2)

    assert found.n_false == 4
    assert found.rate_low is not None
    assert found.rate_high is not None
    assert poisson.sf(3, found.rate_low * 2) == pytest.approx(0.025)
    assert poisson.cdf(4, found.rate_high * 2) == pytest.approx(0.025)
    nothing = score_alarms([], [], TERMS, machine_minutes=0)
    assert (nothing.rate, nothing.rate_low, nothing.rate_high) == (None, None, None)


@given(
    st.lists(st.floats(0, 5000), max_size=30), st.lists(st.floats(0, 5000), max_size=10)
)
def test_counts_add_up(alarms: list[float], failures: list[float]) -> None:
    found = scored(alarms, failures)

    assert found.failures.n == len(failures)
    assert min(found.failures.n_caught, found.failures.n_late) >= 0
    assert found.failures.n_missed >= 0
    assert found.n_false <= found.n_visits <= found.n_alarms == len(alarms)
    assert all(10 <= lead <= 120 for lead in found.failures.leads)
