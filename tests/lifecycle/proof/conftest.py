"""What costs a process of its own for nothing but its start is done in this one."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.services import gate_probe, training_work
from predictions.learning import training_child
from predictions.learning.scorer import ScorerProcess
from predictions.services.artifacts import scorer


class TrainsHere:
    """Stands for the process that trains."""

    def __init__(self, folder: Path, **limits: object) -> None:
        self.folder = folder

    def __enter__(self) -> "TrainsHere":
        training_child.run(self.folder)
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def is_done(self, *, wait_seconds: float) -> bool:
        return True


@contextlib.contextmanager
def shared_process() -> Iterator[ScorerProcess]:
    yield scorer()


@pytest.fixture(autouse=True)
def _few_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_work, "TrainingProcess", TrainsHere)
    monkeypatch.setattr(gate_probe, "_own_process", shared_process)
