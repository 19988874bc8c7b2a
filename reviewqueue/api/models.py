"""The model registry over the API."""

from typing import Annotated, Any, NotRequired, TypedDict
from urllib.parse import urlencode
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils import timezone
from pydantic import Field, WithJsonSchema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.enums import Stage
from predictions.intake.readers import PayloadTooLarge
from predictions.learning.features import ColumnKind
from predictions.models import ModelVersion, Workflow
from predictions.outbound import MAX_URL_LENGTH
from predictions.queries.model_versions import (
    champion_of,
    model_versions,
    recommending_since,
)
from predictions.services.registry import (
    DESCRIPTION_FIELDS,
    MAX_NAME_LENGTH,
    ModelDescription,
    register_external,
    register_model,
)
from predictions.services.route_shares import MAX_SHARE
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    number_field,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import OneOf, object_of
from reviewqueue.api.shapes_registry import ModelVersionShape, model_shape
from reviewqueue.services.stages import move_version, roll_back_champion

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class ColumnAsked(TypedDict):
    """One input of the model; `values` are those of a category, in its order."""

    name: str
    kind: ColumnKind
    values: NotRequired[list[str]]
    known: NotRequired[str]


class ModelDescribed(TypedDict):
    """What comes with an artifact, as JSON."""

    columns: list[ColumnAsked]
    label_keys: list[str]
    calibration: NotRequired[dict[str, Any]]
    references: NotRequired[dict[str, Any]]
    report: NotRequired[dict[str, Any]]
    name: NotRequired[Annotated[str, Field(max_length=MAX_NAME_LENGTH)]]
    threshold: NotRequired[Annotated[float, Field(gt=0, lt=1)]]


class ExternalAsked(TypedDict):
    """An address that the operator allows, and what answers there."""

    endpoint: Annotated[str, Field(max_length=MAX_URL_LENGTH)]
    description: ModelDescribed


class ModelAsked(TypedDict):
    """A skops file and what it is."""

    artifact: Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]
    description: ModelDescribed


class RollbackAsked(TypedDict):
    """Why the champion goes."""

    reason: Reason


class RolledBack(ModelVersionShape):
    """The champion that is back, and where to look at what the other decided alone."""

    repair: str | None


class StageAsked(RollbackAsked):
    """Where a version is to go, and why.

    `share`: for a challenger, of how many items its recommendation is the one met; 0.1
    unless said otherwise. Sent again with another share, it changes.
    """

    stage: Annotated[str, OneOf(Stage)]
    share: NotRequired[Annotated[float, Field(gt=0, le=MAX_SHARE)]]


class ModelList(Operation):
    parser_classes = [MultiPartParser, JSONParser]

    @documented(
        "model_list",
        summary="Model versions, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[ModelVersionShape], "ModelPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_VIEW)
        return listed(
            request,
            model_versions(workflow),
            lambda rows: [model_shape(r) for r in rows],
        )

    @documented(
        "model_register",
        summary="Register a skops artifact, or a model elsewhere, as a candidate",
        description=(
            "A file as a form; or, as JSON, an address that the operator allows, which "
            "is asked at once whether it answers as described."
        ),
        parameters=[SLUG],
        request={
            "multipart/form-data": object_of(ModelAsked),
            "application/json": object_of(ExternalAsked),
        },
        answers={201: object_of(ModelVersionShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_REGISTER)
        if "multipart/form-data" not in (request.content_type or ""):
            return Response(model_shape(self._external(request, workflow)), status=201)
        artifact = request.FILES.get("artifact")
        if artifact is None:
            raise InvalidRequest([FieldError("artifact", "missing")])
        if (artifact.size or 0) > MAX_ARTIFACT_BYTES:
            raise PayloadTooLarge(MAX_ARTIFACT_BYTES)
        version = register_model(
            workflow=workflow,
            artifact=artifact.read(),
            description=_description(_parsed(request.POST.get("description"))),
            by=self.user(request),
            now=timezone.now(),
        )
        return Response(model_shape(version), status=201)

    def _external(self, request: Request, workflow: Workflow) -> ModelVersion:
        fields = ["endpoint", "description"]
        body = read_object(request, fields, required=fields)
        return register_external(
            workflow=workflow,
            endpoint=text_field(body, "endpoint", max_length=MAX_URL_LENGTH),
            description=_description(body["description"]),
            by=self.user(request),
            now=timezone.now(),
        )


def _parsed(text: object) -> object:
    try:
        return orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError as error:
        refusal = FieldError("description", "json", str(error))
        raise InvalidRequest([refusal]) from error


def _description(data: object) -> ModelDescription:
    if not isinstance(data, dict):
        raise InvalidRequest([FieldError("description", "missing")])
    errors = [
        FieldError(f"description.{name}", "unknown_field")
        for name in data
        if name not in DESCRIPTION_FIELDS
    ]
    for name, kind in _KINDS.items():
        value = data.get(name)
        if value is None and name in {"columns", "label_keys"}:
            errors.append(FieldError(f"description.{name}", "missing"))
        elif value is not None and (
            not isinstance(value, kind) or isinstance(value, bool)
        ):
            errors.append(FieldError(f"description.{name}", "type"))
    labels = data.get("label_keys")
    if isinstance(labels, list) and not all(isinstance(key, str) for key in labels):
        errors.append(FieldError("description.label_keys", "type"))
    columns = data.get("columns")
    if isinstance(columns, list) and not all(isinstance(one, dict) for one in columns):
        errors.append(FieldError("description.columns", "type"))
    threshold = data.get("threshold")
    if isinstance(threshold, int | float) and not 0 < threshold < 1:
        errors.append(FieldError("description.threshold", "range", threshold))
    if errors:
        raise InvalidRequest(errors)
    return ModelDescription(**{k: v for k, v in data.items() if v is not None})


_KINDS: dict[str, type | tuple[type, ...]] = {
    "columns": list,
    "label_keys": list,
    "calibration": dict,
    "references": dict,
    "report": dict,
    "name": str,
    "threshold": (int, float),
}


class ModelStage(Operation):
    parser_classes = [JSONParser]

    @documented(
        "model_stage",
        summary="Move a version to another stage",
        request=object_of(StageAsked),
        answers={200: object_of(ModelVersionShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        version = ModelVersion.objects.get(pk=pk)
        self.actor(request).require(Permission.MODELS_STAGE, version.workflow_id)
        body = read_object(
            request, ["stage", "reason", "share"], required=["stage", "reason"]
        )
        if body["stage"] not in Stage.values:
            raise InvalidRequest([FieldError("stage", "value", str(body["stage"]))])
        share = number_field(body, "share") if body.get("share") is not None else None
        if share is not None and not 0 < share <= MAX_SHARE:
            raise InvalidRequest([FieldError("share", "range", share)])
        moved = move_version(
            version=version,
            to=Stage(body["stage"]),
            by=self.user(request),
            reason=text_field(body, "reason"),
            share=share,
            now=timezone.now(),
        )
        return Response(model_shape(moved))


class ModelRollback(Operation):
    parser_classes = [JSONParser]

    @documented(
        "model_rollback",
        summary="Bring back the champion before the present one",
        description=(
            "It takes effect with the next batch of every worker. `repair` is where "
            "what the retired version decided alone is listed, the riskiest first, "
            "from when it began to recommend; null where there was no champion."
        ),
        parameters=[SLUG],
        request=object_of(RollbackAsked),
        answers={200: object_of(RolledBack)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_STAGE)
        body = read_object(request, ["reason"], required=["reason"])
        retired = champion_of(workflow)
        version = roll_back_champion(
            workflow=workflow,
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response({**model_shape(version), "repair": _repair(workflow, retired)})


def _repair(workflow: Workflow, retired: ModelVersion | None) -> str | None:
    if retired is None:
        return None
    since = recommending_since(retired) or retired.stage_changed_at
    scope = urlencode({"version": retired.number, "since": since.isoformat()})
    return f"{reverse('api-repair', args=[workflow.slug])}?{scope}"
