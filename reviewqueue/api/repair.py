"""Repair over the API: what was decided alone, and putting it before people."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from predictions.models import Workflow
from predictions.queries.pages import InvalidCursor
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, limit_of
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import Count, Unit, object_of
from reviewqueue.models import Route
from reviewqueue.queries.repair import (
    MAX_LOOKED_AT,
    Rank,
    RepairScope,
    choose_riskiest,
    count_alone,
    item_ids_to,
    looked_at,
    read_rank,
    riskiest_page,
    write_rank,
)
from reviewqueue.services.repair import MAX_ITEMS, MAX_REASON_LENGTH, put_back

MOMENT = {"type": "string", "format": "date-time"}
SCOPE: dict[str, dict[str, Any]] = {
    "since": MOMENT,
    "until": MOMENT,
    "segment": {"type": "string", "format": "uuid"},
    "version": {"type": "integer", "minimum": 1},
}
MAX_VERSION = 1_000_000
N_CHOSEN = 100


class PutBackAsked(TypedDict):
    """Either the items, or a window with the `last` that its preview chose; and why."""

    since: NotRequired[datetime]
    until: NotRequired[datetime]
    segment: NotRequired[UUID]
    version: NotRequired[Annotated[int, Field(ge=1, le=MAX_VERSION)]]
    last: NotRequired[Annotated[str, Field(max_length=100)]]
    item_ids: NotRequired[Annotated[list[UUID], Field(max_length=MAX_ITEMS)]]
    reason: Annotated[str, Field(max_length=MAX_REASON_LENGTH)]


class PutBackShape(TypedDict):
    """How many cases were opened, and how many items were skipped."""

    n_opened: Count
    n_skipped: Count


class AloneCounts(TypedDict):
    """What was decided alone: all, labelled since, before people now, and left."""

    n: Count
    n_labelled: Count
    n_open: Count
    n_left: Count
    expected_cost: float


class Chosen(TypedDict):
    """The riskiest; `last` sent back means exactly these, null means there are none."""

    n: Count
    expected_cost: float
    last: str | None


class AloneShape(TypedDict):
    """An item whose recommendation stood without people."""

    item_id: UUID
    external_id: str
    label: str
    confidence: Unit | None
    expected_cost: float
    model_version: int | None
    segment: UUID | None
    routed_at: datetime


class RepairPreview(TypedDict):
    """What was decided alone from `since` to `until`, a page, the riskiest first."""

    results: list[AloneShape]
    next: str | None
    since: datetime
    until: datetime
    counts: AloneCounts
    chosen: Chosen


class Repair(Operation):
    @documented(
        "repair_preview",
        summary="What was decided alone, the riskiest first, with counts",
        description=(
            "Of `since` ≤ moment < `until`, where people have not looked and no label "
            "is known. `chosen` says what the `n` riskiest may cost; its `last`, sent "
            "back with the `since` and `until` of the answer, puts exactly these "
            f"before people. Of more than {MAX_LOOKED_AT:,} the newest are looked at: "
            "then the `since` of the answer is later."
        ),
        parameters=[
            SLUG,
            *(
                OpenApiParameter(name, schema, required=name == "since")
                for name, schema in SCOPE.items()
            ),
            OpenApiParameter(
                "n", {"type": "integer", "minimum": 1, "maximum": MAX_ITEMS}
            ),
            LIMIT,
            CURSOR,
        ],
        answers={200: object_of(RepairPreview)},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.CASES_MANAGE)
        asked: dict[str, Any] = dict(request.query_params.items())
        # In a query string a plus sign that was not escaped arrives as a space.
        asked |= {
            name: asked[name].replace(" ", "+")
            for name in ("since", "until")
            if name in asked
        }
        scope = _scope(workflow, asked, now=timezone.now())
        n = _whole(asked, "n", most=MAX_ITEMS) or N_CHOSEN
        return Response(_preview(request, looked_at(scope), n))

    @documented(
        "repair_put_back",
        summary="Open a review case for items that were decided alone",
        description=(
            "Either `item_ids`, or `since`, `until` and `last` as the preview gave "
            f"them; at most {MAX_ITEMS:,} items. What has a label or an open case by "
            "then is skipped, so that the same request twice does it once."
        ),
        parameters=[SLUG],
        request=object_of(PutBackAsked),
        answers={200: object_of(PutBackShape)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.CASES_MANAGE)
        now = timezone.now()
        body = read_object(request, (*SCOPE, "last", "item_ids", "reason"))
        done = put_back(
            workflow=workflow,
            item_ids=_item_ids(workflow, body, now=now),
            by=self.user(request),
            reason=text_field(body, "reason", max_length=MAX_REASON_LENGTH),
            now=now,
        )
        return Response(PutBackShape(n_opened=done.n_opened, n_skipped=done.n_skipped))


def _preview(request: Request, scope: RepairScope, n: int) -> RepairPreview:
    cursor = request.query_params.get("cursor", "")
    try:
        page = riskiest_page(scope, cursor=cursor, limit=limit_of(request))
    except InvalidCursor as error:
        raise InvalidRequest([FieldError("cursor", "value", cursor)]) from error
    counts, chosen = count_alone(scope), choose_riskiest(scope, n)
    return {
        "since": scope.since,
        "until": scope.until,
        "counts": {
            "n": counts.n,
            "n_labelled": counts.n_labelled,
            "n_open": counts.n_open,
            "n_left": counts.n_left,
            "expected_cost": counts.expected_cost,
        },
        "chosen": {
            "n": chosen.n,
            "expected_cost": chosen.expected_cost,
            "last": write_rank(chosen.last) if chosen.last else None,
        },
        "results": [_alone_shape(route) for route in page.rows],
        "next": page.next or None,
    }


def _alone_shape(route: Route) -> AloneShape:
    return {
        "item_id": route.pk,
        "external_id": route.item.external_id,
        "label": route.label,
        "confidence": route.prediction.confidence if route.prediction else None,
        "expected_cost": route.cost,  # type: ignore[attr-defined]  # annotated
        "model_version": route.model_version.number if route.model_version else None,
        "segment": route.segment_id,
        "routed_at": route.routed_at,
    }


def _item_ids(workflow: Workflow, body: dict[str, Any], *, now: datetime) -> list[UUID]:
    if (given := body.get("item_ids")) is None:
        scope = _scope(workflow, body, now=now)
        return item_ids_to(looked_at(scope), _last(body), limit=MAX_ITEMS)
    if mixed := [name for name in (*SCOPE, "last") if body.get(name) is not None]:
        raise InvalidRequest([FieldError(name, "not_allowed") for name in mixed])
    if not isinstance(given, list):
        raise InvalidRequest([FieldError("item_ids", "type")])
    return [_uuid("item_ids", one) for one in given]


def _last(body: dict[str, Any]) -> Rank:
    text = text_field(body, "last", max_length=100)
    if not text:
        raise InvalidRequest([FieldError("last", "missing")])
    try:
        return read_rank(text)
    except InvalidCursor as error:
        raise InvalidRequest([FieldError("last", "value", text)]) from error


def _scope(workflow: Workflow, asked: dict[str, Any], *, now: datetime) -> RepairScope:
    if (since := _moment(asked, "since")) is None:
        raise InvalidRequest([FieldError("since", "missing")])
    segment = asked.get("segment")
    return RepairScope(
        workflow=workflow,
        since=since,
        until=_moment(asked, "until") or now,
        segment_id=None if segment is None else _uuid("segment", segment),
        model_number=_whole(asked, "version", most=MAX_VERSION),
    )


def _moment(asked: dict[str, Any], name: str) -> datetime | None:
    if asked.get(name) is None:
        return None
    moment = parse_moment(asked[name])
    if moment is None:
        raise InvalidRequest([FieldError(name, "type", str(asked[name])[:100])])
    return moment


def _uuid(name: str, value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else UUID("")
    except ValueError as error:
        raise InvalidRequest([FieldError(name, "type", ascii(value)[:100])]) from error


def _whole(asked: dict[str, Any], name: str, *, most: int) -> int | None:
    """Return a whole number from 1 to `most`, of a query string or a body."""
    if (value := asked.get(name)) is None:
        return None
    text = str(value)
    if isinstance(value, int | str) and text.isascii() and text.isdecimal():
        number = int(text[:9])
        if 1 <= number <= most:
            return number
    raise InvalidRequest([FieldError(name, "range", ascii(value)[:100])])
