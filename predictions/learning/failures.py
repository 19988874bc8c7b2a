"""Why a batch or a row has no scores."""

from collections.abc import Mapping
from typing import Final


class ScoringFailed(Exception):
    """A batch or row has no scores: `reason` is a stable code, `detail` is for people.

    Neither holds a feature value.
    """

    reason = "scoring_failed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.reason}: {detail}")
        self.detail = detail


class ModelTimedOut(ScoringFailed):
    """The model did not answer in time."""

    reason = "model_timeout"


class ModelCrashed(ScoringFailed):
    """The process in which the model ran ended."""

    reason = "model_crashed"


class ModelRaised(ScoringFailed):
    """The model raised; the detail is the type of what it raised."""

    reason = "model_raised"


class ModelOutputWrong(ScoringFailed):
    """The model answered with something that is no probabilities."""

    reason = "model_output"


class ArtifactMissing(ScoringFailed):
    """The artifact's file is not there."""

    reason = "artifact_missing"


class ArtifactChanged(ScoringFailed):
    """The artifact's file is not the one registered."""

    reason = "artifact_changed"


class ArtifactUntrusted(ScoringFailed):
    """The artifact needs types that nobody has trusted."""

    reason = "artifact_untrusted"


class ArtifactUnreadable(ScoringFailed):
    """The artifact does not load here."""

    reason = "artifact_unreadable"


class DeclarationChanged(ScoringFailed):
    """The workflow no longer declares a label or feature as the model knows it."""

    reason = "declaration_changed"


class MediaTimedOut(ScoringFailed):
    """A file took longer to be measured than it may."""

    reason = "media_timeout"


class MediaCrashed(ScoringFailed):
    """The process that measured a file ended: of its size, or of a fault."""

    reason = "media_crashed"


class MediaUnreadable(ScoringFailed):
    """A file is nothing that its reader can measure."""

    reason = "media_unreadable"


class MediaMissing(ScoringFailed):
    """A file was removed, or the storage does not have it now."""

    reason = "media_missing"


class RecogniserMissing(ScoringFailed):
    """The recogniser of a version is not installed here."""

    reason = "recogniser_missing"


class ScorerBusy(ScoringFailed):
    """Other threads kept the scorer for the whole time allowed."""

    reason = "scorer_busy"


FAILURES: Final[Mapping[str, type[ScoringFailed]]] = {
    failure.reason: failure
    for failure in (
        ModelRaised,
        ArtifactMissing,
        ArtifactChanged,
        ArtifactUntrusted,
        ArtifactUnreadable,
        MediaUnreadable,
        RecogniserMissing,
    )
}
