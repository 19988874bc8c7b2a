"""The promise of the gold floor: looked at after every answer, wrong in at most 5 %."""

import math

import numpy as np
import pytest

from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.bounds import log_evidence_below
from reviewqueue.trust.gold_floor import (
    ERROR,
    MIN_ANSWERS,
    N_OF_RUN,
    error_of_run,
    is_surely_below,
)

FLOOR = 0.8
N_RUNS = 3
N_PEOPLE = 2000


def test_runs_together_spend_the_whole_error_and_no_more() -> None:
    spent = sum(error_of_run(run) for run in range(100_000))

    assert error_of_run(0) == ERROR / 2
    assert spent == pytest.approx(ERROR, rel=1e-4)
    assert spent < ERROR


@pytest.mark.parametrize(
    ("n_right", "n", "run", "is_below"),
    [
        (9, 20, 0, True),
        (10, 20, 0, False),
        (138, 200, 0, True),
        (139, 200, 0, False),
        (9, 20, 9, False),  # a later run may spend less
        (20, 20, 0, False),
        (0, 20, 0, True),
    ],
)
def test_reviewer_is_surely_below(
    n_right: int, n: int, run: int, is_below: bool
) -> None:
    assert is_surely_below(n_right, n, run=run, floor=FLOOR) is is_below


def most_right(run: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return for each number of answers how many right ones are still below."""
    goal = -math.log(error_of_run(run))
    found = np.full(N_OF_RUN + 1, -1)
    for n in range(MIN_ANSWERS, N_OF_RUN + 1):
        below = (
            k
            for k in range(int(FLOOR * n), -1, -1)
            if log_evidence_below(k, n, rate=FLOOR) > goal
        )
        found[n] = next(below, -1)
    return found


def test_few_of_those_at_the_floor_are_ever_found_below_it() -> None:
    rng = np.random.default_rng(11)
    was_below = np.zeros(N_PEOPLE, dtype=bool)
    by_wilson = np.zeros(N_PEOPLE, dtype=bool)
    looks = np.arange(MIN_ANSWERS, N_OF_RUN + 1)
    wilson = np.array(
        [
            max(k for k in range(n) if wilson_interval(k, n).high < FLOOR)
            for n in looks.tolist()
        ]
    )
    for run in range(N_RUNS):
        right = rng.random((N_PEOPLE, N_OF_RUN)) < FLOOR
        so_far = right.cumsum(axis=1)[:, looks - 1]
        was_below |= (so_far <= most_right(run)[looks]).any(axis=1)
        by_wilson |= (so_far <= wilson).any(axis=1)

    assert was_below.mean() <= ERROR
    # The interval of a number of answers fixed before, looked at after each of them.
    assert by_wilson.mean() > 4 * ERROR
