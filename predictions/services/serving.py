"""Where a version's scores come from: a process of ours, or an address elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from predictions.enums import ModelKind
from predictions.learning.explanation import Contribution, WordEffects
from predictions.learning.failures import ModelRaised
from predictions.learning.features import Matrix
from predictions.learning.score_results import ScoreResult
from predictions.learning.scorer import Model
from predictions.models import ModelVersion
from predictions.services.artifacts import scorer, scorer_model
from predictions.services.external_models import NO_TEXTS, Texts, external_model


class Served(Protocol):
    """A model that can be asked. Everything raises ScoringFailed."""

    def load(self) -> None:
        """Have it ready, so that scoring takes no longer than the model does."""

    def score(
        self, matrix: Matrix, *, timeout_seconds: float, texts: Texts = NO_TEXTS
    ) -> ScoreResult:
        """Score rows [n, k]; rows that make the model raise are found.

        `texts` [n] by column: what runs elsewhere reads them as they are.
        """

    def explain(
        self,
        row: Matrix,
        references: Matrix,
        *,
        label_indexes: Sequence[int],
        timeout_seconds: float,
        texts: Texts = NO_TEXTS,
    ) -> list[Contribution]:
        """Return what each column did to the row's score, largest first."""

    def word_effects(
        self,
        row: Matrix,
        places: Mapping[int, slice],
        *,
        label_index: int,
        timeout_seconds: float,
    ) -> WordEffects | None:
        """Return what each word cell did to the row's score; None: it cannot say."""


@dataclass(frozen=True, slots=True)
class _Artifact:
    """A file, run in the child process of this one."""

    model: Model

    def load(self) -> None:
        scorer().load(self.model)

    def score(
        self, matrix: Matrix, *, timeout_seconds: float, texts: Texts = NO_TEXTS
    ) -> ScoreResult:
        return scorer().score_isolating(
            self.model, matrix, timeout_seconds=timeout_seconds
        )

    def explain(
        self,
        row: Matrix,
        references: Matrix,
        *,
        label_indexes: Sequence[int],
        timeout_seconds: float,
        texts: Texts = NO_TEXTS,
    ) -> list[Contribution]:
        return scorer().explain(
            self.model,
            row,
            references,
            label_indexes=label_indexes,
            timeout_seconds=timeout_seconds,
        )

    def word_effects(
        self,
        row: Matrix,
        places: Mapping[int, slice],
        *,
        label_index: int,
        timeout_seconds: float,
    ) -> WordEffects | None:
        return scorer().word_effects(
            self.model,
            row,
            places,
            label_index=label_index,
            timeout_seconds=timeout_seconds,
        )


@dataclass(frozen=True, slots=True)
class _Recogniser(_Artifact):
    """A file that is asked about sound (`hearing.heard`), and not about columns."""

    def score(
        self, matrix: Matrix, *, timeout_seconds: float, texts: Texts = NO_TEXTS
    ) -> ScoreResult:
        raise ModelRaised("it is asked about sound, not about columns")

    def explain(
        self,
        row: Matrix,
        references: Matrix,
        *,
        label_indexes: Sequence[int],
        timeout_seconds: float,
        texts: Texts = NO_TEXTS,
    ) -> list[Contribution]:
        return []


def served(version: ModelVersion) -> Served:
    """Return a version as it can be asked.

    Raises: ArtifactMissing; ArtifactUntrusted for an address that is not allowed.
    """
    if version.kind == ModelKind.HTTP:
        return external_model(version)
    if version.kind == ModelKind.SPEECH:
        return _Recogniser(scorer_model(version))
    return _Artifact(scorer_model(version))
