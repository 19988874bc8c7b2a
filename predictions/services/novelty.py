"""Whether items are unlike what a version learnt from, kept per process."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from predictions.learning.features import Matrix, columns_from_json, feature_matrix
from predictions.learning.novelty import Floats, Novelty, Oddity, oddities
from predictions.masking import masked_values
from predictions.models import ModelVersion, Prediction
from predictions.queries.measured import known_features
from predictions.services.references import reference_of


def novelty_p_values(version: ModelVersion, matrix: Matrix) -> Floats | None:
    """Return the p-values [n] of rows [n, k]; None where the version cannot say.

    It cannot where no sample of its rows is kept, as for models that were sent to us,
    or where the sample is too small.
    """
    if not version.reference:
        return None
    try:
        known = _known(version.pk)
    except _NoReference:
        return None
    return known.p_values(matrix) if known else None


def oddities_of(prediction: Prediction) -> list[Oddity]:
    """Return which values of the item are unusual by themselves, at most three."""
    version = prediction.model_version
    reference = reference_of(version)
    if reference is None:
        return []
    columns = columns_from_json(version.columns)
    item, declaration = prediction.item, version.workflow.declaration
    known = masked_values(known_features(item, declaration), declaration)
    return oddities(feature_matrix([known], columns)[0], reference)


@dataclass(frozen=True, slots=True)
class NoveltyStanding:
    """What a version can say of items that are unlike what it learnt from.

    `share` of the items that are like it are called unlike nevertheless, as declared;
    `n` rows were held out to measure by; 0 where the version cannot say at all.
    """

    share: float
    n: int

    @property
    def least(self) -> float:
        """The least p-value that so many rows can give: above `share`, none is ever."""
        return 1 / (self.n + 1)

    @property
    def is_never(self) -> bool:
        return self.least > self.share


def novelty_standing(version: ModelVersion) -> NoveltyStanding | None:
    """Return what a version can say; None where its workflow does not ask."""
    share = version.workflow.declaration.model.unlike_share
    if not share:
        return None
    try:
        known = _known(version.pk)
    except _NoReference:
        known = None
    return NoveltyStanding(share, len(known.held_out) if known else 0)


class _NoReference(Exception):
    """The version's sample is lost or unreadable at this moment."""


@lru_cache(maxsize=16)
def _known(version_id: UUID) -> Novelty | None:
    """Learn once what is usual: a version never changes. Raises: _NoReference."""
    reference = reference_of(ModelVersion.objects.get(pk=version_id))
    if reference is None:
        raise _NoReference
    return Novelty.of(reference)
