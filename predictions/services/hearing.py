"""Have a recogniser fill in the spoken fields of items from their recordings."""

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from predictions.declaration import Declaration
from predictions.learning.failures import (
    MediaMissing,
    MediaTimedOut,
    MediaUnreadable,
    ModelCrashed,
    ModelRaised,
    ModelTimedOut,
    ScoringFailed,
)
from predictions.learning.score_results import ScoreResult
from predictions.learning.speech.entry import read_entry
from predictions.models import ItemMedia, MediaFile, ModelVersion
from predictions.services.artifacts import scorer, scorer_model
from predictions.services.media_for_models import file_in_time
from predictions.services.scoring_items import ItemToScore

# One recording may take so long, however long it is; all of a batch together.
FILE_SECONDS = 5.0
BATCH_SECONDS = 60.0
_OF_ONE_FILE = (
    MediaMissing,
    MediaTimedOut,
    MediaUnreadable,
    ModelCrashed,
    ModelRaised,
    ModelTimedOut,
)


def heard(
    version: ModelVersion, declaration: Declaration, items: Sequence[ItemToScore]
) -> ScoreResult:
    """Return for each item the score of the version's two labels, and its fields.

    The first label is that of an entry, the second of a recording that is none: its
    score is the chance that not one field was heard rightly, at most. A recording that
    cannot be read, or that ends the recogniser, is a bad row; where the recogniser
    itself cannot be had, ScoringFailed is raised. Reads the first slot for sound.
    """
    files = _recordings([item.id for item in items], declaration)
    deadline = time.monotonic() + BATCH_SECONDS
    scores = np.full((len(items), 2), np.nan)
    bad: dict[int, ScoringFailed] = {}
    fields: dict[int, object] = {}
    for row, item in enumerate(items):
        try:
            said = _said(version, declaration, files.get(item.id), deadline)
        except _OF_ONE_FILE as failure:
            bad[row] = failure
            continue
        sure = max((_sureness(one) for one in said.values()), default=0.0)
        scores[row] = sure, 1 - sure
        fields[row] = said
    return ScoreResult(scores, bad, fields)


def _sureness(said: Mapping[str, object]) -> float:
    found = said.get("confidence")
    return found if isinstance(found, float) else 0.0


def _recordings(
    item_ids: Sequence[UUID], declaration: Declaration
) -> Mapping[UUID, MediaFile]:
    slot = next((one.name for one in declaration.media if one.kind == "audio"), "")
    rows = ItemMedia.objects.filter(item_id__in=item_ids, slot=slot)
    return {row.item_id: row.media for row in rows.select_related("media")}


def _said(
    version: ModelVersion,
    declaration: Declaration,
    media: MediaFile | None,
    deadline: float,
) -> dict[str, dict[str, object]]:
    """Return what was heard of the spoken fields. Raises: ScoringFailed."""
    data, left = file_in_time(media, deadline=deadline, at_most=FILE_SECONDS)
    words, _ = scorer().hear(scorer_model(version), data, timeout_seconds=left)
    return read_entry(words, declaration.fields)
