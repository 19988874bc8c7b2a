"""Register model versions and move them through their stages."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from predictions.declaration import FieldError
from predictions.enums import STAGE_TRANSITIONS, ModelEventKind, Stage
from predictions.learning.artifacts import UnfitArtifact, UntrustedTypes
from predictions.learning.calibration import Calibration
from predictions.learning.failures import ScoringFailed
from predictions.learning.features import Column, columns_from_json
from predictions.learning.scorer import Model, shared_scorer
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.queries.model_versions import former_champion
from predictions.services.columns import undeclared_columns, unfit_labels

MAX_NAME_LENGTH = 200


class RegistrationRefused(ValueError):
    """The artifact or its description breaks a rule."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}: {e.value}" for e in errors))
        self.errors = errors


class StageRefused(Exception):
    """The version may not go there; `gate` names what stops it."""

    def __init__(self, gate: str, message: str) -> None:
        super().__init__(message)
        self.gate = gate


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What comes with an artifact; JSON data as `predictions.learning` writes it."""

    columns: Sequence[Mapping[str, object]]
    label_keys: Sequence[str]
    calibration: Mapping[str, object] | None = None
    references: Mapping[str, object] = field(default_factory=dict)
    report: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    threshold: float | None = None
    snapshot_id: UUID | None = None


def register_model(
    *,
    workflow: Workflow,
    artifact: bytes,
    description: ModelDescription,
    by: User | None,
    now: datetime,
) -> ModelVersion:
    """Check and store an artifact as the next version, a candidate.

    The check loads it in the scorer's child process: types that nobody has trusted
    are refused by name, and what it answers to a probe must fit the description.
    Writes the file, the version and its event. Does not promote.
    Raises: RegistrationRefused naming field, rule and value.
    """
    _check_types(description)
    columns = _checked_columns(workflow, description)
    sha256 = hashlib.sha256(artifact).hexdigest()
    label_keys = _checked_labels(
        workflow, artifact, sha256, columns=columns, label_keys=description.label_keys
    )
    _check_calibration(description, n_labels=len(label_keys))
    with transaction.atomic():
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        taken = ModelVersion.objects.filter(workflow=workflow).aggregate(Max("number"))
        version = ModelVersion(
            workflow=workflow,
            number=(taken["number__max"] or 0) + 1,
            name=description.name,
            sha256=sha256,
            columns=list(description.columns),
            label_keys=list(label_keys),
            calibration=description.calibration,
            references=dict(description.references),
            report=dict(description.report),
            threshold=description.threshold or workflow.declaration.decision_threshold,
            snapshot_id=description.snapshot_id,
            created_by=by,
            created_at=now,
            stage_changed_at=now,
        )
        version.artifact.save(f"{sha256}.skops", ContentFile(artifact), save=False)
        version.save(force_insert=True)
        _note(version, ModelEventKind.REGISTERED, by=by, now=now)
    return version


def change_stage(
    *, version: ModelVersion, to: Stage, by: User | None, reason: str, now: datetime
) -> ModelVersion:
    """Move a version to another stage; a new champion retires the former one.

    Locks the workflow, re-checks, writes stages and events. Items scored from then on
    meet the new champion: every worker reads the stage with each batch.
    Raises: StageRefused.
    """
    with transaction.atomic():
        Workflow.objects.select_for_update(no_key=True).get(pk=version.workflow_id)
        locked = _locked(version)
        if to not in STAGE_TRANSITIONS[Stage(locked.stage)]:
            msg = f"A {locked.stage} version cannot become {to.value}."
            raise StageRefused("stage", msg)
        if to == Stage.CHAMPION:
            _retire_champion(locked, by=by, reason=reason, now=now)
        _move(locked, to, by=by, reason=reason, now=now)
    return locked


def _locked(version: ModelVersion) -> ModelVersion:
    # No key lock: a batch that is being scored refers to the version, and a switch
    # must not wait for a model that hangs.
    versions = ModelVersion.objects.select_for_update(of=("self",), no_key=True)
    return versions.get(pk=version.pk)


def roll_back(
    *, workflow: Workflow, by: User | None, reason: str, now: datetime
) -> ModelVersion:
    """Retire the champion and bring back the one before it.

    Raises: StageRefused when there is none to go back to.
    """
    with transaction.atomic():
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        former = former_champion(workflow)
        if former is None:
            msg = "No earlier champion is there to go back to."
            raise StageRefused("former_champion", msg)
        return change_stage(
            version=former, to=Stage.CHAMPION, by=by, reason=reason, now=now
        )


def _retire_champion(
    successor: ModelVersion, *, by: User | None, reason: str, now: datetime
) -> None:
    champions = ModelVersion.objects.select_for_update(
        of=("self",), no_key=True
    ).filter(workflow_id=successor.workflow_id, stage=Stage.CHAMPION)
    for champion in champions:
        why = f"{successor.short_name} took its place: {reason}"
        _move(champion, Stage.RETIRED, by=by, reason=why, now=now)


def _move(
    version: ModelVersion, to: Stage, *, by: User | None, reason: str, now: datetime
) -> None:
    before = version.stage
    version.stage = to
    version.stage_changed_at = now
    version.save(update_fields=["stage", "stage_changed_at"])
    _note(
        version,
        ModelEventKind.STAGE_CHANGED,
        by=by,
        now=now,
        from_stage=before,
        to_stage=to,
        reason=reason,
    )


def _note(
    version: ModelVersion,
    kind: ModelEventKind,
    *,
    by: User | None,
    now: datetime,
    from_stage: str = "",
    to_stage: str = "",
    reason: str = "",
) -> None:
    ModelEvent.objects.create(
        model_version=version,
        kind=kind,
        from_stage=from_stage,
        to_stage=to_stage,
        reason=reason,
        actor=by,
        at=now,
    )


def _check_types(description: ModelDescription) -> None:
    """Refuse what is not of its type: a description may come from any JSON."""
    for name in ("references", "report"):
        if not isinstance(getattr(description, name), Mapping):
            raise RegistrationRefused([FieldError(name, "type")])
    keys, name, threshold = (
        description.label_keys,
        description.name,
        description.threshold,
    )
    if not _is_list(keys) or not all(isinstance(key, str) for key in keys):
        raise RegistrationRefused([FieldError("label_keys", "type")])
    if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH or "\x00" in name:
        raise RegistrationRefused([FieldError("name", "text", MAX_NAME_LENGTH)])
    if threshold is None:
        return
    if not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise RegistrationRefused([FieldError("threshold", "range", threshold)])


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _checked_columns(
    workflow: Workflow, description: ModelDescription
) -> tuple[Column, ...]:
    try:
        columns = columns_from_json(description.columns)
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        refusal = FieldError("columns", "malformed", type(error).__name__)
        raise RegistrationRefused([refusal]) from error
    unknown = undeclared_columns(workflow.declaration, columns)
    if unknown or not columns:
        raise RegistrationRefused(
            [FieldError("columns", "not_declared", ", ".join(unknown))]
        )
    return columns


def _check_calibration(description: ModelDescription, *, n_labels: int) -> None:
    """Its curves must be as many as the classes that the model was found to have."""
    if description.calibration is None:
        return
    try:
        calibration = Calibration.from_json(description.calibration)
    except (ValueError, KeyError, TypeError) as error:
        refusal = FieldError("calibration", "malformed", type(error).__name__)
        raise RegistrationRefused([refusal]) from error
    if calibration.n_labels != n_labels:
        raise RegistrationRefused(
            [FieldError("calibration", "n_labels", calibration.n_labels)]
        )


def _checked_labels(
    workflow: Workflow,
    artifact: bytes,
    sha256: str,
    *,
    columns: Sequence[Column],
    label_keys: Sequence[str],
) -> tuple[str, ...]:
    if not label_keys or (unfit := unfit_labels(workflow.declaration, label_keys)):
        named = ", ".join(unfit) if label_keys else ""
        raise RegistrationRefused([FieldError("label_keys", "not_declared", named)])
    with tempfile.NamedTemporaryFile(suffix=".skops") as copy:
        copy.write(artifact)
        copy.flush()
        model = Model(
            artifact=Path(copy.name),
            sha256=sha256,
            n_labels=len(label_keys),
            trusted=tuple(settings.TRUSTED_MODEL_TYPES),
        )
        try:
            facts = shared_scorer().check(model, columns=columns, label_keys=label_keys)
        except (UntrustedTypes, UnfitArtifact, ScoringFailed) as error:
            rule = getattr(error, "reason", _RULES.get(type(error), "unfit"))
            refusal = FieldError("artifact", rule, str(error))
            raise RegistrationRefused([refusal]) from error
    return facts.label_keys


_RULES: dict[type[BaseException], str] = {
    UntrustedTypes: "untrusted_types",
}
