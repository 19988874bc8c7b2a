"""What every operation shares: actor, workflow, body, documentation of errors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import Actor, Permission, actor_of
from predictions.declaration import FieldError
from predictions.models import Workflow
from predictions.queries.workflows import get_workflow
from reviewqueue.api.bodies import read_body
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of

SLUG = OpenApiParameter(
    "slug",
    {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,49}$", "maxLength": 50},
    OpenApiParameter.PATH,
    description="The workflow's slug.",
)


class BrokenRule(TypedDict):
    """Which field broke which rule, with the value as it came.

    `detail`, where there is one, says the same to people.
    """

    field: str
    rule: str
    value: Any
    detail: NotRequired[str]


class Problem(TypedDict):
    """RFC 9457 problem details.

    `errors` names every field that breaks a rule; `gate` what refused a move of a model
    or of a segment; `position` the byte at which a body could not be read.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[BrokenRule]]
    gate: NotRequired[str]
    position: NotRequired[int]


class Operation(APIView):
    """One path; each method is one operation."""

    metadata_class = None  # OPTIONS tells nothing: the schema does

    def workflow(
        self,
        request: Request,
        slug: str,
        *permissions: Permission,
        by_site: bool = False,
    ) -> Workflow:
        """Return the workflow. Raises: as `get_workflow`."""
        return get_workflow(self.actor(request), slug, *permissions, by_site=by_site)

    def actor(self, request: Request) -> Actor:
        return actor_of(request)

    def user(self, request: Request) -> User:
        return cast("User", request.user)


def documented[F: Callable[..., Any]](
    operation_id: str,
    *,
    summary: str,
    answers: Mapping[int | tuple[int, str], object],
    errors: Iterable[int] = (),
    **more: Any,  # noqa: ANN401 -- handed to drf-spectacular as it is
) -> Callable[[F], F]:
    """Describe an operation; `ALWAYS` may come to all of them."""
    responses: dict[Any, Any] = dict(answers)
    for status in sorted({*ALWAYS, *errors}):
        responses[(status, "application/problem+json")] = OpenApiResponse(
            object_of(Problem), description=_MEANINGS[status]
        )
    decorator: Callable[[F], F] = extend_schema(
        operation_id=operation_id, summary=summary, responses=responses, **more
    )
    return decorator


ALWAYS = (401, 403, 404, 405, 406, 503)
# What may be wrong with a JSON body.
BODY_ERRORS = (400, 411, 413, 415, 422)
_MEANINGS = {
    400: "The body cannot be read.",
    401: "No key, or one that is not accepted.",
    403: "The key or its owner lacks the permission.",
    404: "Nothing here, or nothing for you.",
    405: "The path knows other methods.",
    406: "Only JSON is answered.",
    409: "The state of the thing does not allow it.",
    410: "It was removed; the detail says when and why.",
    411: "A chunked body, and a server that cannot tell where it ends.",
    413: "The body is too large.",
    415: "The type of the body is not read here.",
    422: "Fields break rules; each is named.",
    503: "The database or the media storage does not answer: try again.",
}


def read_object(
    request: Request, allowed: Sequence[str], *, required: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the body as an object whose fields are known.

    Raises: InvalidRequest naming field, rule and value; as `read_body`.
    """
    body = read_body(request)
    if not isinstance(body, Mapping):
        raise InvalidRequest([FieldError("body", "type", type(body).__name__)])
    errors = [FieldError(name, "unknown_field") for name in body if name not in allowed]
    errors += [
        FieldError(name, "missing") for name in required if body.get(name) is None
    ]
    if errors:
        raise InvalidRequest(errors)
    return dict(body)


def text_field(body: Mapping[str, Any], name: str, *, max_length: int = 500) -> str:
    """Return a text of the body; absent and null are empty. Raises: InvalidRequest."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\x00" in value or not _is_unicode(value):
        raise InvalidRequest([FieldError(name, "type", _shown(value))])
    if len(value) > max_length:
        raise InvalidRequest([FieldError(name, "too_long", len(value))])
    return value


def number_field(body: Mapping[str, Any], name: str) -> float:
    """Return a number of the body. Raises: InvalidRequest."""
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequest([FieldError(name, "type", _shown(value))])
    return float(value)


def seen_version(body: Mapping[str, Any]) -> int | None:
    """Return the `version` that the caller saw, None if absent. Raises: InvalidRequest.

    A change over another version than the one in force is refused then.
    """
    version = body.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidRequest([FieldError("version", "type", _shown(version))])
    return version


def broken_rules(errors: Sequence[FieldError]) -> list[BrokenRule]:
    return [cast("BrokenRule", error.to_json()) for error in errors]


def uuid_field(body: Mapping[str, Any], name: str) -> UUID:
    """Return a UUID of the body. Raises: InvalidRequest."""
    value = body.get(name)
    if value is None:
        raise InvalidRequest([FieldError(name, "missing")])
    try:
        return UUID(value) if isinstance(value, str) else UUID(int=-1)
    except ValueError as error:
        raise InvalidRequest([FieldError(name, "type", _shown(value))]) from error


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> object:
    return repr(value)[:200].encode("ascii", "backslashreplace").decode()
