"""Artifacts on the local disk: copies of what the storage holds, found by hash."""

import os
import tempfile
from pathlib import Path

from django.conf import settings

from predictions.learning.failures import ArtifactMissing
from predictions.learning.scorer import Model
from predictions.models import ModelVersion


def scorer_model(version: ModelVersion) -> Model:
    """Describe a version to the scorer. Raises: ArtifactMissing."""
    return Model(
        artifact=local_artifact(version),
        sha256=version.sha256,
        n_labels=len(version.label_keys),
        trusted=tuple(settings.TRUSTED_MODEL_TYPES),
    )


def local_artifact(version: ModelVersion) -> Path:
    """Return the path of a local copy, fetching it from the storage when absent.

    The scorer checks the hash before it loads the file.
    Raises: ArtifactMissing when the storage has it no more.
    """
    path = Path(settings.ARTIFACT_CACHE_DIR) / f"{version.sha256}.skops"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with version.artifact.open("rb") as source:
            data = source.read()
    except (OSError, ValueError) as error:
        raise ArtifactMissing(type(error).__name__) from error
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as target:
        target.write(data)
    Path(name).replace(path)  # atomic: another process never sees half a file
    return path
