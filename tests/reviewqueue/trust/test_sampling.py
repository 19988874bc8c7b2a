from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reviewqueue.trust.sampling import draw, expected_cost, is_sent_by_rule

UNIT = st.floats(0, 1)
N = 20_000
IDS = [UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0000 + n) for n in range(N)]


def draws(purpose: str, *, seed: int = 7) -> np.ndarray:
    return np.array([draw(one, seed=seed, purpose=purpose) for one in IDS])


@given(item_id=st.uuids(), seed=st.integers(0, 2**63 - 1))
def test_draw_is_in_the_unit_interval_and_replays(item_id: UUID, seed: int) -> None:
    number = draw(item_id, seed=seed, purpose="review")

    assert 0 <= number < 1
    assert draw(UUID(str(item_id)), seed=seed, purpose="review") == number


def test_draw_is_this_number() -> None:
    # Recorded draws are replayed for years: the function may never change.
    item_id = UUID("01920000-0000-7000-8000-000000000001")
    assert draw(item_id, seed=42, purpose="review") == 0.5075566618850498
    assert draw(item_id, seed=42, purpose="blind") == 0.522341752524191


@pytest.mark.parametrize("purpose", ["review", "blind", "second"])
def test_draws_over_consecutive_ids_are_uniform(purpose: str) -> None:
    assert stats.kstest(draws(purpose), "uniform").pvalue > 0.001


def test_draws_for_purposes_and_seeds_are_independent() -> None:
    columns = [
        draws("review"),
        draws("blind"),
        draws("second"),
        draws("review", seed=8),
    ]
    found = np.corrcoef(columns) - np.eye(4)
    # 4 standard errors of a correlation of independent numbers.
    assert np.abs(found).max() < 4 / np.sqrt(N)


@given(probability=UNIT, low=UNIT, high=UNIT)
def test_rule_splits_at_its_thresholds(
    probability: float, low: float, high: float
) -> None:
    assert is_sent_by_rule(probability, mode="all", low=low, high=high)
    above = is_sent_by_rule(probability, mode="above", low=low, high=high)
    assert above == (probability >= low)
    between = is_sent_by_rule(probability, mode="between", low=low, high=high)
    assert between == (low <= probability < high)


@pytest.mark.parametrize(
    ("mode", "probability", "sent"),
    [
        ("above", 0.2, True),
        ("above", 0.1999, False),
        ("between", 0.2, True),
        ("between", 0.7999, True),
        ("between", 0.8, False),
    ],
)
def test_rule_at_the_edges(mode: str, probability: float, sent: bool) -> None:
    assert is_sent_by_rule(probability, mode=mode, low=0.2, high=0.8) is sent


def test_rule_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="'some'"):
        is_sent_by_rule(0.5, mode="some", low=0, high=1)


@pytest.mark.parametrize(
    ("confidence", "is_positive", "cost"),
    [
        (0.9, True, 2.0),
        (0.9, False, 8.0),
        (1.0, False, 0.0),
        (None, True, 80.0),
        (None, False, 80.0),
    ],
)
def test_expected_cost_by_hand(
    confidence: float | None, is_positive: bool, cost: float
) -> None:
    found = expected_cost(
        confidence=confidence, error_cost=20 if is_positive else 80, greatest=80
    )
    assert found == pytest.approx(cost)
