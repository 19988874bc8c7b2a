"""The model registry over the API."""

from uuid import UUID

import orjson
from django.utils import timezone
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.enums import Stage
from predictions.intake.readers import PayloadTooLarge
from predictions.models import ModelVersion
from predictions.queries.model_versions import model_versions
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_model,
    roll_back,
)
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, list_answer, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.shapes import model_shape
from reviewqueue.api.workflows import ANY_OBJECT

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
DESCRIPTION_FIELDS = (
    "columns",
    "label_keys",
    "calibration",
    "references",
    "report",
    "name",
    "threshold",
)


class ModelList(Operation):
    parser_classes = [MultiPartParser]

    @documented(
        "model_list",
        summary="Model versions, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: list_answer("ModelPage")},
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
        summary="Register a skops artifact as the next version, a candidate",
        parameters=[SLUG],
        request={
            "multipart/form-data": {
                "type": "object",
                "required": ["artifact", "description"],
                "properties": {
                    "artifact": {"type": "string", "format": "binary"},
                    "description": {
                        "type": "string",
                        "description": "JSON: columns, label_keys, calibration, "
                        "references, report, name, threshold",
                    },
                },
            }
        },
        answers={201: ANY_OBJECT},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_REGISTER)
        artifact = request.FILES.get("artifact")
        if artifact is None:
            raise InvalidRequest([FieldError("artifact", "missing")])
        if (artifact.size or 0) > MAX_ARTIFACT_BYTES:
            raise PayloadTooLarge(MAX_ARTIFACT_BYTES)
        version = register_model(
            workflow=workflow,
            artifact=artifact.read(),
            description=_description(request.POST.get("description")),
            by=self.user(request),
            now=timezone.now(),
        )
        return Response(model_shape(version), status=201)


def _description(text: object) -> ModelDescription:
    try:
        data = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError as error:
        refusal = FieldError("description", "json", str(error))
        raise InvalidRequest([refusal]) from error
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
        request={
            "application/json": {
                "type": "object",
                "required": ["stage", "reason"],
                "properties": {
                    "stage": {"type": "string", "enum": Stage.values},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                },
            }
        },
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        version = ModelVersion.objects.get(pk=pk)
        self.actor(request).require(Permission.MODELS_STAGE, version.workflow_id)
        body = read_object(request, ["stage", "reason"], required=["stage", "reason"])
        if body["stage"] not in Stage.values:
            raise InvalidRequest([FieldError("stage", "value", str(body["stage"]))])
        moved = change_stage(
            version=version,
            to=Stage(body["stage"]),
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response(model_shape(moved))


class ModelRollback(Operation):
    parser_classes = [JSONParser]

    @documented(
        "model_rollback",
        summary="Bring back the champion before the present one",
        parameters=[SLUG],
        request={
            "application/json": {
                "type": "object",
                "required": ["reason"],
                "properties": {
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500}
                },
            }
        },
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_STAGE)
        body = read_object(request, ["reason"], required=["reason"])
        version = roll_back(
            workflow=workflow,
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response(model_shape(version))
