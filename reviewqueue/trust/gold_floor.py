"""Who is surely right less often than a floor, however often one looks."""

from typing import Final

from reviewqueue.trust.bounds import upper_bound

# Of all reviewers who are right as often as the floor or more, at most this share is
# ever found below it.
ERROR: Final = 0.05
# Answers are judged in runs of so many: people learn, and tire.
N_OF_RUN: Final = 200
# Fewer answers of a run say nothing of the person; the run before still stands.
MIN_ANSWERS: Final = 20


def error_of_run(run: int) -> float:
    """Return what the run (from 0) may spend of the error: all of them together 0.05.

    Source: own; 1 / ((k + 1) (k + 2)) sums up to 1.
    """
    return ERROR / ((run + 1) * (run + 2))


def is_surely_below(n_right: int, n_answers: int, *, run: int, floor: float) -> bool:
    """Say whether the true share of right answers in a run is below `floor` (0..1).

    By a confidence sequence, so that one may look after every answer: see
    `bounds.upper_bound`. Raises: ValueError unless 0 <= n_right <= n_answers.
    """
    return upper_bound(n_right, n_answers, delta=error_of_run(run)) < floor
