"""Run one model on the rows it is judged on, in a process of its own."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from predictions.declaration import Declaration
from predictions.enums import ModelKind
from predictions.learning.answers import Answers, UnreadableAnswers, wrong_answers
from predictions.learning.artifacts import UnfitArtifact, UntrustedTypes
from predictions.learning.calibration import Calibration
from predictions.learning.failures import ArtifactChanged, ScoringFailed
from predictions.learning.features import (
    Matrix,
    columns_from_json,
    feature_matrix,
    word_places,
)
from predictions.learning.process_memory import peak_memory_mb
from predictions.learning.recommendation import recommend
from predictions.learning.score_results import ScoreResult
from predictions.learning.scorer import ScorerProcess
from predictions.models import ModelVersion
from predictions.services.artifacts import forget_local_artifact, scorer_model
from predictions.services.external_models import texts_of
from predictions.services.serving import served

RECORDED_ROWS: Final = 100
MIN_REPEATS: Final = 30
# From 368 on the 99th percentile has an upper end.
N_REPEATS: Final = 400
TAIL: Final = 0.01
MAX_TIMING_SECONDS: Final = 60.0
# A model that is only slow is to be timed, not given up.
PATIENCE: Final = 10
SHUFFLED_ROWS: Final = 200
SAME: Final = 1e-12

type Floats = NDArray[np.float64]
type Rows = Sequence[Mapping[str, object]]
type Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model recommends for rows [n].

    `labels` are empty and `scores` and `probabilities` NaN where it gave no usable
    score; without calibration there are no probabilities.
    """

    labels: NDArray[np.str_]
    scores: Floats
    probabilities: Floats | None
    n_bad: int


@dataclass(slots=True)
class Probe:
    """What was found of one model; `failure` says why there are no scores.

    `artifact_problems` is None for a model that is no file of ours. `n_answers` rows
    of its report were asked again.
    """

    scored: Scored | None = None
    latencies_ms: Floats | None = None
    peak_memory_mb: float | None = None
    without_effect: list[str] = field(default_factory=list)
    n_answers: int = 0
    artifact_problems: list[str] | None = None
    schema_problems: list[str] = field(default_factory=list)
    failure: str = ""

    def give_up(self, failure: ScoringFailed) -> None:
        """Keep the first reason for which the model gave no scores."""
        self.failure = self.failure or f"{failure.reason}, {failure.detail}"
        self.artifact_problems = [self.failure]
        self.scored = None


@dataclass(frozen=True, slots=True)
class Timing:
    """The recorded batch, and how often to repeat it.

    `bound_ms`: repeats end once so many are above it that the 99th percentile of all
    of them must be; None where no gate asks.
    """

    batch: Rows
    bound_ms: float | None = None

    @property
    def n_repeats(self) -> int:
        return MIN_REPEATS if self.bound_ms is None else N_REPEATS


def score_alone(
    version: ModelVersion, features: Rows, *, declaration: Declaration, beat: Beat
) -> Probe:
    """Score rows in a child process that holds nothing but this model.

    One that runs elsewhere is asked there. A model that hangs, crashes or is not what
    was registered is said in words.
    """
    found = Probe()
    with _own_process() as scorer:
        run = _Run(scorer, version, declaration, beat)
        run.keep(found, lambda: run.score(found, features))
    return found


def probe(
    version: ModelVersion,
    features: Rows,
    *,
    timing: Timing,
    declaration: Declaration,
    beat: Beat,
) -> Probe:
    """Score rows as `score_alone`, time the recorded batch, look into the artifact.

    Of a model that runs elsewhere neither memory nor artifact can be known.
    """
    found = Probe()
    with _own_process() as scorer:
        run = _Run(scorer, version, declaration, beat)
        run.keep(found, lambda: run.measure(found, features, timing))
        if version.kind == ModelKind.ARTIFACT:
            run.keep(found, lambda: run.look_into(found))
    return found


@contextlib.contextmanager
def _own_process() -> Iterator[ScorerProcess]:
    scorer = ScorerProcess(memory_limit_mb=settings.SCORER_MEMORY_MB)
    try:
        yield scorer
    finally:
        scorer.close()


@dataclass(frozen=True, slots=True)
class _Run:
    scorer: ScorerProcess
    version: ModelVersion
    declaration: Declaration
    beat: Beat

    def keep(self, found: Probe, step: Callable[[], None]) -> None:
        """Take a step; where the model fails in it, keep why."""
        if self.version.kind == ModelKind.ARTIFACT:
            found.artifact_problems = found.artifact_problems or []
        try:
            step()
        except ScoringFailed as failure:
            if isinstance(failure, ArtifactChanged):
                # The local copy may be the spoilt one: the next look fetches it again.
                forget_local_artifact(self.version)
            found.give_up(failure)

    def measure(self, found: Probe, features: Rows, timing: Timing) -> None:
        """Score, time and weigh the model. Raises: ScoringFailed."""
        self.score(found, features)
        found.latencies_ms = self.repeat(timing)
        if found.latencies_ms is not None and self.scorer.pid is not None:
            found.peak_memory_mb = peak_memory_mb(self.scorer.pid)
        found.without_effect = self.columns_without_effect(features)

    def ask(self, matrix: Matrix, features: Rows = ()) -> ScoreResult:
        """Score a batch as in production, where rows that raise are found.

        A batch of which no row has a score has failed. Raises: ScoringFailed.
        """
        self.beat()
        seconds = PATIENCE * self.declaration.model.time_budget_ms / 1000
        if self.version.kind == ModelKind.HTTP:
            texts = texts_of(features, columns_from_json(self.version.columns))
            result = served(self.version).score(
                matrix, timeout_seconds=seconds, texts=texts
            )
        else:
            model = scorer_model(self.version)
            result = self.scorer.score_isolating(model, matrix, timeout_seconds=seconds)
        if result.bad_rows and len(result.bad_rows) == len(matrix):
            raise next(iter(result.bad_rows.values()))
        return result

    def matrix(self, features: Rows) -> Matrix:
        return feature_matrix(features, columns_from_json(self.version.columns))

    def score(self, found: Probe, features: Rows) -> None:
        """Recommend for rows, in batches. Raises: ScoringFailed."""
        if self.version.kind == ModelKind.ARTIFACT:
            self.scorer.load(scorer_model(self.version))
        matrix, size = self.matrix(features), settings.SCORE_BATCH_SIZE
        parts = [
            self.ask(matrix[at : at + size], features[at : at + size]).scores
            for at in range(0, len(matrix), size)
        ]
        empty = np.empty((0, len(self.version.label_keys)))
        found.scored = self._recommended(np.concatenate([empty, *parts]))

    def _recommended(self, scores: Matrix) -> Scored:
        good = ~np.isnan(scores).any(axis=1)
        stored = self.version.calibration
        result = recommend(
            scores[good],
            label_keys=self.version.label_keys,
            positive_labels=self.declaration.positive_labels,
            calibration=None if stored is None else Calibration.from_json(stored),
            threshold=self.version.threshold,
            costs=self.declaration.label_terms.cost_rows(
                self.version.label_keys, self.version.label_keys
            ),
        )
        keys = np.asarray(self.version.label_keys, dtype=np.str_)
        labels = np.full(good.size, "", dtype=keys.dtype)
        labels[good] = keys[result.label_indexes]
        raw = np.full(good.size, np.nan)
        raw[good] = result.scores
        probabilities = None
        if result.probabilities is not None:
            probabilities = np.full(good.size, np.nan)
            probabilities[good] = result.probabilities
        return Scored(labels, raw, probabilities, int((~good).sum()))

    def repeat(self, timing: Timing) -> Floats | None:
        """Return the latencies of the recorded batch in ms; None without rows."""
        matrix = self.matrix(timing.batch)
        if len(matrix) == 0:
            return None
        taken: list[float] = []
        deadline = time.monotonic() + MAX_TIMING_SECONDS
        while len(taken) < timing.n_repeats and not (
            len(taken) >= MIN_REPEATS
            and (time.monotonic() > deadline or _is_slow(taken, timing))
        ):
            started = time.perf_counter()
            self.ask(matrix, timing.batch)
            taken.append((time.perf_counter() - started) * 1000)
        return np.array(taken)

    def columns_without_effect(self, features: Rows) -> list[str]:
        """Name the columns whose values, shuffled among rows, change no score."""
        matrix = self.matrix(features[:SHUFFLED_ROWS])
        if len(matrix) < 2:
            return []
        rows = features[: len(matrix)]
        plain = self.ask(matrix, rows).scores
        found = []
        words = word_places(columns_from_json(self.version.columns))
        for index, column in enumerate(self.version.columns):
            shuffled, half = matrix.copy(), len(matrix) // 2
            for cells in (index, words.get(index, index)):
                shuffled[:, cells] = np.roll(matrix[:, cells], half, axis=0)
            name = column["name"]
            others = [*rows[-half:], *rows[:-half]]
            pairs = zip(rows, others, strict=True)
            mixed = [{**one, name: other.get(name)} for one, other in pairs]
            changed = np.abs(np.nan_to_num(self.ask(shuffled, mixed).scores - plain))
            if changed.max() <= SAME:
                found.append(column["name"])
        return found

    def look_into(self, found: Probe) -> None:
        """Check the artifact as at its registration: types, inputs, classes.

        Where its report holds answers to rows, ask for them again.
        Raises: ScoringFailed.
        """
        try:
            self.scorer.check(
                scorer_model(self.version),
                columns=columns_from_json(self.version.columns),
                label_keys=self.version.label_keys,
            )
        except UntrustedTypes as error:
            found.artifact_problems = [str(error)]
        except UnfitArtifact as error:
            found.schema_problems = list(error.problems)
        else:
            found.artifact_problems = [
                *(found.artifact_problems or []),
                *self.other_answers(found),
            ]

    def other_answers(self, found: Probe) -> list[str]:
        """Say where it answers otherwise than its report. Raises: ScoringFailed."""
        if (held := self.version.report.get("answers")) is None:
            return []
        try:
            told = Answers.from_json(held)
        except UnreadableAnswers as error:
            return [f"the answers in its report cannot be read: {error}"]
        found.n_answers = len(told.rows)
        columns = columns_from_json(self.version.columns)
        keys = self.version.label_keys
        return wrong_answers(told, columns, keys, lambda rows: self.ask(rows).scores)


def _is_slow(taken: Sequence[float], timing: Timing) -> bool:
    """Say whether the 99th percentile of all repeats must be above the bound."""
    bound = timing.bound_ms
    if bound is None:
        return False
    return sum(one > bound for one in taken) > TAIL * timing.n_repeats
