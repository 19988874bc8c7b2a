"""Decide, undo, amend; and the feed of final labels."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
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
from reviewqueue.api.cases import JUDGING, _OnCase, canonical
from reviewqueue.api.lists import CURSOR, LIMIT, limit_of, list_answer
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.shapes import case_brief, decision_shape, label_shape, route_shape
from reviewqueue.api.workflows import ANY_OBJECT, moment_parameter
from reviewqueue.enums import Verdict
from reviewqueue.models import Decision, Label
from reviewqueue.queries.visibility import hidden_item_ids
from reviewqueue.services.decisions import (
    Judgement,
    Recorded,
    amend_decision,
    record_decision,
    undo_decision,
)
from reviewqueue.services.idempotency import MAX_KEY_LENGTH, Answer, answer_once

# Labels are stamped before they are committed: the feed stays this far behind, so
# that a reader who follows the cursor misses none.
FEED_LAG = timedelta(seconds=5)
DECISION_BODY = {
    "application/json": {
        "type": "object",
        "required": ["lease_token"],
        "properties": {
            "lease_token": {"type": "string", "format": "uuid"},
            "verdict": {"type": "string", "enum": Verdict.values},
            "label": {"type": "string"},
            "reason_code": {"type": "string"},
            "note": {"type": "string", "maxLength": 4000},
        },
    }
}
JUDGEMENT = ("verdict", "label", "reason_code", "note")


def judgement_of(body: dict[str, Any]) -> Judgement:
    """Read what a person said. Raises: InvalidRequest."""
    return Judgement(
        verdict=text_field(body, "verdict", max_length=20),
        label=text_field(body, "label", max_length=50),
        reason_code=text_field(body, "reason_code", max_length=50),
        note=text_field(body, "note", max_length=4000),
    )


class CaseDecision(_OnCase):
    @documented(
        "case_decide",
        summary="Decide a case that you hold",
        description=(
            "`confirm` lets the recommendation stand, `override` takes a `label`, "
            "`unsure` passes the case to an adjudicator. The verdict may be left out "
            "where the label says it. A blind case takes a `label` and answers with "
            "the reveal. The same Idempotency-Key gives the same answer."
        ),
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request=DECISION_BODY,
        answers={201: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(request, ["lease_token", *JUDGEMENT])
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


def recorded_shape(recorded: Recorded) -> dict[str, Any]:
    """Describe a stored decision; a blind one with what was withheld until now."""
    decision = recorded.decision
    shape = decision_shape(decision)
    shape["case_status"] = recorded.case.status
    shape["final_label"] = (
        recorded.resolution.decision.label if recorded.resolution.decision else None
    )
    shape["needs_second_opinion"] = recorded.resolution.needs_second
    shape["needs_adjudication"] = recorded.resolution.needs_adjudication
    if decision.blind:
        route = recorded.case.route
        shape["reveal"] = {
            "recommended_label": route.label or None,
            "agreed": decision.label == route.label,
            "route": route_shape(route),
        }
    return shape


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(shape, default=str))
    return plain


class DecisionUndo(Operation):
    @documented(
        "decision_undo",
        summary="Take your own decision back within the undo window",
        request=None,
        answers={200: ANY_OBJECT},
        errors=[409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        decision = Decision.objects.get(pk=pk)
        self.actor(request).require_any(JUDGING, decision.workflow_id)
        case = undo_decision(decision_id=pk, by=self.user(request), now=timezone.now())
        shape = case_brief(case, hidden=False)
        return Response({**shape, "lease_token": case.lease_token})


class DecisionAmend(Operation):
    @documented(
        "decision_amend",
        summary="Replace a decision, with a reason; the old one stays on record",
        request=ANY_OBJECT,
        answers={201: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        decision = Decision.objects.get(pk=pk)
        actor = self.actor(request)
        manages = actor.can(Permission.CASES_MANAGE, decision.workflow_id)
        actor.require_any((Permission.CASES_MANAGE, *JUDGING), decision.workflow_id)
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
            "page. The feed stays 5 seconds behind."
        ),
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            OpenApiParameter("since", OpenApiTypes.DATETIME),
        ],
        answers={200: list_answer("DecisionFeed")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.DECISIONS_VIEW)
        rows = Label.objects.filter(
            workflow=workflow, created_at__lte=timezone.now() - FEED_LAG
        )
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
        shown = [label_shape(one) for one in found if one.item_id not in hidden]
        return Response({"results": shown, "next": following})

    def _last(self, cursor: str) -> Label | None:
        try:
            key = read_cursor(cursor)
            return Label.objects.get(pk=key) if key is not None else None
        except (InvalidCursor, Label.DoesNotExist) as error:
            raise InvalidRequest([FieldError("cursor", "value", cursor)]) from error
