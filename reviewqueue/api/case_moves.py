"""Keep a case, give it back, put it off, pass it on, write beside it."""

from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from reviewqueue.api.base import BODY_ERRORS, documented, read_object, text_field
from reviewqueue.api.on_case import JUDGING, OnCase, documented_on_lease
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_cases import (
    AssignmentAsked,
    CaseAssigned,
    CaseMoved,
    CaseSnoozed,
    LeaseEnded,
    LeaseHeld,
    LeaseRenewed,
    NoteAsked,
    NoteWritten,
    ReasonGiven,
    SnoozeAsked,
)
from reviewqueue.services.assignments import assign_case, release_by_supervisor
from reviewqueue.services.claims import (
    release_case,
    renew_lease,
    skip_case,
    snooze_case,
)
from reviewqueue.services.decisions import add_note, escalate_case


class CaseRenew(OnCase):
    @documented_on_lease(
        "case_renew",
        summary="Extend the lease",
        request=object_of(LeaseHeld),
        answer=object_of(LeaseRenewed),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk)
        case = renew_lease(**self.held(request, pk, body), now=timezone.now())
        return Response(LeaseRenewed(id=pk, lease_expires_at=case.lease_expires_at))


class CaseRelease(OnCase):
    @documented_on_lease(
        "case_release",
        summary="Give the case back to the queue",
        request=object_of(LeaseHeld),
        answer=object_of(CaseMoved),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk)
        case = release_case(**self.held(request, pk, body), now=timezone.now())
        return Response(CaseMoved(id=pk, status=case.status))


class CaseSkipView(OnCase):
    @documented_on_lease(
        "case_skip",
        summary="Give the case back and do not offer it to me again",
        request=object_of(LeaseEnded),
        answer=object_of(CaseMoved),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk, "reason")
        case = skip_case(
            **self.held(request, pk, body),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response(CaseMoved(id=pk, status=case.status))


class CaseSnooze(OnCase):
    @documented_on_lease(
        "case_snooze",
        summary="Put the case off until a moment",
        request=object_of(SnoozeAsked),
        answer=object_of(CaseSnoozed),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk, "until", "reason", required=["until"])
        now = timezone.now()
        until = parse_moment(body["until"])
        if until is None or until <= now:
            rule = "type" if until is None else "past"
            raise InvalidRequest([FieldError("until", rule, str(body["until"])[:100])])
        case = snooze_case(
            **self.held(request, pk, body),
            until=until,
            reason=text_field(body, "reason"),
            now=now,
        )
        answer = CaseSnoozed(
            id=pk, status=case.status, snoozed_until=case.snoozed_until
        )
        return Response(answer)


class CaseEscalate(OnCase):
    @documented_on_lease(
        "case_escalate",
        summary="Pass the case to an adjudicator",
        request=object_of(LeaseEnded),
        answer=object_of(CaseMoved),
    )
    def post(self, request: Request, pk: UUID) -> Response:
        body = self.body(request, pk, "reason")
        case = escalate_case(
            **self.held(request, pk, body),
            reason=text_field(body, "reason"),
            now=timezone.now(),
        )
        return Response(CaseMoved(id=pk, status=case.status))


class CaseReclaim(OnCase):
    @documented(
        "case_reclaim",
        summary="Take a case from whoever holds it (supervisor)",
        request=object_of(ReasonGiven),
        answers={200: object_of(CaseMoved)},
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
        return Response(CaseMoved(id=pk, status=released.status))


class CaseAssign(OnCase):
    @documented(
        "case_assign",
        summary="Reserve a case for one person, or open it to all (supervisor)",
        request=object_of(AssignmentAsked),
        answers={200: object_of(CaseAssigned)},
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
        answer = CaseAssigned(id=pk, status=assigned.status, assigned_to=username)
        return Response(answer)


class CaseNotes(OnCase):
    @documented(
        "case_note",
        summary="Write a note beside a case",
        request=object_of(NoteAsked),
        answers={201: object_of(NoteWritten)},
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
        answer = NoteWritten(id=note.pk, text=note.text, at=note.at)
        return Response(answer, status=201)
