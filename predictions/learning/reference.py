"""What a model learnt from, in small: the sample that drift is measured against."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.features import (
    Column,
    Matrix,
    columns_from_json,
    columns_to_json,
)

MAX_ROWS: Final = 5_000
FORMAT: Final = 1
MAX_BYTES: Final = 256 * 2**20

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Indexes = NDArray[np.intp]


class UnreadableReference(ValueError):
    """The bytes are no reference, or one that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A sample of the rows that a version was made from.

    `matrix` [n, k] in the form of `feature_matrix`, of `columns` [k]; `scores` [n] are
    the raw scores, 0..1, that the model gives the same rows (those of all positive
    labels together). `is_held_out` [n] marks rows that it was not fitted on: only
    their scores are like those of rows to come. Rows are in time order, and like all
    items: see `drawn_rows`.
    """

    matrix: Matrix
    columns: tuple[Column, ...]
    scores: Floats
    is_held_out: Flags

    def __post_init__(self) -> None:
        """Raise UnreadableReference when the parts do not fit together."""
        n = len(self.scores)
        fits = self.matrix.shape == (n, len(self.columns))
        if not fits or self.scores.shape != (n,) or self.is_held_out.shape != (n,):
            raise UnreadableReference("its parts have different lengths")

    @property
    def held_out_scores(self) -> Floats:
        """Scores of the rows that the model was not fitted on."""
        return self.scores[self.is_held_out]

    def to_bytes(self) -> bytes:
        """Return the reference as an .npz file; equal ones give equal bytes."""
        described = {"format": FORMAT, "columns": columns_to_json(self.columns)}
        target = io.BytesIO()
        np.savez_compressed(
            target,
            about=np.frombuffer(json.dumps(described).encode(), dtype=np.uint8),
            matrix=self.matrix,
            scores=self.scores,
            is_held_out=self.is_held_out,
        )
        return target.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Reference":
        """Read what `to_bytes` wrote; nothing in it is run.

        Raises: UnreadableReference.
        """
        if len(data) > MAX_BYTES:
            raise UnreadableReference(
                f"{len(data)} bytes, at most {MAX_BYTES} are read"
            )
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as parts:
                about = json.loads(parts["about"].tobytes())
                return cls(
                    np.asarray(parts["matrix"], dtype=np.float64),
                    columns_from_json(about["columns"]),
                    np.asarray(parts["scores"], dtype=np.float64),
                    np.asarray(parts["is_held_out"], dtype=np.bool_),
                )
        except UnreadableReference:
            raise
        except (
            AttributeError,
            EOFError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            raise UnreadableReference(type(error).__name__) from error


def drawn_rows(
    weights: Floats, times: Floats, *, seed: int, max_rows: int = MAX_ROWS
) -> Indexes:
    """Return the indexes of at most `max_rows` rows, in time order, like all items.

    `weights` [n] are 1 / review probability: rows that stand for many are kept all,
    the others with the chance weight / largest weight, so that what is drawn is spread
    as if nothing had been selected for review. Seeded.
    Source: rejection sampling, von Neumann 1951.
    """
    rng = np.random.default_rng(seed)
    if len(weights) == 0:
        return np.empty(0, dtype=np.intp)
    kept = np.flatnonzero(rng.random(len(weights)) < weights / weights.max())
    if kept.size > max_rows:
        kept = rng.choice(kept, size=max_rows, replace=False)
    return kept[np.lexsort((kept, times[kept]))]
