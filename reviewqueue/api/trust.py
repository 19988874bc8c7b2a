"""Earned autonomy over the API: where segments stand, grants, withdrawals, the plan."""

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    seen_version,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_trust import (
    PlanAsked,
    TrustGrantAsked,
    TrustMoveAsked,
    TrustMoveShape,
    TrustPlanShape,
    TrustShape,
    move_shape,
    plan_shape,
    trust_shape,
)
from reviewqueue.enums import MoveCause
from reviewqueue.models import Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import plan_in_force
from reviewqueue.services.autonomy import grant, start_lower, withdraw
from reviewqueue.services.trust_overview import trust_overview
from reviewqueue.services.trust_plans import TERMS, PlanTerms, put_plan, terms_of


class TrustDetail(Operation):
    @documented(
        "trust_detail",
        summary="How much the model has earned: every segment, judged now",
        parameters=[SLUG],
        answers={200: object_of(TrustShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_VIEW)
        overview = trust_overview(workflow, now=timezone.now())
        return Response(asdict(trust_shape(overview, workflow)))


class TrustMoves(Operation):
    @documented(
        "trust_moves",
        summary="Grants and withdrawals, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[TrustMoveShape], "TrustMovePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_VIEW)
        rows = TrustMove.objects.filter(workflow=workflow).select_related("by")
        return listed(request, rows, lambda found: [move_shape(one) for one in found])


class TrustPlanDetail(Operation):
    @documented(
        "trust_plan_detail",
        summary="The terms on which autonomy is granted",
        parameters=[SLUG],
        answers={200: object_of(TrustPlanShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_VIEW)
        return Response(asdict(plan_shape(plan_in_force(workflow), workflow)))

    @documented(
        "trust_plan_put",
        summary="Put the next version of the terms in force",
        description="Terms that are left out stay as they are. A reason is needed. "
        "With `version`, that of the terms you saw, another one in force refuses them.",
        parameters=[SLUG],
        request=object_of(PlanAsked, "TrustPlanTerms"),
        answers={200: object_of(TrustPlanShape)},
        errors=BODY_ERRORS,
    )
    def put(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_CHANGE)
        names = [*TERMS, "reason", "version"]
        body = read_object(request, names, required=["reason"])
        plan = put_plan(
            workflow=workflow,
            terms=_terms(body, terms_of(plan_in_force(workflow))),
            by=self.user(request),
            reason=text_field(body, "reason"),
            now=timezone.now(),
            seen_version=seen_version(body),
        )
        return Response(asdict(plan_shape(plan, workflow)))


class TrustPlans(Operation):
    @documented(
        "trust_plan_list",
        summary="Every version of the terms, newest first",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[TrustPlanShape], "TrustPlanPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_VIEW)
        plans = TrustPlan.objects.filter(workflow=workflow)
        return listed(
            request,
            plans,
            lambda found: [asdict(plan_shape(one, workflow)) for one in found],
        )


_TYPES: dict[str, type | tuple[type, ...]] = {
    "evidence": str,
    "segment_feature": str,
    "min_reviews": int,
    "auto_grant": bool,
    "coaching": bool,
}


def _terms(body: dict[str, Any], current: PlanTerms) -> PlanTerms:
    """Return the terms that a body asks for. Raises: InvalidRequest."""
    asked = {name: body[name] for name in TERMS if name in body}
    errors = [
        FieldError(name, "type", str(value)[:100])
        for name, value in asked.items()
        if not _is_of_type(name, value)
    ]
    if errors:
        raise InvalidRequest(errors)
    return replace(current, **asked)


def _is_of_type(name: str, value: object) -> bool:
    if name in {"ladder", "edges"}:
        return isinstance(value, list) and all(map(_is_number, value))
    if name in {"tolerated", "tolerated_fields"}:
        return isinstance(value, dict) and all(map(_is_number, value.values()))
    wanted = _TYPES.get(name)
    if wanted is None:
        return _is_number(value)
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class TrustGrant(Operation):
    @documented(
        "trust_grant",
        summary="Take a segment down the ladder (supervisor)",
        description="One level by its own evidence, or with the cause `shadow` as far "
        "as what a new champion said in shadow allows.",
        parameters=[SLUG],
        request=object_of(TrustGrantAsked),
        answers={201: object_of(TrustMoveShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        """Refuse with 409 and the rule where the evidence does not allow it."""
        workflow = self.workflow(request, slug, Permission.TRUST_CHANGE)
        level, reason, cause = _move_asked(request, "cause")
        make = start_lower if cause == MoveCause.SHADOW else grant
        try:
            move = make(
                workflow=workflow,
                segment_id=pk,
                seen_level=level,
                by=self.user(request),
                reason=reason,
                now=timezone.now(),
            )
        except Segment.DoesNotExist:
            raise Http404 from None
        return Response(move_shape(move), status=201)


class TrustWithdraw(Operation):
    @documented(
        "trust_withdraw",
        summary="Send people every item of a segment again (supervisor)",
        parameters=[SLUG],
        request=object_of(TrustMoveAsked),
        answers={201: object_of(TrustMoveShape), 204: None},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        """Answer 204 where nothing was granted."""
        workflow = self.workflow(request, slug, Permission.TRUST_CHANGE)
        _, reason, _ = _move_asked(request)
        try:
            move = withdraw(
                workflow=workflow,
                segment_id=pk,
                cause=MoveCause.BY_HAND,
                by=self.user(request),
                reason=reason,
                now=timezone.now(),
            )
        except Segment.DoesNotExist:
            raise Http404 from None
        if move is None:
            return Response(status=204)
        return Response(move_shape(move), status=201)


def _move_asked(request: Request, *others: str) -> tuple[int, str, MoveCause]:
    """Return the level that was seen, the reason, and what a grant is to rest on."""
    asked = ["level", "reason"]
    body = read_object(request, [*asked, *others], required=asked)
    level = body["level"]
    if not isinstance(level, int) or isinstance(level, bool) or level < 0:
        raise InvalidRequest([FieldError("level", "type", str(level)[:100])])
    reason = text_field(body, "reason", max_length=500)
    if not reason.strip():
        raise InvalidRequest([FieldError("reason", "missing", "")])
    cause = body.get("cause", MoveCause.EVIDENCE)
    if cause not in (MoveCause.EVIDENCE, MoveCause.SHADOW):
        raise InvalidRequest([FieldError("cause", "value", str(cause)[:100])])
    return level, reason, MoveCause(cause)
