"""What a model said of a batch, row by row, and how rows that break it are found."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from predictions.learning.artifacts import bad_rows as rows_that_are_no_probabilities
from predictions.learning.failures import ModelOutputWrong, ModelRaised, ScoringFailed
from predictions.learning.features import Matrix

MAX_ISOLATING_CALLS: Final = 64


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Class scores [n, n labels]; rows in `bad_rows` are NaN, with their failure.

    `fields` has what is said besides of a row, as it came, where something is said.
    """

    scores: Matrix
    bad_rows: Mapping[int, ScoringFailed] = field(default_factory=dict)
    fields: Mapping[int, object] = field(default_factory=dict)


class PoisonSearch:
    """Halve a batch until the rows that make the model raise stand alone.

    `ask` scores rows within so many seconds.
    """

    def __init__(
        self,
        ask: Callable[[Matrix, float], ScoreResult],
        matrix: Matrix,
        n_labels: int,
        deadline: float,
    ) -> None:
        self._ask = ask
        self._matrix, self._deadline = matrix, deadline
        self._scores = np.full((len(matrix), n_labels), np.nan)
        self._bad: dict[int, ScoringFailed] = {}
        self._fields: dict[int, object] = {}

    def run(self, failure: ScoringFailed) -> ScoreResult:
        """Return the scores of the good rows; `failure` is what the batch raised."""
        pending = self._split(0, len(self._matrix), failure)
        n_calls = 0
        while pending:
            start, stop = pending.pop()
            left = self._deadline - time.monotonic()
            if n_calls >= MAX_ISOLATING_CALLS or left <= 0:
                self._give_up(start, stop, failure)
                continue
            n_calls += 1
            try:
                self._score(start, stop, left)
            except ModelRaised as error:
                pending += self._split(start, stop, error)
            except ScoringFailed as error:
                self._give_up(start, stop, error)
        bad = dict(sorted(self._bad.items()))
        return ScoreResult(self._scores, bad, self._fields)

    def _score(self, start: int, stop: int, seconds: float) -> None:
        rows = self._matrix[start:stop]
        result = self._ask(rows, seconds)
        self._scores[start:stop] = result.scores
        self._bad |= {start + i: failure for i, failure in result.bad_rows.items()}
        self._fields |= {start + i: said for i, said in result.fields.items()}

    def _split(
        self, start: int, stop: int, failure: ScoringFailed
    ) -> list[tuple[int, int]]:
        if stop - start == 1:
            self._give_up(start, stop, failure)
            return []
        middle = (start + stop) // 2
        return [(start, middle), (middle, stop)]

    def _give_up(self, start: int, stop: int, failure: ScoringFailed) -> None:
        self._bad |= dict.fromkeys(range(start, stop), failure)


def judged_scores(scores: Matrix, *, n_rows: int, n_labels: int) -> ScoreResult:
    """Set rows that are no probabilities apart. Raises: ModelOutputWrong."""
    if scores.shape != (n_rows, n_labels):
        raise ModelOutputWrong(f"shape {scores.shape}, expected {(n_rows, n_labels)}")
    bad = rows_that_are_no_probabilities(scores)
    if bad.size == 0:
        return ScoreResult(scores)
    failure = ModelOutputWrong("not probabilities that sum to 1")
    judged = scores.copy()
    judged[bad] = np.nan
    return ScoreResult(judged, dict.fromkeys(bad.tolist(), failure))
