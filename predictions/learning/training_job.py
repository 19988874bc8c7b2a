"""A training job as files in a folder: what to do, the rows, and what came of it.

The process that trains reads and writes here and nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.features import columns_from_json, columns_to_json
from predictions.learning.label_terms import LabelTerms
from predictions.learning.training_data import TrainingData

SPEC: Final = "spec.json"
ROWS: Final = "rows.npz"
PROGRESS: Final = "progress.json"
RESULT: Final = "result.json"
ERROR: Final = "error.json"
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Job:
    """All that a training process is given.

    `reviewers` [n] gave the labels, where that is known. `false_positive` and
    `false_negative` are what a wrong call costs; `entry_points` those that may be
    called.
    """

    data: TrainingData
    reviewers: tuple[str | None, ...]
    candidates: tuple[CandidateSpec, ...]
    seed: int
    threshold: float
    false_positive: float
    false_negative: float
    entry_points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: the step that is under way, `n_done` of all are over."""

    step: str
    n_done: int


def write_job(folder: Path, job: Job) -> None:
    """Write a job; subjects and reviewers go in as numbers, not as names.

    `reviewers` keep their names in the description: pseudonyms, which the result needs.
    """
    data = job.data
    names = sorted({one for one in job.reviewers if one is not None})
    spec = {
        "columns": columns_to_json(data.columns),
        "label_keys": data.label_keys,
        "positive_labels": data.positive_labels,
        "terms": data.terms.to_json(),
        "has_subjects": data.subjects is not None,
        "reviewers": names,
        "candidates": [one.to_json() for one in job.candidates],
        "seed": job.seed,
        "threshold": job.threshold,
        "false_positive": job.false_positive,
        "false_negative": job.false_negative,
        "entry_points": job.entry_points,
    }
    (folder / SPEC).write_text(json.dumps(spec), encoding="utf-8")
    np.savez(
        folder / ROWS,
        matrix=data.matrix,
        times=data.times,
        weights=np.ones(len(data.labels)) if data.weights is None else data.weights,
        labels=_codes(data.labels, data.label_keys),
        subjects=_subject_codes(data.subjects, len(data.labels)),
        reviewers=_codes(job.reviewers, names),
    )


def read_job(folder: Path) -> Job:
    """Read what `write_job` wrote."""
    spec = json.loads((folder / SPEC).read_text(encoding="utf-8"))
    with np.load(folder / ROWS, allow_pickle=False) as rows:
        subjects = _named(rows["subjects"]) if spec["has_subjects"] else None
        data = TrainingData(
            matrix=rows["matrix"],
            labels=[spec["label_keys"][code] for code in rows["labels"]],
            times=rows["times"],
            columns=columns_from_json(spec["columns"]),
            label_keys=tuple(spec["label_keys"]),
            positive_labels=tuple(spec["positive_labels"]),
            weights=rows["weights"],
            subjects=subjects,
            terms=LabelTerms.from_json(spec["terms"]),
        )
        reviewers = tuple(
            None if code == NOBODY else spec["reviewers"][code]
            for code in rows["reviewers"]
        )
    return Job(
        data=data,
        reviewers=reviewers,
        candidates=tuple(CandidateSpec.from_json(c) for c in spec["candidates"]),
        seed=spec["seed"],
        threshold=spec["threshold"],
        false_positive=spec["false_positive"],
        false_negative=spec["false_negative"],
        entry_points=tuple(spec["entry_points"]),
    )


def write_json(folder: Path, name: str, data: object) -> None:
    """Write JSON so that a reader never sees half of it."""
    half = folder / f"{name}.part"
    half.write_text(json.dumps(data, allow_nan=False), encoding="utf-8")
    half.replace(folder / name)


def say_progress(folder: Path, progress: Progress) -> None:
    """Leave word of how far it is."""
    write_json(folder, PROGRESS, asdict(progress))


def read_progress(folder: Path) -> Progress | None:
    """Return how far it is; None before the first word of it."""
    try:
        data = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Progress(**data)


def artifact_path(folder: Path, index: int) -> Path:
    """Return where the file of a candidate is."""
    return folder / f"candidate-{index}.skops"


def reference_path(folder: Path, index: int) -> Path:
    """Return where the sample of a candidate's rows is."""
    return folder / f"candidate-{index}.npz"


def read_result(folder: Path) -> Mapping[str, Any]:
    """Read what the training process wrote at its end. Raises: FileNotFoundError."""
    data: Mapping[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return data


def read_error(folder: Path) -> str:
    """Return what ended the training process, where it could say so itself."""
    try:
        return str(json.loads((folder / ERROR).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ""


def _codes(values: Sequence[str | None], known: Sequence[str]) -> NDArray[np.int64]:
    index = {name: code for code, name in enumerate(known)}
    codes = [NOBODY if one is None else index[one] for one in values]
    return np.array(codes, dtype=np.int64)


def _subject_codes(subjects: Sequence[str | None] | None, n: int) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    codes = [
        NOBODY if one is None else known.setdefault(one, len(known))
        for one in subjects or [None] * n
    ]
    return np.array(codes, dtype=np.int64)


def _named(codes: NDArray[np.int64]) -> list[str | None]:
    return [None if code == NOBODY else str(code) for code in codes.tolist()]
