"""Start the process that trains, look after it, and end it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from predictions.learning.scorer_start import KEPT_VARIABLES
from predictions.learning.training_job import read_error

# as `training_child`, which would be seconds to import here
OUT_OF_MEMORY: Final = 71
ENDING_SECONDS: Final = 10.0


class TrainingStopped(Exception):
    """The process ended without a result; the message says why."""


class TrainingKilled(TrainingStopped):
    """Something outside ended it: worth another try."""


@dataclass
class TrainingProcess:
    """One training job in a child process, which ends with this one.

    A context: on leaving, the child is killed where it still runs.
    """

    folder: Path
    memory_limit_mb: int
    limit_seconds: float
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._child = subprocess.Popen(  # noqa: S603 -- our own module, no shell
            [
                sys.executable,
                "-P",
                "-m",
                "predictions.learning.training_child",
                str(self.folder),
                str(os.getpid()),
                str(self.memory_limit_mb),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what code prints may hold the values of items
            cwd=self.folder,
            env=_environment(),
        )
        return self

    def __exit__(self, *exc: object) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(ENDING_SECONDS)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._running.pid

    def is_done(self, *, wait_seconds: float) -> bool:
        """Wait for that long at most; say whether the result is there.

        Raises: TrainingStopped; TrainingKilled.
        """
        try:
            code = self._running.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            if time.monotonic() - self._began <= self.limit_seconds:
                return False
            raise TrainingStopped(
                f"It took longer than {self.limit_seconds:g} seconds."
            ) from None
        if code == 0:
            return True
        if code == OUT_OF_MEMORY:
            raise TrainingStopped(
                f"It needed more than {self.memory_limit_mb} MB of memory."
            )
        if code < 0:
            raise TrainingKilled(f"Its process was ended by signal {-code}.")
        why = read_error(self.folder) or f"code {code}"
        raise TrainingStopped(f"Its process ended by {why}.")

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError("not started")
        return self._child


def _environment() -> dict[str, str]:
    """Return what the child may see: where to import from, and no secret of ours."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    return kept | threads | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}
