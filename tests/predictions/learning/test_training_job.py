"""A job as files, and the process that does it, as far as it goes without one."""

import sys
from pathlib import Path

import numpy as np
import pytest

from predictions.learning import training_child, training_process
from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.candidates import CandidateFailed, train_candidate
from predictions.learning.features import Column
from predictions.learning.label_terms import LabelTerms
from predictions.learning.training_data import TrainingData
from predictions.learning.training_job import (
    Job,
    Progress,
    read_job,
    read_progress,
    say_progress,
    write_job,
)

TERMS = LabelTerms(
    ("bad", "ok"), {"bad": {"bad": 0, "ok": 3}, "ok": {"bad": 1, "ok": 0}}, 0.9
)
COLUMNS = (Column("amount", "number"), Column("kind", "category", ("a", "b")))


def made(subjects: list[str | None] | None) -> Job:
    data = TrainingData(
        matrix=np.array([[1.0, 0.0], [np.nan, 1.0], [3.0, np.nan]]),
        labels=["ok", "bad", "ok"],
        times=np.array([1.0, 2.0, 3.0]),
        columns=COLUMNS,
        label_keys=("bad", "ok"),
        positive_labels=("bad",),
        weights=np.array([1.0, 10.0, 2.5]),
        subjects=subjects,
        terms=TERMS,
    )
    spec = CandidateSpec("logistic", features=("amount",), name="small")
    reviewers = ("r-2", None, "r-1")
    return Job(data, reviewers, (spec,), 7, 0.2, 20.0, 80.0, ("a.b:c",))


def test_job_comes_back_as_it_was_without_the_names_of_subjects(tmp_path: Path) -> None:
    write_job(tmp_path, made(["anna", None, "anna"]))

    found = read_job(tmp_path)

    np.testing.assert_array_equal(found.data.matrix, made(None).data.matrix)
    assert found.data.weights.tolist() == [1.0, 10.0, 2.5]
    assert list(found.data.labels) == ["ok", "bad", "ok"]
    assert found.data.subjects == ["0", None, "0"]
    assert found.data.terms == TERMS
    assert found.reviewers == ("r-2", None, "r-1")
    assert found.candidates == made(None).candidates
    assert (found.seed, found.threshold, found.entry_points) == (7, 0.2, ("a.b:c",))
    assert all(b"anna" not in one.read_bytes() for one in tmp_path.iterdir())


def test_job_without_subjects_has_none(tmp_path: Path) -> None:
    write_job(tmp_path, made(None))

    assert read_job(tmp_path).data.subjects is None


def test_progress_is_read_as_it_was_said(tmp_path: Path) -> None:
    assert read_progress(tmp_path) is None
    say_progress(tmp_path, Progress("Training logistic", 2))
    assert read_progress(tmp_path) == Progress("Training logistic", 2)


def test_equal_candidates_are_equal_as_json() -> None:
    one = CandidateSpec("logistic", features=("b", "a"))
    other = CandidateSpec("logistic", features=("a", "b"))

    assert one.to_json() == other.to_json()
    assert CandidateSpec.from_json(one.to_json()) == other


def test_what_nobody_allowed_is_not_called(tmp_path: Path) -> None:
    spec = CandidateSpec("entry_point", "os:abort")

    with pytest.raises(CandidateFailed, match="not among the allowed"):
        train_candidate(made(None).data, spec, seed=1, threshold=0.5, allowed=())


def test_feature_that_the_snapshot_lacks_is_named() -> None:
    spec = CandidateSpec("logistic", features=("amount", "colour"))

    with pytest.raises(CandidateFailed, match="has no feature colour"):
        train_candidate(made(None).data, spec, seed=1, threshold=0.5, allowed=())


def test_too_little_memory_has_an_exit_code_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(folder: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(training_child, "run", starved)
    monkeypatch.setattr(training_child, "die_with_parent", lambda _: None)
    monkeypatch.setattr(training_child, "limit_memory", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["child", str(tmp_path), "1", "10"])

    with pytest.raises(SystemExit) as ended:
        training_child.main()

    assert ended.value.code == training_process.OUT_OF_MEMORY


def test_process_that_fails_says_by_what(tmp_path: Path) -> None:
    with (
        training_process.TrainingProcess(tmp_path, 4096, 60) as process,
        pytest.raises(training_process.TrainingStopped, match="FileNotFoundError"),
    ):
        process.is_done(wait_seconds=60)
