"""Run models in a child process: a hang, a crash or nonsense costs one batch.

The child is started by `subprocess`, since Celery's workers may not have
`multiprocessing` children, and after a fork each process starts its own.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from predictions.learning import frames
from predictions.learning.artifacts import ArtifactFacts, UnfitArtifact, UntrustedTypes
from predictions.learning.artifacts import bad_rows as rows_that_are_no_probabilities
from predictions.learning.explanation import (
    Contribution,
    contributions,
    occlusion_batch,
)
from predictions.learning.failures import (
    FAILURES,
    ModelCrashed,
    ModelOutputWrong,
    ModelRaised,
    ModelTimedOut,
    ScorerBusy,
    ScoringFailed,
)
from predictions.learning.features import Column, Matrix, columns_to_json

MEMORY_LIMIT_MB: Final = 4096
START_SECONDS: Final = 60.0
LOAD_SECONDS: Final = 60.0
MAX_ISOLATING_CALLS: Final = 64
# the child sees these and nothing else: no secret of ours is in its environment
KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "TZ")
NOTHING: Final[Matrix] = np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class Model:
    """A registered artifact as the scorer needs it."""

    artifact: Path
    sha256: str
    n_labels: int
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Class scores [n, n labels]; rows in `bad_rows` are NaN, with their failure."""

    scores: Matrix
    bad_rows: Mapping[int, ScoringFailed] = field(default_factory=dict)


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    loaded: set[str] = field(default_factory=set)


class ScorerProcess:
    """One child process that scores for all threads of this one, a batch at a time."""

    def __init__(self, *, memory_limit_mb: int = MEMORY_LIMIT_MB) -> None:
        self._memory_limit_mb = memory_limit_mb
        self._lock = threading.Lock()
        self._child: _Child | None = None
        _scorers.add(self)

    @property
    def pid(self) -> int | None:
        """The child's process id; None before the first batch and after `close`."""
        child = self._child
        return child.process.pid if child else None

    def score(
        self, model: Model, matrix: Matrix, *, timeout_seconds: float
    ) -> ScoreResult:
        """Return the model's class scores for the rows of matrix [n, k].

        A row that is not finite, in 0..1 and summing to 1 is reported in `bad_rows`.
        The time counts from when the model is loaded; waiting for other threads and
        loading have their own limits.
        Raises: ScoringFailed (its subclasses name the reason) for the whole batch.
        """
        if len(matrix) == 0:
            return ScoreResult(np.empty((0, model.n_labels)))
        with self._held(timeout_seconds):
            child = self._running()
            if model.sha256 not in child.loaded:
                header, _ = self._ask(child, _request("load", model), LOAD_SECONDS)
                child.loaded = set(header["loaded"])
            request = _request("score", model)
            _, scores = self._ask(child, request, timeout_seconds, matrix)
        return _judged(scores, n_rows=len(matrix), n_labels=model.n_labels)

    def score_isolating(
        self, model: Model, matrix: Matrix, *, timeout_seconds: float
    ) -> ScoreResult:
        """Score like `score`, but find the rows that make the model raise.

        Halves a batch that raises, in at most 64 calls and the time allowed for all;
        the rows not settled by then count as bad, with the same reason.
        Raises: ScoringFailed when the first call fails otherwise than by raising.
        """
        try:
            return self.score(model, matrix, timeout_seconds=timeout_seconds)
        except ModelRaised as failure:
            deadline = time.monotonic() + timeout_seconds
            search = _PoisonSearch(self, model, matrix, deadline)
            return search.run(failure)

    def explain(
        self,
        model: Model,
        row: Matrix,
        references: Matrix,
        *,
        label_indexes: Sequence[int],
        timeout_seconds: float,
    ) -> list[Contribution]:
        """Return what each column did to the row's score, largest first, in one call.

        Raises: ScoringFailed, also when one of the altered rows has no usable score.
        """
        batch = occlusion_batch(row, references)
        result = self.score(model, batch, timeout_seconds=timeout_seconds)
        if result.bad_rows:
            raise ModelOutputWrong("an altered row has no usable score")
        return contributions(result.scores, label_indexes)

    def check(
        self,
        model: Model,
        *,
        columns: Sequence[Column],
        label_keys: Collection[str],
        timeout_seconds: float = LOAD_SECONDS,
    ) -> ArtifactFacts:
        """Check an artifact before registration, where a crash costs nothing.

        `model.n_labels` is not used. See `artifacts.check_artifact`.
        Raises: UntrustedTypes; UnfitArtifact; ScoringFailed.
        """
        request = _request("check", model)
        request |= {"columns": columns_to_json(columns), "label_keys": [*label_keys]}
        with self._held(timeout_seconds):
            header, _ = self._ask(self._running(), request, timeout_seconds)
        if "untrusted" in header:
            raise UntrustedTypes(header["untrusted"])
        if "problems" in header:
            raise UnfitArtifact(header["problems"])
        return ArtifactFacts(tuple(header["label_keys"]), header["accepts_missing"])

    def close(self) -> None:
        """End the child, if there is one; the next batch starts another."""
        with self._lock:
            self._discard()

    def forget(self) -> None:
        """Let go of a child that belongs to the process this one was forked from."""
        self._lock = threading.Lock()
        child, self._child = self._child, None
        if child:
            child.channel.close()
            child.process.returncode = 0  # not ours to wait for

    @contextlib.contextmanager
    def _held(self, timeout_seconds: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=timeout_seconds):
            raise ScorerBusy(f"not free within {timeout_seconds:g} s")
        try:
            yield
        finally:
            self._lock.release()

    def _running(self) -> _Child:
        if self._child and self._child.process.poll() is not None:
            self._discard()
        if self._child is None:
            self._child = _started(self._memory_limit_mb)
            deadline = time.monotonic() + START_SECONDS
            self._exchange(self._child, None, NOTHING, deadline, START_SECONDS)
        return self._child

    def _ask(
        self,
        child: _Child,
        request: frames.Header,
        seconds: float,
        matrix: Matrix = NOTHING,
    ) -> tuple[frames.Header, Matrix]:
        deadline = time.monotonic() + seconds
        header, scores = self._exchange(child, request, matrix, deadline, seconds)
        if "reason" in header:
            raise FAILURES[header["reason"]](header["detail"])
        return header, scores

    def _exchange(
        self,
        child: _Child,
        request: frames.Header | None,
        matrix: Matrix,
        deadline: float,
        seconds: float,
    ) -> tuple[frames.Header, Matrix]:
        """Send and receive; any failure ends the child, whose state is unknown."""
        try:
            if request is not None:
                frames.send(child.channel, request, matrix, deadline=deadline)
            return frames.receive(child.channel, deadline=deadline)
        except TimeoutError as error:
            self._discard()
            raise ModelTimedOut(f"no answer within {seconds:g} s") from error
        except (OSError, ValueError, KeyError) as error:
            self._discard()
            code = child.process.returncode
            raise ModelCrashed(f"its process ended with {code}") from error
        except BaseException:
            # an interrupt (a task's time limit) leaves half an answer in the channel
            self._discard()
            raise

    def _discard(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.channel.close()
        # one that is ending by itself gets a moment to say how
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(timeout=0.05)
        child.process.kill()
        child.process.wait()


class _PoisonSearch:
    """Halve a batch until the rows that make the model raise stand alone."""

    def __init__(
        self, scorer: ScorerProcess, model: Model, matrix: Matrix, deadline: float
    ) -> None:
        self._scorer, self._model = scorer, model
        self._matrix, self._deadline = matrix, deadline
        self._scores = np.full((len(matrix), model.n_labels), np.nan)
        self._bad: dict[int, ScoringFailed] = {}

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
        return ScoreResult(self._scores, dict(sorted(self._bad.items())))

    def _score(self, start: int, stop: int, seconds: float) -> None:
        rows = self._matrix[start:stop]
        result = self._scorer.score(self._model, rows, timeout_seconds=seconds)
        self._scores[start:stop] = result.scores
        self._bad |= {start + i: failure for i, failure in result.bad_rows.items()}

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


def _request(operation: str, model: Model) -> frames.Header:
    return {
        "op": operation,
        "path": str(model.artifact),
        "sha256": model.sha256,
        "trusted": list(model.trusted),
    }


def _judged(scores: Matrix, *, n_rows: int, n_labels: int) -> ScoreResult:
    if scores.shape != (n_rows, n_labels):
        raise ModelOutputWrong(f"shape {scores.shape}, expected {(n_rows, n_labels)}")
    bad = rows_that_are_no_probabilities(scores)
    if bad.size == 0:
        return ScoreResult(scores)
    failure = ModelOutputWrong("not probabilities that sum to 1")
    judged = scores.copy()
    judged[bad] = np.nan
    return ScoreResult(judged, dict.fromkeys(bad.tolist(), failure))


def _started(memory_limit_mb: int) -> _Child:
    """Start a child from a thread that lives as long as the child does.

    The kernel kills a child when the *thread* that started it ends, and the thread
    that asks for a score may be a web server's short-lived one. Waiting there also
    reaps the child at once.
    """
    ours, theirs = socket.socketpair()
    started: list[subprocess.Popen[bytes] | OSError] = []
    ready = threading.Event()

    def own() -> None:
        try:
            process = _spawn(theirs, memory_limit_mb)
        except OSError as error:
            started.append(error)
            return
        else:
            started.append(process)
        finally:
            theirs.close()
            ready.set()
        process.wait()

    threading.Thread(target=own, name="scorer-owner", daemon=True).start()
    ready.wait()
    if isinstance(started[0], OSError):
        ours.close()
        raise ModelCrashed(f"it did not start: {type(started[0]).__name__}")
    return _Child(started[0], ours)


def _spawn(channel: socket.socket, memory_limit_mb: int) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # the same places to import from as here, so that trusted types are found
    path = {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    arguments = (channel.fileno(), os.getpid(), memory_limit_mb)
    return subprocess.Popen(  # noqa: S603 -- our own module, no shell, fixed arguments
        [
            sys.executable,
            "-P",
            "-m",
            "predictions.learning.scorer_child",
            *map(str, arguments),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # a model's output may hold the values of an item
        pass_fds=(channel.fileno(),),
        env=kept | threads | path,
    )


_scorers: "weakref.WeakSet[ScorerProcess]" = weakref.WeakSet()
_shared_lock = threading.Lock()
_shared: list[ScorerProcess] = []


def shared_scorer() -> ScorerProcess:
    """Return this process's scorer, made at the first call."""
    with _shared_lock:
        if not _shared:
            _shared.append(ScorerProcess())
        return _shared[0]


def _forget_after_fork() -> None:
    # another thread may have held it at the fork
    global _shared_lock
    _shared_lock = threading.Lock()
    for scorer in list(_scorers):
        scorer.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
