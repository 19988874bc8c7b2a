"""Register what recognises speech: trained words, or an engine that is installed."""

import hashlib
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction

from accounts.models import User
from predictions.declaration import Declaration, FieldError
from predictions.enums import ModelEventKind, ModelKind
from predictions.learning import artifacts
from predictions.learning.calibration import Calibration, Curve
from predictions.learning.failures import ScoringFailed
from predictions.learning.scorer import Model
from predictions.media.sounds import Encoding, write_wav
from predictions.models import ModelVersion, Workflow
from predictions.services.artifacts import scorer
from predictions.services.registry import (
    ModelDescription,
    RegistrationRefused,
    next_version,
    note_event,
)

PROBE_SECONDS = 10.0


def register_recogniser(
    *,
    workflow: Workflow,
    data: Mapping[str, Any],
    report: Mapping[str, object],
    name: str,
    by: User | None,
    now: datetime,
) -> ModelVersion:
    """Store a recogniser as the next version, a candidate.

    `data` are plain arrays and names, as `WordModel.to_data` gives them; the file holds
    no code. It is loaded in the scorer's child and listens to a second of nothing
    before anything is written. Raises: RegistrationRefused naming field and rule.
    """
    labels = entry_labels(workflow.declaration)
    artifact = artifacts.dump(dict(data))
    sha256 = hashlib.sha256(artifact).hexdigest()
    _try(artifact, sha256)
    # Confidences are calibrated where they arise; the score is made of them.
    calibration = Calibration(2, (Curve("sigmoid", (1.0, 0.0), (), 1000, 500),))
    description = ModelDescription(
        columns=(),
        label_keys=labels,
        calibration=calibration.to_json(),
        report=report,
        name=name,
    )
    with transaction.atomic():
        version = next_version(workflow, description, by=by, now=now)
        version.kind, version.sha256 = ModelKind.SPEECH, sha256
        version.label_keys = list(labels)
        version.artifact.save(f"{sha256}.skops", ContentFile(artifact), save=False)
        version.save(force_insert=True)
        note_event(version, ModelEventKind.REGISTERED, by=by, now=now)
    return version


def entry_labels(declaration: Declaration) -> tuple[str, str]:
    """Return the label of an entry, and that of a recording which is none.

    Raises: RegistrationRefused where the workflow has not one of each, or nothing to
    listen to or to fill in.
    """
    positive = set(declaration.positive_labels)
    entries = [key for key in declaration.label_keys if key not in positive]
    problems = []
    if len(entries) != 1 or len(positive) != 1:
        problems.append(FieldError("labels", "one_of_each", declaration.label_keys))
    if not any(one.kind == "audio" for one in declaration.media):
        problems.append(FieldError("media", "no_sound"))
    if not any(one.spoken for one in declaration.fields):
        problems.append(FieldError("fields", "none_spoken"))
    if problems:
        raise RegistrationRefused(problems)
    return entries[0], declaration.positive_labels[0]


def _try(artifact: bytes, sha256: str) -> None:
    """Have the child load the file and listen to nothing."""
    silence = write_wav(Encoding(1, 8000, 2), bytes(16_000))
    with tempfile.NamedTemporaryFile(suffix=".skops") as copy:
        copy.write(artifact)
        copy.flush()
        trusted = tuple(settings.TRUSTED_MODEL_TYPES)
        model = Model(Path(copy.name), sha256, 2, trusted)
        try:
            scorer().hear(model, silence, timeout_seconds=PROBE_SECONDS)
        except ScoringFailed as error:
            refusal = FieldError("artifact", error.reason, error.detail)
            raise RegistrationRefused([refusal]) from error
