"""Lists of the API: keyset pages, `{results, next}`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypedDict

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from predictions.declaration import FieldError
from predictions.queries.pages import MAX_LIMIT, InvalidCursor, newest_first
from reviewqueue.api.problems import InvalidRequest

LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}
)
CURSOR = OpenApiParameter(
    "cursor", str, description="The `next` of the page before this one."
)


class Page[Row](TypedDict):
    """`next`, sent back as `cursor`, leads to the page after this one."""

    results: list[Row]
    next: str | None


def limit_of(request: Request) -> int:
    """Read how many rows are wanted. Raises: InvalidRequest."""
    value = request.query_params.get("limit", "100")
    if value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= MAX_LIMIT:
        return int(value)
    raise InvalidRequest([FieldError("limit", "range", value)])


def narrowed[Row: Model](
    request: Request, rows: QuerySet[Row], name: str, known: Collection[str]
) -> QuerySet[Row]:
    """Keep the rows whose `name` is as asked, if it is. Raises: InvalidRequest."""
    value = request.query_params.get(name)
    if value is None:
        return rows
    if value not in known:
        raise InvalidRequest([FieldError(name, "value", value)])
    return rows.filter(**{name: value})


def listed[Row: Model](
    request: Request,
    rows: QuerySet[Row],
    shape: Callable[[Sequence[Row]], Sequence[Mapping[str, object]]],
) -> Response:
    """Answer a page of rows, newest first. Raises: InvalidRequest."""
    cursor = request.query_params.get("cursor", "")
    try:
        page = newest_first(rows, cursor=cursor, limit=limit_of(request))
    except InvalidCursor as error:
        raise InvalidRequest([FieldError("cursor", "value", cursor)]) from error
    return Response({"results": shape(page.rows), "next": page.next or None})
