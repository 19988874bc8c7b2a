"""Training runs over the API."""

from collections.abc import Mapping
from typing import Any, TypedDict
from uuid import UUID

from django.utils import timezone
from pydantic import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.api.shapes_training import (
    CandidateAsked,
    TrainingRunShape,
    training_run_shape,
)
from lifecycle.enums import Trigger
from lifecycle.models import TrainingRun
from lifecycle.queries.training_runs import runs_of
from lifecycle.services.training_runs import (
    CancelRefused,
    InvalidRun,
    Wanted,
    cancel_run,
    request_run,
    specs_of,
)
from predictions.declaration import FieldError
from predictions.declaration_life import Candidate
from predictions.models import Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    uuid_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest, RunEnded
from reviewqueue.api.schema import object_of
from reviewqueue.models import Snapshot


class TrainingAsked(TypedDict, total=False):
    """What to learn from and try.

    Without a snapshot a fresh one is taken first; without candidates those of the
    workflow file are trained, else gradient boosting beside the baseline.
    """

    snapshot_id: UUID | None
    candidates: list[CandidateAsked]
    seed: int


class TrainingRunList(Operation):
    @documented(
        "training_run_list",
        summary="Training runs, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[TrainingRunShape], "TrainingRunPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_VIEW)
        return listed(
            request,
            runs_of(workflow),
            lambda found: [training_run_shape(run) for run in found],
        )

    @documented(
        "training_run_create",
        summary="Train candidates from a snapshot",
        parameters=[SLUG],
        request=object_of(TrainingAsked),
        answers={202: object_of(TrainingRunShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.MODELS_TRAIN)
        body = read_object(request, list(TrainingAsked.__annotations__))
        user = self.user(request)
        try:
            run = request_run(
                workflow=workflow,
                wanted=_wanted(workflow, body),
                trigger=Trigger.HAND,
                why=f"asked for by {user.display_name}",
                by=user,
                now=timezone.now(),
            )
        except InvalidRun as refusal:
            raise InvalidRequest(refusal.errors) from refusal
        location = f"/api/v1/training-runs/{run.pk}"
        return Response(
            training_run_shape(run), status=202, headers={"Location": location}
        )


class TrainingRunDetail(Operation):
    @documented(
        "training_run_detail",
        summary="One training run",
        answers={200: object_of(TrainingRunShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(
            training_run_shape(_visible(self, request, pk, Permission.MODELS_VIEW))
        )


class TrainingRunCancel(Operation):
    @documented(
        "training_run_cancel",
        summary="Call a training run off",
        request=None,
        answers={200: object_of(TrainingRunShape)},
        errors=[409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        run = _visible(self, request, pk, Permission.MODELS_TRAIN)
        try:
            cancel_run(run=run, by=self.user(request), now=timezone.now())
        except CancelRefused as refusal:
            raise RunEnded(str(refusal)) from refusal
        run.refresh_from_db()
        return Response(training_run_shape(run))


def _visible(
    view: Operation, request: Request, pk: UUID, permission: Permission
) -> TrainingRun:
    run = TrainingRun.objects.select_related("workflow").get(pk=pk)
    view.actor(request).require(permission, run.workflow_id)
    return run


def _wanted(workflow: Workflow, body: Mapping[str, Any]) -> Wanted:
    """Read what is asked for. Raises: InvalidRequest."""
    seed = body.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InvalidRequest([FieldError("seed", "type", type(seed).__name__)])
    given = body.get("candidates", [])
    if not isinstance(given, list):
        raise InvalidRequest([FieldError("candidates", "type", type(given).__name__)])
    candidates = [_candidate(index, one) for index, one in enumerate(given)]
    declared = workflow.declaration.retraining.candidates
    return Wanted(_snapshot(workflow, body), specs_of(candidates or declared), seed)


def _snapshot(workflow: Workflow, body: Mapping[str, Any]) -> Snapshot | None:
    if body.get("snapshot_id") is None:
        return None
    pk = uuid_field(body, "snapshot_id")
    found = Snapshot.objects.filter(pk=pk, workflow=workflow).first()
    if found is None:
        raise InvalidRequest([FieldError("snapshot_id", "unknown", str(pk))])
    return found


def _candidate(index: int, given: object) -> Candidate:
    try:
        return Candidate.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(
            [
                FieldError(
                    ".".join(map(str, ("candidates", index, *one["loc"]))),
                    one["msg"].removeprefix("Value error, "),
                )
                for one in error.errors()
            ]
        ) from error
