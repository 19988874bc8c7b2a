"""Claim, keep, give back and decide cases."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from predictions.models import Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
    uuid_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, list_answer, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.shapes import case_brief, claimed_case
from reviewqueue.api.workflows import ANY_OBJECT
from reviewqueue.enums import CaseKind, CaseStatus, Queue
from reviewqueue.models import Case
from reviewqueue.queries.queue_state import queue_state
from reviewqueue.queries.visibility import (
    QUEUE_PERMISSIONS,
    hidden_item_ids,
    is_hidden,
    queues_of,
)
from reviewqueue.services.claims import (
    assign_case,
    claim_next_case,
    open_case,
    release_by_supervisor,
    release_case,
    renew_lease,
    skip_case,
    snooze_case,
)
from reviewqueue.services.decisions import add_note, escalate_case

JUDGING = (Permission.CASES_REVIEW, Permission.CASES_ADJUDICATE)
LEASE_BODY = {
    "application/json": {
        "type": "object",
        "required": ["lease_token"],
        "properties": {
            "lease_token": {"type": "string", "format": "uuid"},
            "reason": {"type": "string", "maxLength": 500},
            "until": {"type": "string", "format": "date-time"},
        },
    }
}


class CaseList(Operation):
    @documented(
        "case_list",
        summary="Cases, newest first",
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            OpenApiParameter("status", str, enum=CaseStatus.values),
            OpenApiParameter("kind", str, enum=CaseKind.values),
            OpenApiParameter("queue", str, enum=Queue.values),
            OpenApiParameter("mine", bool),
            OpenApiParameter("overdue", bool),
        ],
        answers={200: list_answer("CasePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.CASES_VIEW)
        actor = self.actor(request)
        rows = Case.objects.filter(workflow=workflow).select_related(
            "item", "leased_by", "assigned_to"
        )
        for name, known in (
            ("status", CaseStatus.values),
            ("kind", CaseKind.values),
            ("queue", Queue.values),
        ):
            value = request.query_params.get(name)
            if value and value not in known:
                raise InvalidRequest([FieldError(name, "value", value)])
            if value:
                rows = rows.filter(**{name: value})
        if request.query_params.get("mine") == "true":
            rows = rows.filter(leased_by=self.user(request))
        if request.query_params.get("overdue") == "true":
            rows = rows.filter(due_at__lt=timezone.now(), closed_at=None)

        def shape(found: Any) -> list[dict[str, Any]]:  # noqa: ANN401 -- rows
            hidden = hidden_item_ids(
                actor, workflow.pk, [case.item_id for case in found]
            )
            return [case_brief(one, hidden=one.item_id in hidden) for one in found]

        return listed(request, rows, shape)


class CaseClaim(Operation):
    @documented(
        "case_claim",
        summary="Lease the next case that you may review",
        parameters=[SLUG],
        request={
            "application/json": {
                "type": "object",
                "properties": {"queue": {"type": "string", "enum": Queue.values}},
            }
        },
        answers={200: ANY_OBJECT, 204: None},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Answer 204 with the header `X-Queue-State` when there is nothing to do."""
        workflow = self.workflow(request, slug, *JUDGING)
        queues = self._queues(request, workflow)
        now = timezone.now()
        reviewer = self.user(request)
        case = claim_next_case(
            workflow=workflow, reviewer=reviewer, queues=queues, now=now
        )
        if case is None:
            state = queue_state(
                workflow=workflow, reviewer=reviewer, queues=queues, now=now
            )
            return Response(status=204, headers={"X-Queue-State": state.header()})
        return Response(claimed_case(opened(case, reviewer, now=now), now=now))

    def _queues(self, request: Request, workflow: Workflow) -> list[Queue]:
        body = read_object(request, ["queue"])
        actor = self.actor(request)
        wanted = body.get("queue")
        if wanted is not None and wanted not in Queue.values:
            raise InvalidRequest([FieldError("queue", "value", wanted)])
        if wanted is not None:
            actor.require(QUEUE_PERMISSIONS[Queue(wanted)], workflow.pk)
            return [Queue(wanted)]
        return queues_of(actor, workflow.pk)


def opened(case: Case, holder: User, *, now: datetime) -> Case:
    """Note that a claimed case is seen at once: over the API nothing is prefetched."""
    if case.lease_token is not None:
        open_case(case_id=case.pk, holder=holder, lease_token=case.lease_token, now=now)
    return case


class _OnCase(Operation):
    """An operation on one case, found only by those who may see it."""

    def case(self, request: Request, pk: UUID, *permissions: Permission) -> Case:
        """Return the case. Raises: Case.DoesNotExist, Http404, PermissionDenied."""
        case = Case.objects.select_related("workflow", "item").get(pk=pk)
        self.actor(request).require_any(permissions, case.workflow_id)
        return case


class CaseDetail(_OnCase):
    @documented("case_detail", summary="One case", answers={200: ANY_OBJECT})
    def get(self, request: Request, pk: UUID) -> Response:
        case = self.case(request, pk, Permission.CASES_VIEW)
        hidden = is_hidden(self.actor(request), case.workflow_id, case.item_id)
        if case.leased_by_id == self.user(request).pk:
            held = Case.objects.select_related(
                "workflow", "item", "route__policy", "route__model_version"
            ).get(pk=pk)
            return Response(claimed_case(held, now=timezone.now()))
        return Response(case_brief(case, hidden=hidden))


class CaseRenew(_OnCase):
    @documented(
        "case_renew",
        summary="Extend the lease",
        request=LEASE_BODY,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(request, ["lease_token"])
        case = renew_lease(
            case_id=pk,
            holder=self.user(request),
            lease_token=uuid_field(body, "lease_token"),
            now=timezone.now(),
        )
        return Response({"id": pk, "lease_expires_at": case.lease_expires_at})


class CaseRelease(_OnCase):
    @documented(
        "case_release",
        summary="Give the case back to the queue",
        request=LEASE_BODY,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(request, ["lease_token"])
        case = release_case(
            case_id=pk,
            holder=self.user(request),
            lease_token=uuid_field(body, "lease_token"),
            now=timezone.now(),
        )
        return Response({"id": pk, "status": case.status})


class CaseSkipView(_OnCase):
    @documented(
        "case_skip",
        summary="Give the case back and do not offer it to me again",
        request=LEASE_BODY,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(request, ["lease_token", "reason"])
        case = skip_case(
            case_id=pk,
            holder=self.user(request),
            lease_token=uuid_field(body, "lease_token"),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response({"id": pk, "status": case.status})


class CaseSnooze(_OnCase):
    @documented(
        "case_snooze",
        summary="Put the case off until a moment",
        request=LEASE_BODY,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(
            request, ["lease_token", "until", "reason"], required=["until"]
        )
        now = timezone.now()
        until = parse_moment(body["until"])
        if until is None or until <= now:
            rule = "type" if until is None else "past"
            raise InvalidRequest([FieldError("until", rule, str(body["until"])[:100])])
        case = snooze_case(
            case_id=pk,
            holder=self.user(request),
            lease_token=uuid_field(body, "lease_token"),
            until=until,
            reason=text_field(body, "reason"),
            now=now,
        )
        body = {"id": pk, "status": case.status, "snoozed_until": case.snoozed_until}
        return Response(body)


class CaseEscalate(_OnCase):
    @documented(
        "case_escalate",
        summary="Pass the case to an adjudicator",
        request=LEASE_BODY,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        self.case(request, pk, *JUDGING)
        body = read_object(request, ["lease_token", "reason"])
        case = escalate_case(
            case_id=pk,
            holder=self.user(request),
            lease_token=uuid_field(body, "lease_token"),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response({"id": pk, "status": case.status})


class CaseReclaim(_OnCase):
    @documented(
        "case_reclaim",
        summary="Take a case from whoever holds it (supervisor)",
        request=ANY_OBJECT,
        answers={200: ANY_OBJECT},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        case = self.case(request, pk, Permission.CASES_MANAGE)
        body = read_object(request, ["reason"])
        released = release_by_supervisor(
            case=case,
            supervisor=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response({"id": pk, "status": released.status})


class CaseAssign(_OnCase):
    @documented(
        "case_assign",
        summary="Reserve a case for one person, or open it to all (supervisor)",
        request=ANY_OBJECT,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        case = self.case(request, pk, Permission.CASES_MANAGE)
        body = read_object(request, ["username", "reason"])
        username = text_field(body, "username", max_length=150)
        person = None
        if username:
            person = User.objects.filter(
                username__iexact=username, memberships__scope_id=case.workflow_id
            ).first()
            if person is None:
                raise InvalidRequest([FieldError("username", "unknown", username)])
        assigned = assign_case(
            case=case,
            to=person,
            supervisor=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response({"id": pk, "status": assigned.status, "assigned_to": username})


class CaseNotes(_OnCase):
    @documented(
        "case_note",
        summary="Write a note beside a case",
        request=ANY_OBJECT,
        answers={201: ANY_OBJECT},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, pk: UUID) -> Response:
        case = self.case(request, pk, *JUDGING, Permission.CASES_MANAGE)
        body = read_object(request, ["text"])
        note = add_note(
            case=case,
            author=self.user(request),
            text=text_field(body, "text", max_length=4000),
            now=timezone.now(),
        )
        return Response({"id": note.pk, "text": note.text, "at": note.at}, status=201)


def canonical(body: object) -> bytes:
    """Write a request's body the same way whatever its spelling."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
