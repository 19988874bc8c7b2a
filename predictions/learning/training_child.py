"""The process that trains: started by `training_process.py`, reads and writes a folder.

It knows no database, no settings and no secrets; what it is told to train it trains on
the rows that lie beside, and killing it costs nothing but its own work.
"""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from predictions.learning.artifacts import dump
from predictions.learning.calibration import apply_calibration
from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.candidates import (
    CandidateFailed,
    train_candidate,
    what_and_where,
    with_columns,
)
from predictions.learning.circumstances import data_sha256, versions
from predictions.learning.comparison import (
    Figures,
    Floats,
    HeldOut,
    Indexes,
    OwnCalls,
    side_by_side,
)
from predictions.learning.features import columns_to_json
from predictions.learning.problems import find_problems
from predictions.learning.recommendation import choose_labels, unit_sum
from predictions.learning.scorer_child import die_with_parent, limit_memory
from predictions.learning.splits import split_by_time
from predictions.learning.training import TooFewLabels, TrainedModel
from predictions.learning.training_data import TrainingData
from predictions.learning.training_job import (
    ERROR,
    RESULT,
    Job,
    Progress,
    artifact_path,
    read_job,
    reference_path,
    say_progress,
    write_json,
)

OUT_OF_MEMORY: Final = 71  # the exit code that says so


def run(folder: Path) -> None:
    """Do the whole job and write its result."""
    job = read_job(folder)
    say_progress(folder, Progress("Looking for problems in the data", 0))
    problems = find_problems(job.data, seed=job.seed, reviewers=job.reviewers)
    trained: dict[int, TrainedModel] = {}
    results: list[dict[str, object]] = []
    for index, spec in enumerate(job.candidates):
        say_progress(folder, Progress(f"Training {spec.title}", 1 + index))
        try:
            trained[index] = _train(job, spec)
        except (CandidateFailed, TooFewLabels) as error:
            is_short = isinstance(error, TooFewLabels)
            results.append({"why_not": str(error), "is_too_few": is_short})
        else:
            results.append(_keep(folder, index, trained[index]))
    say_progress(folder, Progress("Comparing", 1 + len(job.candidates)))
    for index, figures in _compared(job, trained).items():
        results[index]["figures"] = figures.to_json()
    result = {
        "problems": [one.to_json() for one in problems.found],
        "reviewers": [_as_json(one) for one in problems.reviewers],
        "candidates": results,
        "data_sha256": data_sha256(job.data),
        "versions": versions(),
    }
    write_json(folder, RESULT, result)


def _train(job: Job, spec: CandidateSpec) -> TrainedModel:
    return train_candidate(
        job.data,
        spec,
        seed=job.seed,
        threshold=job.threshold,
        allowed=job.entry_points,
    )


def _keep(folder: Path, index: int, model: TrainedModel) -> dict[str, object]:
    """Write the files of a candidate; return what its registration needs."""
    artifact_path(folder, index).write_bytes(dump(model.pipeline))
    reference_path(folder, index).write_bytes(model.reference.to_bytes())
    return {
        "columns": columns_to_json(model.columns),
        "label_keys": list(model.label_keys),
        "calibration": model.calibration.to_json(),
        "references": model.references,
        "report": model.report,
    }


def _compared(job: Job, trained: Mapping[int, TrainedModel]) -> dict[int, Figures]:
    """Hold the candidates against each other on the newest rows, the same for all."""
    data = job.data
    rows = split_by_time(data.times, data.subjects).test
    weights = np.ones(len(data.labels)) if data.weights is None else data.weights
    held_out = HeldOut(
        truth=np.isin(np.asarray(data.labels)[rows], data.positive_labels),
        weights=weights[rows],
        threshold=job.threshold,
        false_positive=job.false_positive,
        false_negative=job.false_negative,
        subjects=data.subjects and [data.subjects[row] for row in rows],
    )
    scored, own = {}, {}
    for index, model in trained.items():
        names = job.candidates[index].features
        matrix = with_columns(data, names).matrix[rows]
        positives = np.isin(model.label_keys, data.positive_labels)
        scores = np.asarray(model.pipeline.predict_proba(matrix), dtype=np.float64)
        known = apply_calibration(model.calibration, scores)
        raw, calibrated = (unit_sum(part[:, positives]) for part in (scores, known))
        scored[str(index)] = raw, calibrated
        own[str(index)] = OwnCalls(model.threshold, _costs(known, model, data, rows))
    found = side_by_side(scored, held_out, seed=job.seed, own=own)
    return {int(key): figures for key, figures in found.items()}


def _costs(
    known: Floats, model: TrainedModel, data: TrainingData, rows: Indexes
) -> Floats | None:
    """Return what a model's recommendations cost by the matrix [n]; None without."""
    matrix = data.terms.cost_rows(data.label_keys, model.label_keys)
    costs = data.terms.cost_rows(model.label_keys, model.label_keys)
    if matrix is None:
        return None
    said = choose_labels(known, positives=(), threshold=model.threshold, costs=costs)
    place = {key: index for index, key in enumerate(data.label_keys)}
    truths = [place[data.labels[row]] for row in rows]
    return np.asarray(matrix, dtype=np.float64)[truths, said]


def _as_json(reviewer: Any) -> dict[str, object]:  # noqa: ANN401 -- a dataclass with slots
    return {name: getattr(reviewer, name) for name in reviewer.__slots__}


def main() -> None:
    """Train in the folder of the first argument: parent's pid, memory limit in MB."""
    folder, parent_pid, memory_limit_mb = sys.argv[1:4]
    die_with_parent(int(parent_pid))
    limit_memory(int(memory_limit_mb))
    warnings.simplefilter("ignore")
    try:
        run(Path(folder))
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except Exception as error:  # whatever it is, the parent is told what, and where
        write_json(Path(folder), ERROR, what_and_where(error))
        raise


if __name__ == "__main__":
    main()
