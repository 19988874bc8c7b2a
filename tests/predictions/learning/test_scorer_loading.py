"""What a child loads and what it refuses; who waits for a model, and who does not."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from predictions.learning.artifacts import UnfitArtifact, UntrustedTypes
from predictions.learning.failures import (
    ArtifactChanged,
    ArtifactMissing,
    ArtifactUntrusted,
    ModelTimedOut,
)
from predictions.learning.features import Column
from predictions.learning.score_results import ScoreResult
from predictions.learning.scorer import (
    Model,
    ScorerProcess,
)
from tests.predictions.learning import hanging
from tests.predictions.learning.scorers import GOOD, assert_scores_again, rows
from tests.predictions.learning.scorers import model as model
from tests.predictions.learning.scorers import scorer as scorer

COLUMNS = (Column("wanted", "number"), Column("other", "number"))


def test_score_names_a_missing_file(
    scorer: ScorerProcess, model: Model, tmp_path: Path
) -> None:
    gone = Model(tmp_path / "gone.skops", "0" * 64, 2, model.trusted)
    with pytest.raises(ArtifactMissing):
        scorer.score(gone, rows(GOOD), timeout_seconds=30)


def test_score_names_a_changed_file(
    scorer: ScorerProcess, model: Model, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.skops"
    changed.write_bytes(model.artifact.read_bytes() + b"x")
    with pytest.raises(ArtifactChanged):
        scorer.score(
            Model(changed, "0" * 64, 2, model.trusted), rows(GOOD), timeout_seconds=30
        )


def test_score_refuses_types_that_nobody_trusts(model: Model) -> None:
    process = ScorerProcess()
    with pytest.raises(ArtifactUntrusted, match=hanging.TYPE_NAME):
        process.score(
            Model(model.artifact, model.sha256, 2), rows(GOOD), timeout_seconds=30
        )
    process.close()


def test_check_accepts_a_model_that_fits(scorer: ScorerProcess, model: Model) -> None:
    facts = scorer.check(model, columns=COLUMNS, label_keys=["ok", "bad"])
    assert facts.label_keys == ("bad", "ok")
    assert facts.accepts_missing


def test_check_names_what_does_not_fit(scorer: ScorerProcess, model: Model) -> None:
    with pytest.raises(UnfitArtifact) as caught:
        scorer.check(model, columns=COLUMNS[:1], label_keys=["ok", "hold"])
    assert caught.value.problems == (
        "it takes 2 inputs, 1 columns are given",
        "its classes are bad, ok, the labels hold, ok",
    )


def test_check_names_untrusted_types(scorer: ScorerProcess, model: Model) -> None:
    unnamed = Model(model.artifact, model.sha256, 2)
    with pytest.raises(UntrustedTypes) as caught:
        scorer.check(unnamed, columns=COLUMNS, label_keys=["ok", "bad"])
    assert caught.value.names == (hanging.TYPE_NAME,)


def test_load_leaves_nothing_to_wait_for(model: Model) -> None:
    own = ScorerProcess(memory_limit_mb=2048)
    assert not own.is_loaded(model)

    own.load(model)

    assert own.is_loaded(model)
    own.close()
    assert not own.is_loaded(model)


def test_who_comes_while_a_model_is_loaded_waits_for_it(model: Model) -> None:
    """Starting takes longer than the budget of either of them."""
    own = ScorerProcess(memory_limit_mb=2048)
    together = threading.Barrier(2)

    def ask(_: int) -> ScoreResult:
        together.wait()
        own.load(model)
        return own.score(model, rows(GOOD), timeout_seconds=0.5)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, range(2)))
    own.close()

    assert [one.scores.tolist() for one in answers] == [[[0.25, 0.75]]] * 2


def test_load_of_a_loaded_model_waits_for_nobody(
    scorer: ScorerProcess, model: Model
) -> None:
    scorer.load(model)
    asked = threading.Event()

    def hang() -> None:
        asked.set()
        with pytest.raises(ModelTimedOut):
            scorer.score(model, rows(hanging.HANG), timeout_seconds=2)

    busy = threading.Thread(target=hang)
    busy.start()
    asked.wait()
    time.sleep(0.3)
    began = time.monotonic()
    scorer.load(model)
    seconds = time.monotonic() - began
    busy.join()

    assert seconds < 1


def test_broken_artifact_fails_at_its_loading(
    scorer: ScorerProcess, model: Model, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactMissing):
        scorer.load(replace(model, artifact=tmp_path / "none", sha256="0" * 64))
    assert_scores_again(scorer, model)
