"""What scoring needs of this machine: the scorer, and local copies of artifacts.

A copy is found by its hash, and fetched from the storage when it is not there.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings

from predictions.learning.failures import ArtifactChanged, ArtifactMissing
from predictions.learning.scorer import Model, ScorerProcess, shared_scorer
from predictions.models import ModelVersion


def scorer() -> ScorerProcess:
    """Return this process's scorer, within the memory that the settings give it."""
    return shared_scorer(memory_limit_mb=settings.SCORER_MEMORY_MB)


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
    Raises: ArtifactMissing when the storage has it no more or no copy can be
    written; ArtifactChanged when the storage has another file.
    """
    path = _local_path(version)
    if path.exists():
        return path
    try:
        with version.artifact.open("rb") as source:
            data = source.read()
    except (OSError, ValueError) as error:
        raise ArtifactMissing(type(error).__name__) from error
    if hashlib.sha256(data).hexdigest() != version.sha256:
        raise ArtifactChanged("the stored file is not the registered one")
    try:
        _write(path, data)
    except OSError as error:
        raise ArtifactMissing(type(error).__name__) from error
    return path


def forget_local_artifact(version: ModelVersion) -> None:
    """Remove the local copy, so that it is fetched again."""
    _local_path(version).unlink(missing_ok=True)


def _local_path(version: ModelVersion) -> Path:
    return Path(settings.ARTIFACT_CACHE_DIR) / f"{version.sha256}.skops"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as target:
        target.write(data)
    Path(name).replace(path)  # atomic: another process never sees half a file
