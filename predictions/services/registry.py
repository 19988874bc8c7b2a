"""Register model versions and move them through their stages."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from predictions.declaration import FieldError
from predictions.enums import STAGE_TRANSITIONS, ModelEventKind, ModelKind, Stage
from predictions.learning.artifacts import UnfitArtifact, UntrustedTypes
from predictions.learning.calibration import Calibration
from predictions.learning.failures import ScoringFailed
from predictions.learning.features import Column, columns_from_json
from predictions.learning.reference import Reference
from predictions.learning.scorer import Model
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.outbound import AddressRefused
from predictions.queries.model_versions import former_champion
from predictions.services.artifacts import scorer
from predictions.services.columns import undeclared_columns, unfit_labels
from predictions.services.external_models import probe_external
from predictions.services.promotion import StageRefused, require_passage
from predictions.services.references import keep_reference
from predictions.services.route_shares import DEFAULT_SHARE, share_refused

MAX_NAME_LENGTH = 200


class RegistrationRefused(ValueError):
    """The artifact or its description breaks a rule."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}: {e.value}" for e in errors))
        self.errors = errors


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


# What whoever sends a model may describe; which snapshot it learnt from is ours to say.
DESCRIPTION_FIELDS = tuple(
    one.name for one in fields(ModelDescription) if one.name != "snapshot_id"
)


def register_model(
    *,
    workflow: Workflow,
    artifact: bytes,
    description: ModelDescription,
    by: User | None,
    now: datetime,
    reference: Reference | None = None,
) -> ModelVersion:
    """Check and store an artifact as the next version, a candidate.

    The check loads it in the scorer's child process: types that nobody has trusted
    are refused by name, and what it answers to a probe must fit the description.
    `reference` is the sample that drift will be measured against, where there is one.
    Writes the files, the version and its event. Does not promote.
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
        version = next_version(workflow, description, by=by, now=now)
        version.sha256, version.label_keys = sha256, list(label_keys)
        version.artifact.save(f"{sha256}.skops", ContentFile(artifact), save=False)
        if reference is not None:
            keep_reference(version, reference)
        version.save(force_insert=True)
        note_event(version, ModelEventKind.REGISTERED, by=by, now=now)
    return version


def register_external(
    *,
    workflow: Workflow,
    endpoint: str,
    description: ModelDescription,
    by: User | None,
    now: datetime,
) -> ModelVersion:
    """Check and store an address as the next version, a candidate.

    Asks the address before anything is written: its answer to a probe must fit the
    description. Its hash is that of the address and what it reads and says.
    Raises: RegistrationRefused naming field, rule and value.
    """
    _check_types(description)
    columns = _checked_columns(workflow, description)
    check_labels_declared(workflow, description.label_keys)
    _check_calibration(description, n_labels=len(description.label_keys))
    try:
        probe_external(endpoint, columns, description.label_keys)
    except AddressRefused as error:
        raise RegistrationRefused(
            [replace(one, field="endpoint") for one in error.errors]
        ) from error
    except ScoringFailed as error:
        refusal = FieldError("endpoint", error.reason, error.detail)
        raise RegistrationRefused([refusal]) from error
    with transaction.atomic():
        version = next_version(workflow, description, by=by, now=now)
        version.kind, version.endpoint = ModelKind.HTTP, endpoint
        version.label_keys = list(description.label_keys)
        told = (endpoint, version.columns, version.label_keys)
        version.sha256 = hashlib.sha256(orjson.dumps(told)).hexdigest()
        version.save(force_insert=True)
        note_event(version, ModelEventKind.REGISTERED, by=by, now=now)
    return version


def next_version(
    workflow: Workflow, description: ModelDescription, *, by: User | None, now: datetime
) -> ModelVersion:
    """Lock the workflow and number its next version; the source is still to be said."""
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    taken = ModelVersion.objects.filter(workflow=workflow).aggregate(Max("number"))
    return ModelVersion(
        workflow=workflow,
        number=(taken["number__max"] or 0) + 1,
        name=description.name,
        columns=list(description.columns),
        calibration=description.calibration,
        references=dict(description.references),
        report=dict(description.report),
        threshold=description.threshold or workflow.declaration.decision_threshold,
        snapshot_id=description.snapshot_id,
        created_by=by,
        created_at=now,
        stage_changed_at=now,
    )


def change_stage(
    *,
    version: ModelVersion,
    to: Stage,
    by: User | None,
    reason: str,
    now: datetime,
    share: float | None = None,
) -> ModelVersion:
    """Move a version to another stage; a new champion retires the former one.

    Locks the workflow, re-checks, gates and approvals too, writes stages and events.
    Items scored from then on meet the new champion: every worker reads the stage with
    each batch. A challenger takes a `share` of the items (0.1 unless said otherwise),
    which may be changed by moving it to where it is. Raises: StageRefused.
    """
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update(no_key=True).get(
            pk=version.workflow_id
        )
        locked = _locked(version)
        if to not in STAGE_TRANSITIONS[Stage(locked.stage)]:
            msg = f"A {locked.stage} version cannot become {to.value}."
            raise StageRefused("stage", msg)
        route_share = _route_share(locked, to, share)
        waived = require_passage(
            version=locked, workflow=workflow, to=to, by=by, now=now
        )
        if waived:
            reason = f"{reason} (waived: {waived})"
        if to == Stage.CHAMPION:
            _retire_champion(locked, by=by, reason=reason, now=now)
        _move(locked, to, by=by, reason=reason, now=now, route_share=route_share)
    return locked


def _route_share(version: ModelVersion, to: Stage, share: float | None) -> float:
    if to != Stage.CHALLENGER:
        if share is not None:
            msg = "Only a challenger has a share of the items."
            raise StageRefused("route_share", msg)
        return 0.0
    wanted = DEFAULT_SHARE if share is None else share
    if why := share_refused(version, wanted):
        raise StageRefused("route_share", why)
    return wanted


def _locked(version: ModelVersion) -> ModelVersion:
    # No key lock: a batch that is being scored refers to the version, and a switch
    # must not wait for a model that hangs.
    versions = ModelVersion.objects.select_for_update(of=("self",), no_key=True)
    return versions.get(pk=version.pk)


def roll_back(
    *, workflow: Workflow, by: User | None, reason: str, now: datetime
) -> ModelVersion:
    """Retire the champion and bring back the one before it.

    Asks for no gates and no approvals: it was champion before. Raises: StageRefused
    when there is none to go back to.
    """
    with transaction.atomic():
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        former = former_champion(workflow)
        if former is None:
            msg = "No earlier champion is there to go back to."
            raise StageRefused("former_champion", msg)
        locked = _locked(former)
        _retire_champion(locked, by=by, reason=reason, now=now)
        _move(locked, Stage.CHAMPION, by=by, reason=reason, now=now)
    return locked


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
    version: ModelVersion,
    to: Stage,
    *,
    by: User | None,
    reason: str,
    now: datetime,
    route_share: float = 0.0,
) -> None:
    before = version.stage
    if to != before:
        version.stage_changed_at = now
    version.stage = to
    version.route_share = route_share
    version.save(update_fields=["stage", "stage_changed_at", "route_share"])
    note_event(
        version,
        ModelEventKind.STAGE_CHANGED,
        by=by,
        now=now,
        from_stage=before,
        to_stage=to,
        route_share=route_share or None,
        reason=reason,
    )


def note_event(
    version: ModelVersion,
    kind: ModelEventKind,
    *,
    by: User | None,
    now: datetime,
    from_stage: str = "",
    to_stage: str = "",
    route_share: float | None = None,
    reason: str = "",
) -> None:
    ModelEvent.objects.create(
        model_version=version,
        kind=kind,
        from_stage=from_stage,
        to_stage=to_stage,
        route_share=route_share,
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
    check_labels_declared(workflow, label_keys)
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
            facts = scorer().check(model, columns=columns, label_keys=label_keys)
        except (UntrustedTypes, UnfitArtifact, ScoringFailed) as error:
            rule = getattr(error, "reason", _RULES.get(type(error), "unfit"))
            refusal = FieldError("artifact", rule, str(error))
            raise RegistrationRefused([refusal]) from error
    return facts.label_keys


def check_labels_declared(workflow: Workflow, label_keys: Sequence[str]) -> None:
    unfit = unfit_labels(workflow.declaration, label_keys)
    if not label_keys or unfit or len(set(label_keys)) != len(label_keys):
        named = ", ".join(unfit)
        raise RegistrationRefused([FieldError("label_keys", "not_declared", named)])


_RULES: dict[type[BaseException], str] = {
    UntrustedTypes: "untrusted_types",
}
