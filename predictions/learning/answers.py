"""What a model says of a few made-up rows: by them its artifact is known again.

Written into the report where it is trained, by the names of the columns; an artifact
whose columns were mixed up since, or another one, says something else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.features import (
    Column,
    Matrix,
    feature_matrix,
    feature_value,
    matrix_width,
)

MAX_VALUES: Final = 1_000
MIN_ROWS, MAX_ROWS = 10, 100
MOST_READ: Final = 1_000
# The same artifact on another machine; a model that reads otherwise differs by more.
SAME: Final = 1e-6
DIGITS: Final = 6

type Ask = Callable[[Matrix], Matrix]


class UnreadableAnswers(ValueError):
    """What a report holds as answers is none."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Rows by the names of their columns, and the class scores [n, n labels] of each.

    `label_keys` are in the order of the scores.
    """

    rows: tuple[Mapping[str, object], ...]
    label_keys: tuple[str, ...]
    scores: Matrix

    def to_json(self) -> dict[str, object]:
        """Return the answers as JSON data, which `from_json` reads back."""
        return {
            "rows": [dict(row) for row in self.rows],
            "label_keys": list(self.label_keys),
            "scores": self.scores.tolist(),
        }

    @classmethod
    def from_json(cls, data: Any) -> "Answers":  # noqa: ANN401 -- whoever sent it
        """Read answers from a report. Raises: UnreadableAnswers."""
        try:
            rows = tuple({**row} for row in data["rows"])
            keys = tuple(str(key) for key in data["label_keys"])
            scores = np.array(data["scores"], dtype=np.float64)
        except (LookupError, TypeError, ValueError) as error:
            raise UnreadableAnswers(type(error).__name__) from error
        if scores.shape != (len(rows), len(keys)) or not np.isfinite(scores).all():
            raise UnreadableAnswers("rows, labels and scores do not fit together")
        if not 0 < len(rows) <= MOST_READ:
            raise UnreadableAnswers(f"{len(rows)} rows, 1 to {MOST_READ} are read")
        return cls(rows, keys, scores)


def sample_answers(
    ask: Ask,
    matrix: Matrix,
    columns: Sequence[Column],
    label_keys: Sequence[str],
    *,
    seed: int,
) -> Answers:
    """Make rows like those of `matrix` [n, k], and ask for their scores.

    Each column is drawn apart from the others, numbers between the values that are
    there, so that no row is one of them; texts are left out. `ask` returns class
    scores [n, n labels] in the order of `label_keys`. Seeded. Source: own.
    """
    n = int(np.clip(MAX_VALUES // max(len(columns), 1), MIN_ROWS, MAX_ROWS))
    rng = np.random.default_rng([seed, n])
    drawn = np.full((n, matrix_width(columns)), np.nan)
    for at, column in enumerate(columns):
        drawn[:, at] = _drawn(matrix[:, at], column, n, rng)
    rows = tuple(
        {
            column.name: feature_value(column, value)
            for column, value in zip(columns, row, strict=True)
        }
        for row in drawn[:, : len(columns)].tolist()
    )
    return Answers(rows, tuple(label_keys), ask(drawn))


def _drawn(
    cells: NDArray[np.float64], column: Column, n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    known = cells[~np.isnan(cells)]
    levels, is_missing = rng.random(n), rng.random(n) < 1 - known.size / cells.size
    if not known.size or column.kind == "text":
        return np.full(n, np.nan)
    if column.kind == "number":
        values = np.quantile(known, levels)
        values = np.array([float(f"{value:.{DIGITS}g}") for value in values])
    else:
        values = np.sort(known)[(levels * known.size).astype(np.intp)]
    return np.where(is_missing, np.nan, values)


def wrong_answers(
    told: Answers, columns: Sequence[Column], label_keys: Sequence[str], ask: Ask
) -> list[str]:
    """Say in words where a model does not say what its report says that it did.

    Rows are given by the names in `columns`, whatever their order was at training.
    """
    names = {column.name for column in columns}
    if any(row.keys() != names for row in told.rows):
        return ["its report holds answers about other columns than it is said to read"]
    if sorted(told.label_keys) != sorted(label_keys):
        return ["its report holds answers with other labels"]
    order = [list(label_keys).index(key) for key in told.label_keys]
    said = ask(feature_matrix(told.rows, columns))[:, order]
    apart = np.abs(np.nan_to_num(said, nan=np.inf) - told.scores).max(axis=1)
    n_apart = int((apart > SAME).sum())
    if not n_apart:
        return []
    return [
        f"of {len(told.rows)} rows of its report, given by the names of its columns, it"
        f" says something else than its report of {n_apart}"
    ]
