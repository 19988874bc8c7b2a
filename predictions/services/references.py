"""The sample that a version's drift is measured against, from where it is kept."""

import hashlib

import structlog
from django.core.files.base import ContentFile

from predictions.learning.features import columns_to_json
from predictions.learning.reference import Reference
from predictions.models import ModelVersion

log = structlog.get_logger(__name__)


def reference_of(version: ModelVersion) -> Reference | None:
    """Return what a version was made from, in small; None where nothing is kept.

    A version that was sent to us has none. So has, for who asks, one whose file is
    lost, unreadable or of other columns: the log says so.
    """
    if not version.reference:
        return None
    try:
        with version.reference.open("rb") as source:
            found = Reference.from_bytes(source.read())
    except (OSError, ValueError) as error:  # Django's files raise either when lost
        _complain(version, type(error).__name__)
        return None
    if columns_to_json(found.columns) != list(version.columns):
        _complain(version, "columns")
        return None
    return found


def keep_reference(version: ModelVersion, reference: Reference) -> None:
    """Write the file of a version that is about to be stored; does not save it."""
    data = reference.to_bytes()
    name = f"{hashlib.sha256(data).hexdigest()}.npz"
    version.reference.save(name, ContentFile(data), save=False)


def _complain(version: ModelVersion, reason: str) -> None:
    log.warning("reference_unreadable", model_version_id=str(version.pk), error=reason)
