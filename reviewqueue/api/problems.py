"""Errors of the API: RFC 9457 problem details with a stable type."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from predictions.declaration import DeclarationError, FieldError
from predictions.intake.readers import MalformedPayload, PayloadTooLarge
from predictions.media_downloads import MediaRemoved
from predictions.services.media_removal import AlreadyRemoved, ReasonNeeded
from predictions.services.media_storage import MediaUnavailable
from predictions.services.media_uploads import UploadRefused, WrongOffset
from predictions.services.promotion import (
    GateWordRefused,
    GateWordTooLate,
    StageRefused,
)
from predictions.services.quarantine import NotOpen
from predictions.services.registry import RegistrationRefused
from predictions.services.series import NoSeries
from reviewqueue.api.bodies import LengthRequired
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.assignments import AssignmentRefused
from reviewqueue.services.autonomy import MoveRefused
from reviewqueue.services.claims import TooManyLeases
from reviewqueue.services.decisions import AmendRefused, UndoRefused
from reviewqueue.services.failure_withdrawals import (
    AlreadyWithdrawn,
    WithdrawalRefused,
)
from reviewqueue.services.gold import GoldRefused
from reviewqueue.services.idempotency import KeyReused
from reviewqueue.services.judging import InvalidDecision
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from reviewqueue.services.policies import InvalidPolicy
from reviewqueue.services.repair import InvalidRepair
from reviewqueue.services.snapshots import InvalidSnapshot
from reviewqueue.services.trust_plans import InvalidPlan
from reviewqueue.services.webhooks import InvalidWebhook, ReplayRefused

CONTENT_TYPE = "application/problem+json"
PREFIX = "urn:countersign:problem:"


class SnapshotNotReady(Exception):
    """The snapshot's file is not there (yet)."""


class RunEnded(Exception):
    """The training run has ended."""


class SeenChanged(Exception):
    """What the caller saw and speaks of is another thing by now."""


class InvalidRequest(Exception):
    """Fields of the request break rules."""

    def __init__(self, errors: Sequence[FieldError], *, status: int = 422) -> None:
        super().__init__("invalid request")
        self.errors = list(errors)
        self.status = status


# Exception → (status, type, title). The exception's own words are the detail.
PROBLEMS: Mapping[type[Exception], tuple[int, str, str]] = {
    LeaseLost: (409, "lease-lost", "The case is no longer yours"),
    AlreadyDecided: (409, "already-decided", "The case was decided already"),
    TooManyLeases: (409, "too-many-leases", "Too many cases held"),
    UndoRefused: (409, "undo-refused", "The decision cannot be undone"),
    AmendRefused: (409, "amend-refused", "The decision cannot be amended"),
    FollowUpTaken: (409, "follow-up-taken", "Somebody has begun with what followed"),
    AssignmentRefused: (409, "assignment-refused", "The case cannot be reserved"),
    KeyReused: (422, "idempotency-key-reused", "Idempotency key used before"),
    NoSeries: (409, "no-series", "No readings are taken here"),
    NotOpen: (409, "not-open", "Resolved already"),
    StageRefused: (409, "stage-refused", "The version may not go there"),
    GateWordTooLate: (409, "overtaken", "Something newer is there"),
    GateWordRefused: (422, "invalid-fields", "Fields break rules"),
    InvalidDecision: (422, "invalid-fields", "Fields break rules"),
    RegistrationRefused: (422, "invalid-fields", "Fields break rules"),
    InvalidRequest: (422, "invalid-fields", "Fields break rules"),
    InvalidSnapshot: (422, "invalid-fields", "Fields break rules"),
    InvalidPolicy: (422, "invalid-fields", "Fields break rules"),
    InvalidRepair: (422, "invalid-fields", "Fields break rules"),
    InvalidWebhook: (422, "invalid-fields", "Fields break rules"),
    ReplayRefused: (409, "replay-refused", "The delivery cannot be sent again"),
    GoldRefused: (422, "invalid-fields", "Fields break rules"),
    InvalidPlan: (422, "invalid-fields", "Fields break rules"),
    MoveRefused: (409, "move-refused", "The segment may not move so"),
    DeclarationError: (422, "invalid-fields", "Fields break rules"),
    SnapshotNotReady: (409, "snapshot-not-ready", "The snapshot is not ready"),
    RunEnded: (409, "run-ended", "The run has ended"),
    SeenChanged: (409, "seen-changed", "It changed since you looked"),
    PayloadTooLarge: (413, "too-large", "The body is too large"),
    RequestDataTooBig: (413, "too-large", "The body is too large"),
    LengthRequired: (411, "length-required", "The length is needed"),
    MalformedPayload: (400, "malformed", "The body cannot be read"),
    UnreadablePostError: (400, "malformed", "The body cannot be read"),
    SuspiciousOperation: (400, "malformed", "The body cannot be read"),
    Http404: (404, "not-found", "Not found"),
    ObjectDoesNotExist: (404, "not-found", "Not found"),
    PermissionDenied: (403, "forbidden", "Not allowed"),
    exceptions.NotAuthenticated: (401, "not-authenticated", "A key is needed"),
    exceptions.AuthenticationFailed: (401, "key-refused", "The key is refused"),
    exceptions.PermissionDenied: (403, "forbidden", "Not allowed"),
    exceptions.NotFound: (404, "not-found", "Not found"),
    exceptions.MethodNotAllowed: (405, "method-not-allowed", "Method not allowed"),
    exceptions.NotAcceptable: (406, "not-acceptable", "Not acceptable"),
    exceptions.UnsupportedMediaType: (415, "unsupported-media", "Unsupported type"),
    exceptions.ParseError: (400, "malformed", "The body cannot be read"),
    UploadRefused: (422, "invalid-fields", "Fields break rules"),
    WrongOffset: (409, "wrong-offset", "The upload goes on elsewhere"),
    ReasonNeeded: (422, "invalid-fields", "Fields break rules"),
    WithdrawalRefused: (422, "invalid-fields", "Fields break rules"),
    AlreadyWithdrawn: (409, "already-withdrawn", "Withdrawn already"),
    AlreadyRemoved: (409, "already-removed", "Removed already"),
    MediaRemoved: (410, "media-removed", "Removed"),
    MediaUnavailable: (503, "media-unavailable", "Try again"),
    OperationalError: (503, "unavailable", "Try again"),
    InterfaceError: (503, "unavailable", "Try again"),
}
# What a 404 says is the same for what is not there and what is not yours.
SILENT = {
    404: "There is nothing here, or nothing for you.",
    503: "The database does not answer, or another request was in the way.",
}
RETRY_AFTER_SECONDS = 1
logger = logging.getLogger(__name__)


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn a known exception into a problem; leave others to the 500 handler."""
    if isinstance(error, exceptions.ValidationError):
        error = InvalidRequest(_flat_errors(error.detail))
    found = [known for kind, known in PROBLEMS.items() if isinstance(error, kind)]
    if not found:
        return None
    known_status, name, title = found[0]
    status = getattr(error, "status", known_status)
    body: dict[str, object] = {
        "type": PREFIX + name,
        "title": title,
        "status": status,
        "detail": _detail(error, status),
    }
    if errors := getattr(error, "errors", None):
        body["errors"] = [one.to_json() for one in errors]
    if isinstance(error, StageRefused):
        body["gate"] = error.gate
    if isinstance(error, MoveRefused):
        body["gate"] = error.rule
    if isinstance(error, MalformedPayload) and error.position is not None:
        body["position"] = error.position
    response = Response(body, status=status, content_type=CONTENT_TYPE)
    header = getattr(error, "auth_header", None)
    if header:
        response["WWW-Authenticate"] = header
    if isinstance(error, WrongOffset):
        response["Upload-Offset"] = str(error.offset)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        logger.error("The API is unavailable.", exc_info=error)
    set_rollback()
    return response


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, MediaUnavailable):
        return str(error)
    return SILENT.get(status) or str(error)


def problem_of(status: int) -> dict[str, object]:
    """Return the body of an answer that no operation gave."""
    name, title, detail = _OUTSIDE[status]
    return {"type": PREFIX + name, "title": title, "status": status, "detail": detail}


_OUTSIDE = {
    400: ("malformed", "The request cannot be read", "The request cannot be read."),
    403: ("forbidden", "Not allowed", "This is not allowed."),
    404: ("not-found", "Not found", SILENT[404]),
    500: ("internal", "Internal error", "It was logged."),
    503: ("unavailable", "Try again", SILENT[503]),
}


def _flat_errors(detail: object, path: str = "") -> list[FieldError]:
    if isinstance(detail, dict):
        return [
            error
            for name, inner in detail.items()
            for error in _flat_errors(inner, f"{path}.{name}".strip("."))
        ]
    if isinstance(detail, list) and any(isinstance(e, dict | list) for e in detail):
        return [
            error
            for index, inner in enumerate(detail)
            for error in _flat_errors(inner, f"{path}.{index}".strip("."))
        ]
    if isinstance(detail, list):
        return [error for inner in detail for error in _flat_errors(inner, path)]
    rule = getattr(detail, "code", "invalid")
    return [FieldError(path.removesuffix(".non_field_errors"), rule, str(detail))]
