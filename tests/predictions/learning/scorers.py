"""A child that scores, and a model that does as its rows ask."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from predictions.learning import artifacts
from predictions.learning.features import Matrix
from predictions.learning.scorer import Model, ScorerProcess
from tests.predictions.learning import hanging

GOOD = 0.0


def rows(*wanted: float) -> Matrix:
    return np.array([[value, 1.0] for value in wanted])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("artifacts") / "model.skops"
    fitted = hanging.Misbehaving().fit(rows(0, 0), ["bad", "ok"])
    path.write_bytes(artifacts.dump(fitted))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Model(path, sha256, n_labels=2, trusted=(hanging.TYPE_NAME,))


@pytest.fixture(scope="module")
def scorer() -> Iterator[ScorerProcess]:
    process = ScorerProcess(memory_limit_mb=2048)
    yield process
    process.close()


def assert_scores_again(scorer: ScorerProcess, model: Model) -> None:
    result = scorer.score(model, rows(GOOD), timeout_seconds=30)
    assert result.scores.tolist() == [[0.25, 0.75]]
