import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from predictions.learning.comparison import HeldOut, OwnCalls, side_by_side


def rows(truth: list[bool], **changes: object) -> HeldOut:
    fields: dict[str, object] = {
        "truth": np.array(truth, dtype=np.bool_),
        "weights": np.ones(len(truth)),
        "threshold": 0.5,
        "false_positive": 10.0,
        "false_negative": 40.0,
    }
    return HeldOut(**(fields | changes))


def test_figures_of_a_hand_counted_case() -> None:
    said = np.array([0.9, 0.6, 0.4, 0.1])

    found = side_by_side({"a": (said, said)}, rows([True, False, True, False]), seed=1)[
        "a"
    ]

    assert found.auc.value == 0.75  # 3 of 4 pairs in order
    assert found.recall[:1] == found.precision[:1] == (0.5,)
    assert (found.false_positive_rate.k, found.false_positive_rate.n) == (1, 2)
    assert found.cost.value == (10 + 40) / 4
    assert found.brier.value == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found.calibration_error.value == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)
    assert (found.dearer.value, found.dearer.low, found.dearer.high) == (0, 0, 0)
    assert {one.n for one in (found.auc, found.cost, found.brier)} == {4}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans(), st.floats(1, 9)
        ),
        min_size=2,
        max_size=30,
    )
)
def test_auc_is_scikit_learns(cells: list[tuple[float, bool, float]]) -> None:
    scores, truth, weights = (np.array(one) for one in zip(*cells, strict=True))
    held_out = rows(truth.tolist(), weights=weights)

    figures = side_by_side({"a": (scores, scores)}, held_out, seed=1, n_resamples=0)
    found = figures["a"].auc.value

    if truth.all() or not truth.any():
        assert found is None
    else:
        expected = roc_auc_score(truth, scores, sample_weight=weights)
        assert found == pytest.approx(expected)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(40):
        truth = rng.random(150) < 0.3
        said = np.where(rng.random(150) < 0.8, truth, ~truth) * 0.8 + 0.1
        figures = side_by_side(
            {"a": (said, said)}, rows(truth.tolist()), seed=seed, n_resamples=150
        )
        found = figures["a"]
        cost = 0.2 * (0.7 * 10 + 0.3 * 40)  # a fifth of all calls is wrong
        assert found.cost.low is not None
        assert found.cost.high is not None
        covered += found.cost.low <= cost <= found.cost.high

    assert 33 <= covered <= 40


def test_rows_of_one_subject_come_together_and_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    truth = np.repeat(rng.random(30) < 0.5, 10)
    said = np.repeat(rng.random(30), 10)
    alone = rows(truth.tolist())
    together = rows(truth.tolist(), subjects=[str(i // 10) for i in range(300)])

    widths = [
        side_by_side({"a": (said, said)}, one, seed=1)["a"].auc
        for one in (alone, together)
    ]

    narrow, wide = ((one.high or 0) - (one.low or 0) for one in widths)
    assert wide > 2 * narrow


def test_dearer_is_paired_with_the_cheapest() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(400) < 0.3
    good = np.where(rng.random(400) < 0.9, truth, ~truth).astype(float)
    same, worse = good.copy(), np.zeros(400)

    found = side_by_side(
        {"good": (good, good), "same": (same, same), "worse": (worse, worse)},
        rows(truth.tolist()),
        seed=1,
    )

    assert (found["same"].dearer.low, found["same"].dearer.high) == (0, 0)
    assert found["worse"].dearer.low is not None
    assert found["worse"].dearer.low > 0
    difference = (found["worse"].cost.value or 0) - (found["good"].cost.value or 0)
    assert found["worse"].dearer.value == pytest.approx(difference)
    assert found["good"].to_json()["recall"]["n"] == int(truth.sum())


def test_candidate_may_have_a_threshold_and_costs_of_its_own() -> None:
    said = np.array([0.9, 0.4, 0.2, 0.1])
    held_out = rows([True, True, False, False])
    own = {"b": OwnCalls(0.3, np.array([0.0, 7.0, 0.0, 1.0]))}
    found = side_by_side(
        {"a": (said, said), "b": (said, said)}, held_out, seed=1, own=own
    )

    assert (found["a"].recall.k, found["b"].recall.k) == (1, 2)
    assert found["b"].cost.value == 2


def test_nothing_held_out_says_nothing() -> None:
    none = np.empty(0)

    found = side_by_side({"a": (none, none)}, rows([]), seed=1)["a"]

    assert (found.auc.value, found.cost.value, found.auc.n) == (None, None, 0)
