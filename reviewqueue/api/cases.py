"""Find cases, claim the next one, look at one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import Permission
from accounts.sites import within_sites
from predictions.declaration import FieldError
from predictions.models import Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.on_case import JUDGING, OnCase
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_cases import (
    QueueAsked,
    SeenCase,
)
from reviewqueue.api.shapes_people import (
    CaseBrief,
    ClaimedCase,
    case_brief,
    claimed_case,
)
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.enums import CaseKind, CaseStatus, Queue
from reviewqueue.models import Case
from reviewqueue.queries.disguise import knows_gold, listed_cases, seen_cases
from reviewqueue.queries.queue_state import queue_state
from reviewqueue.queries.visibility import (
    QUEUE_PERMISSIONS,
    hidden_item_ids,
    is_hidden,
    queues_of,
)
from reviewqueue.services.claims import (
    claim_next_case,
    open_case,
)


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
            SITE,
            OpenApiParameter("mine", bool),
            OpenApiParameter("overdue", bool),
        ],
        answers={200: object_of(Page[CaseBrief], "CasePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.CASES_VIEW, by_site=True)
        actor = self.actor(request)
        rows = Case.objects.filter(workflow=workflow)
        rows = within_sites(rows, asked_sites(self, request, workflow))
        rows = rows.select_related("item", "leased_by", "assigned_to")
        for name, known in (("status", CaseStatus.values), ("queue", Queue.values)):
            value = request.query_params.get(name)
            if value and value not in known:
                raise InvalidRequest([FieldError(name, "value", value)])
            if value:
                rows = rows.filter(**{name: value})
        kind = request.query_params.get("kind", "")
        if kind and kind not in CaseKind.values:
            raise InvalidRequest([FieldError("kind", "value", kind)])
        rows = listed_cases(rows, actor, workflow.pk, kind=kind)
        knows = knows_gold(actor, workflow.pk)
        if request.query_params.get("mine") == "true":
            rows = rows.filter(leased_by=self.user(request))
        if request.query_params.get("overdue") == "true":
            rows = rows.filter(due_at__lt=timezone.now(), closed_at=None)

        def shape(found: Sequence[Case]) -> list[CaseBrief]:
            hidden = hidden_item_ids(
                actor, workflow.pk, [case.item_id for case in found]
            )
            return [
                case_brief(one, hidden=one.item_id in hidden, knows_gold=knows)
                for one in found
            ]

        return listed(request, rows, shape)


class CaseClaim(Operation):
    @documented(
        "case_claim",
        summary="Lease the next case that you may review",
        parameters=[SLUG],
        request=object_of(QueueAsked),
        answers={200: object_of(ClaimedCase), 204: None},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Answer 204 with the header `X-Queue-State` when there is nothing to do."""
        workflow = self.workflow(request, slug, *JUDGING, by_site=True)
        queues = self._queues(request, workflow)
        now = timezone.now()
        reviewer = self.user(request)
        sites = self.actor(request).sites(workflow.pk)
        case = claim_next_case(
            workflow=workflow, reviewer=reviewer, queues=queues, now=now, sites=sites
        )
        if case is None:
            state = queue_state(
                workflow=workflow,
                reviewer=reviewer,
                queues=queues,
                now=now,
                sites=sites,
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
            needed = QUEUE_PERMISSIONS[Queue(wanted)]
            actor.require(needed, workflow.pk, by_site=True)
            return [Queue(wanted)]
        return queues_of(actor, workflow.pk)


def opened(case: Case, holder: User, *, now: datetime) -> Case:
    """Note that a claimed case is seen at once: over the API nothing is prefetched."""
    if case.lease_token is not None:
        open_case(case_id=case.pk, holder=holder, lease_token=case.lease_token, now=now)
    return case


class CaseDetail(OnCase):
    @documented("case_detail", summary="One case", answers={200: object_of(SeenCase)})
    def get(self, request: Request, pk: UUID) -> Response:
        case = self.case(request, pk, Permission.CASES_VIEW)
        actor = self.actor(request)
        seen_cases(Case.objects.all(), actor, case.workflow_id).only("pk").get(pk=pk)
        hidden = is_hidden(actor, case.workflow_id, case.item_id)
        if case.leased_by_id == self.user(request).pk:
            held = Case.objects.select_related(
                "workflow", "item__site", "route__policy", "route__model_version"
            ).get(pk=pk)
            return Response(claimed_case(held, now=timezone.now()))
        knows = knows_gold(actor, case.workflow_id)
        return Response(case_brief(case, hidden=hidden, knows_gold=knows))
