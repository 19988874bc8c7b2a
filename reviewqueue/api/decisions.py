"""Decide, undo, amend; and the feed of final labels."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

import orjson
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from accounts.sites import is_within, within_sites
from predictions.declaration import FieldError
from predictions.queries.pages import InvalidCursor, make_cursor, read_cursor
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
    uuid_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, limit_of
from reviewqueue.api.on_case import JUDGING, LEASE_ERRORS, OnCase, canonical
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import OneOf, object_of
from reviewqueue.api.shapes import (
    PredictedFieldsShape,
    RouteShape,
    predicted_fields_shape,
    route_shape,
)
from reviewqueue.api.shapes_cases import Note
from reviewqueue.api.shapes_people import (
    CaseBrief,
    DecisionShape,
    LabelShape,
    case_brief,
    decision_shape,
    label_shape,
    token_of,
)
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.api.workflows import moment_parameter
from reviewqueue.enums import CaseStatus, Verdict
from reviewqueue.models import Decision, Label
from reviewqueue.queries.disguise import as_held_route
from reviewqueue.queries.gold import told_label
from reviewqueue.queries.personal import mask_labels
from reviewqueue.queries.settled import settled_until
from reviewqueue.queries.visibility import hidden_item_ids
from reviewqueue.services.decisions import (
    Recorded,
    amend_decision,
    record_decision,
    undo_decision,
)
from reviewqueue.services.idempotency import MAX_KEY_LENGTH, Answer, answer_once
from reviewqueue.services.judging import Judgement

# Labels are stamped before they are committed: the feed stays this far behind, and
# behind who takes longer, so that a reader who follows the cursor misses none.
FEED_LAG = timedelta(seconds=5)
JUDGEMENT = ("verdict", "label", "reason_code", "note", "fields")
Key = Annotated[str, Field(max_length=50)]


class JudgementAsked(TypedDict):
    """What a person says; keys of labels, reasons and fields are the workflow's.

    `fields` that are not named stay as they were recommended; null holds nothing.
    """

    verdict: NotRequired[Annotated[str, OneOf(Verdict)]]
    label: NotRequired[Key]
    reason_code: NotRequired[Key]
    note: NotRequired[Note]
    fields: NotRequired[dict[str, Any] | None]


class DecisionAsked(JudgementAsked):
    """A judgement by whoever holds the case; the token came with the claim."""

    lease_token: UUID


class AmendmentAsked(JudgementAsked):
    """A judgement in place of another, and why."""

    reason: Annotated[str, Field(max_length=1000)]


class Reveal(TypedDict):
    """What was withheld from a blind judgement; `agreed` is of the label."""

    recommended_label: str | None
    recommended_fields: PredictedFieldsShape | None
    agreed: bool
    route: RouteShape


class GoldTold(TypedDict):
    """What was known of a gold item, where the plan coaches."""

    known_label: str
    right: bool


class RecordedDecision(DecisionShape):
    """A stored decision, and what it led to."""

    case_status: Annotated[str, OneOf(CaseStatus)]
    final_label: str | None
    needs_second_opinion: bool
    needs_adjudication: bool
    reveal: NotRequired[Reveal]
    gold: NotRequired[GoldTold]


class CaseTakenBack(CaseBrief):
    """A case whose decision was undone, held again by its author."""

    lease_token: UUID


def judgement_of(body: dict[str, Any]) -> Judgement:
    """Read what a person said. Raises: InvalidRequest."""
    return Judgement(
        verdict=text_field(body, "verdict", max_length=20),
        label=text_field(body, "label", max_length=50),
        reason_code=text_field(body, "reason_code", max_length=50),
        note=text_field(body, "note", max_length=4000),
        fields=_fields(body.get("fields")),
    )


def _fields(value: object) -> Mapping[str, object] | None:
    if value is not None and not isinstance(value, dict):
        raise InvalidRequest([FieldError("fields", "type", type(value).__name__)])
    return value


class CaseDecision(OnCase):
    @documented(
        "case_decide",
        summary="Decide a case that you hold",
        description=(
            "`confirm` lets the recommendation stand, `override` takes a `label`, "
            "`unsure` passes the case to an adjudicator. The verdict may be left out "
            "where label and `fields` say it. A blind case takes a `label`, and every "
            "field that the workflow asks for with it, and answers with "
            "the reveal; a gold item, where the plan coaches, with its known label. "
            "The same Idempotency-Key gives the same answer."
        ),
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request=object_of(DecisionAsked),
        answers={201: object_of(RecordedDecision)},
        errors=LEASE_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk, *JUDGEMENT)
        lease_token = uuid_field(body, "lease_token")
        judgement = judgement_of(body)
        now = timezone.now()
        reviewer = self.user(request)

        def perform() -> Answer:
            recorded = record_decision(
                case_id=pk,
                reviewer=reviewer,
                lease_token=lease_token,
                judgement=judgement,
                now=now,
            )
            return Answer(201, _plain(recorded_shape(recorded)))

        key = request.headers.get("Idempotency-Key", "")
        if len(key) > MAX_KEY_LENGTH or not key.isprintable():
            raise InvalidRequest([FieldError("Idempotency-Key", "value", key[:100])])
        answer = (
            perform()
            if not key
            else answer_once(
                owner=reviewer,
                key=key,
                request=f"decide {pk} ".encode() + canonical(body),
                now=now,
                perform=perform,
            )
        )
        return Response(answer.body, status=answer.status)


def recorded_shape(recorded: Recorded) -> RecordedDecision:
    """Describe a stored decision; a blind one with what was withheld until now."""
    decision, resolution = recorded.decision, recorded.resolution
    shape: RecordedDecision = {
        **decision_shape(decision),  # type: ignore[typeddict-item]  # has no more
        "case_status": recorded.case.status,
        "final_label": resolution.decision.label if resolution.decision else None,
        "needs_second_opinion": resolution.needs_second,
        "needs_adjudication": resolution.needs_adjudication,
    }
    if decision.blind:
        shape["reveal"] = _reveal(recorded)
    if known := told_label(decision):
        shape["gold"] = {"known_label": known, "right": decision.label == known}
    return shape


def _reveal(recorded: Recorded) -> Reveal:
    decision, route = recorded.decision, as_held_route(recorded.case)
    has_fields = bool(recorded.case.workflow.declaration.fields)
    return {
        "recommended_label": route.label or None,
        "recommended_fields": predicted_fields_shape(route.prediction)
        if has_fields
        else None,
        "agreed": decision.label == route.label,
        "route": route_shape(route),
    }


def _plain(shape: RecordedDecision) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(shape, default=str))
    return plain


def _decision(
    view: Operation, request: Request, pk: UUID, *permissions: Permission
) -> Decision:
    """Return a decision. Raises: Decision.DoesNotExist, Http404, PermissionDenied."""
    decision = Decision.objects.get(pk=pk)
    actor = view.actor(request)
    actor.require_any(permissions, decision.workflow_id, by_site=True)
    if not is_within(decision.site_id, actor.sites(decision.workflow_id)):
        raise Decision.DoesNotExist
    return decision


class DecisionUndo(Operation):
    @documented(
        "decision_undo",
        summary="Take your own decision back within the undo window",
        request=None,
        answers={200: object_of(CaseTakenBack)},
        errors=[409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        _decision(self, request, pk, *JUDGING)
        case = undo_decision(decision_id=pk, by=self.user(request), now=timezone.now())
        answer: CaseTakenBack = {
            **case_brief(case, hidden=False),
            "lease_token": token_of(case),
        }
        return Response(answer)


class DecisionAmend(Operation):
    @documented(
        "decision_amend",
        summary="Replace a decision, with a reason; the old one stays on record",
        request=object_of(AmendmentAsked),
        answers={201: object_of(RecordedDecision)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        decision = _decision(self, request, pk, Permission.CASES_MANAGE, *JUDGING)
        actor = self.actor(request)
        manages = actor.can(Permission.CASES_MANAGE, decision.workflow_id)
        body = read_object(request, [*JUDGEMENT, "reason"])
        recorded = amend_decision(
            decision_id=pk,
            by=self.user(request),
            may_amend_others=manages,
            judgement=judgement_of(body),
            reason=text_field(body, "reason", max_length=1000),
            now=timezone.now(),
        )
        return Response(recorded_shape(recorded), status=201)


class DecisionFeed(Operation):
    @documented(
        "decision_feed",
        summary="Final labels in the order in which they came",
        description=(
            "Each row is a version of an item's label; the highest version stands. "
            "Follow `next` to go on from where you were: it is given also on the last "
            "page. The feed stays 5 seconds behind, and behind whoever still writes."
        ),
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            SITE,
            OpenApiParameter("since", OpenApiTypes.DATETIME),
        ],
        answers={200: object_of(Page[LabelShape], "LabelPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.DECISIONS_VIEW, by_site=True)
        until = settled_until(timezone.now() - FEED_LAG)
        rows = Label.objects.filter(workflow=workflow, created_at__lte=until)
        rows = within_sites(rows, asked_sites(self, request, workflow), "item__site")
        if since := moment_parameter(request, "since"):
            rows = rows.filter(created_at__gte=since)
        cursor = request.query_params.get("cursor", "")
        if (last := self._last(cursor)) is not None:
            later = Q(created_at=last.created_at, pk__gt=last.pk)
            rows = rows.filter(later | Q(created_at__gt=last.created_at))
        found = list(
            rows.select_related("item").order_by("created_at", "pk")[
                : limit_of(request)
            ]
        )
        hidden = hidden_item_ids(
            self.actor(request), workflow.pk, [one.item_id for one in found]
        )
        following = make_cursor(found[-1].pk) if found else cursor or None
        mask_labels(found, workflow)
        shown = [label_shape(one) for one in found if one.item_id not in hidden]
        return Response({"results": shown, "next": following})

    def _last(self, cursor: str) -> Label | None:
        try:
            key = read_cursor(cursor)
            return Label.objects.get(pk=key) if key is not None else None
        except (InvalidCursor, Label.DoesNotExist) as error:
            raise InvalidRequest([FieldError("cursor", "value", cursor)]) from error
