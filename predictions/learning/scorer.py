"""Run models in a child process: a hang, a crash or nonsense costs one batch.

The child is started by `subprocess`, since Celery's workers may not have
`multiprocessing` children, and after a fork each process starts its own.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from predictions.learning import frames
from predictions.learning.artifacts import ArtifactFacts, UnfitArtifact, UntrustedTypes
from predictions.learning.explanation import (
    Contribution,
    WordEffects,
    contributions,
    occlusion_batch,
    without_each_word,
)
from predictions.learning.failures import (
    FAILURES,
    MediaCrashed,
    MediaTimedOut,
    ModelCrashed,
    ModelOutputWrong,
    ModelRaised,
    ModelTimedOut,
    ScorerBusy,
)
from predictions.learning.features import Column, Matrix, columns_to_json
from predictions.learning.readers.terms import Reading
from predictions.learning.score_results import PoisonSearch, ScoreResult, judged_scores
from predictions.learning.scorer_start import Child, start_child
from predictions.learning.speech.terms import Word

MEMORY_LIMIT_MB: Final = 4096
START_SECONDS: Final = 60.0
LOAD_SECONDS: Final = 60.0
NOTHING: Final[Matrix] = np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class Model:
    """A registered artifact as the scorer needs it."""

    artifact: Path
    sha256: str
    n_labels: int
    trusted: tuple[str, ...] = ()


class ScorerProcess:
    """One child process that scores for all threads of this one, a batch at a time."""

    def __init__(self, *, memory_limit_mb: int = MEMORY_LIMIT_MB) -> None:
        self._memory_limit_mb = memory_limit_mb
        self._lock = threading.Lock()
        self._child: Child | None = None
        _scorers.add(self)

    @property
    def pid(self) -> int | None:
        """The child's process id; None before the first batch and after `close`."""
        child = self._child
        return child.process.pid if child else None

    def start(self) -> None:
        """Start the child, which takes seconds, unless it runs.

        Raises: ScoringFailed.
        """
        with self._held(START_SECONDS):
            self._running()

    def load(self, model: Model) -> None:
        """Have a model ready, so that scoring takes no longer than the model does.

        Takes no lock when it is loaded, and otherwise waits for another thread's
        loading. Raises: ScoringFailed.
        """
        if self.is_loaded(model):
            return
        with self._held(START_SECONDS + LOAD_SECONDS):
            self._running_with(model)

    def is_loaded(self, model: Model) -> bool:
        """Tell whether the child runs and has the model in memory."""
        child = self._child
        if child is None or child.is_gone():
            return False
        return model.sha256 in child.loaded

    def score(
        self, model: Model, matrix: Matrix, *, timeout_seconds: float
    ) -> ScoreResult:
        """Return the model's class scores for the rows of matrix [n, k].

        A row that is not finite, in 0..1 and summing to 1 is reported in `bad_rows`.
        The time counts from when the model is loaded; waiting for other threads and
        loading have their own limits. After `load` there is nothing to load.
        Raises: ScoringFailed (its subclasses name the reason) for the whole batch.
        """
        if len(matrix) == 0:
            return ScoreResult(np.empty((0, model.n_labels)))
        with self._held(timeout_seconds):
            child = self._running_with(model)
            request = _request("score", model)
            _, scores = self._ask(child, request, timeout_seconds, matrix)
        return judged_scores(scores, n_rows=len(matrix), n_labels=model.n_labels)

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

            def ask(rows: Matrix, seconds: float) -> ScoreResult:
                return self.score(model, rows, timeout_seconds=seconds)

            search = PoisonSearch(ask, matrix, model.n_labels, deadline)
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

    def word_effects(
        self,
        model: Model,
        row: Matrix,
        places: Mapping[int, slice],
        *,
        label_index: int,
        timeout_seconds: float,
    ) -> WordEffects:
        """Return what each word cell of a row [m] did to its score; NaN: no word.

        Weight times value where the model is linear, else by taking each word out.
        Raises: ScoringFailed.
        """
        request = _request("words", model) | {
            "places": [(at, one.start, one.stop) for at, one in places.items()],
            "label_index": label_index,
        }
        with self._held(timeout_seconds):
            child = self._running_with(model)
            header, said = self._ask(child, request, timeout_seconds, row[None, :])
        if header["is_exact"]:
            return WordEffects(said[0], is_exact=True)
        batch, cells = without_each_word(row, list(places.values()))
        result = self.score(model, batch, timeout_seconds=timeout_seconds)
        if result.bad_rows:
            raise ModelOutputWrong("an altered row has no usable score")
        effects = np.full(row.shape, np.nan)
        for one in contributions(result.scores, [label_index]):
            effects[cells[one.column_index]] = one.contribution
        return WordEffects(effects, is_exact=False)

    def read(
        self, reader: str, data: bytes, *, cpu_seconds: float, timeout_seconds: float
    ) -> Reading:
        """Have a named reader measure the bytes of one file.

        It may take so long of the processor, and so long in all; both count from when
        the reader is loaded. A file that takes longer, or more memory than there is,
        costs the child, and nothing else.
        Raises: MediaTimedOut; MediaCrashed; MediaUnreadable; other ScoringFailed where
        no child can be had.
        """
        request: frames.Header = {"op": "read", "reader": reader, "n": len(data)}
        request["cpu_seconds"] = cpu_seconds
        with self._held(timeout_seconds + START_SECONDS):
            child = self._running_with_reader(reader)
            try:
                header, _ = self._ask(
                    child, request, timeout_seconds, frames.body_of(data)
                )
            except ModelTimedOut as error:
                raise MediaTimedOut(error.detail) from error
            except ModelCrashed as error:
                if child.process.returncode == -signal.SIGPROF:
                    words = f"more than {cpu_seconds:g} s of the processor"
                    raise MediaTimedOut(words) from error
                raise MediaCrashed(error.detail) from error
        return Reading(header["values"], header["evidence"])

    def hear(
        self, model: Model, data: bytes, *, timeout_seconds: float
    ) -> tuple[list[Word], tuple[str, ...]]:
        """Have a recogniser listen to the bytes of one recording.

        Returns the words that were heard, and the words that it knows. The time counts
        from when it is loaded. Raises: ScoringFailed.
        """
        request = _request("hear", model) | {"n": len(data)}
        with self._held(timeout_seconds):
            child = self._running_with(model)
            body = frames.body_of(data)
            header, _ = self._ask(child, request, timeout_seconds, body)
        return [Word(**one) for one in header["words"]], tuple(header["vocabulary"])

    def load_reader(self, reader: str) -> None:
        """Have a reader ready, as `load` has a model. Raises: ScoringFailed."""
        with self._held(START_SECONDS + LOAD_SECONDS):
            self._running_with_reader(reader)

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

    def _running(self) -> Child:
        if self._child and self._child.is_gone():
            self._discard()
        if self._child is None:
            self._child = start_child(self._memory_limit_mb)
            deadline = time.monotonic() + START_SECONDS
            self._exchange(self._child, None, NOTHING, deadline, START_SECONDS)
        return self._child

    def _running_with(self, model: Model) -> Child:
        child = self._running()
        if model.sha256 not in child.loaded:
            header, _ = self._ask(child, _request("load", model), LOAD_SECONDS)
            child.loaded = set(header["loaded"])
        return child

    def _running_with_reader(self, reader: str) -> Child:
        child = self._running()
        if reader not in child.readers:
            request = {"op": "load_reader", "reader": reader}
            self._ask(child, request, LOAD_SECONDS)
            child.readers.add(reader)
        return child

    def _ask(
        self,
        child: Child,
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
        child: Child,
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


def _request(operation: str, model: Model) -> frames.Header:
    return {
        "op": operation,
        "path": str(model.artifact),
        "sha256": model.sha256,
        "trusted": list(model.trusted),
    }


_scorers: "weakref.WeakSet[ScorerProcess]" = weakref.WeakSet()
_shared_lock = threading.Lock()
_shared: list[ScorerProcess] = []


def shared_scorer(*, memory_limit_mb: int = MEMORY_LIMIT_MB) -> ScorerProcess:
    """Return this process's scorer, made at the first call, which sets the limit."""
    with _shared_lock:
        if not _shared:
            _shared.append(ScorerProcess(memory_limit_mb=memory_limit_mb))
        return _shared[0]


def _forget_after_fork() -> None:
    # another thread may have held it at the fork
    global _shared_lock
    _shared_lock = threading.Lock()
    for scorer in list(_scorers):
        scorer.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
