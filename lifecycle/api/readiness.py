"""Readiness over the API: the lines of the page, and a review of rights."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.enums import Answer, RiskFunction
from lifecycle.judging.readiness import Line
from lifecycle.models import Proof
from lifecycle.queries.rights import fingerprint, rights_in
from lifecycle.services.readiness import (
    RightsChanged,
    readiness_of,
    record_rights_review,
)
from lifecycle.services.readiness_links import address_of
from predictions.models import Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.problems import SeenChanged
from reviewqueue.api.schema import Count, OneOf, object_of


class ProofLinkShape(TypedDict):
    """A page that shows the evidence, by its path on this site."""

    text: str
    path: str


class ReadinessLineShape(TypedDict):
    """One question with its answer; `at` is the moment of the newest evidence.

    `function` is that of the NIST AI Risk Management Framework.
    """

    key: str
    question: str
    verdict: Annotated[str, OneOf(Answer)]
    says: str
    at: datetime | None
    owner: str
    function: Annotated[str, OneOf(RiskFunction)]
    proof: list[ProofLinkShape]


class ReadinessShape(TypedDict):
    """Every question about a workflow, answered from evidence."""

    at: datetime
    n_yes: Count
    lines: list[ReadinessLineShape]


class RightShape(TypedDict):
    """A role, a live key or a site admin; `until` is empty where it does not end."""

    kind: str
    holder: UUID
    name: str
    what: str
    until: str


class RightsShape(TypedDict):
    """Who may do what, and the fingerprint by which the list is known again."""

    seen: str
    rights: list[RightShape]


class RightsReviewed(TypedDict, total=False):
    """That somebody went through the list that `seen` is the fingerprint of."""

    seen: str
    note: str


class ProofShape(TypedDict):
    """A review of rights, as it was recorded."""

    id: UUID
    note: str
    by: str | None
    at: datetime


class ReadinessDetail(Operation):
    @documented(
        "readiness_detail",
        summary="Whether the workflow is ready, from evidence",
        parameters=[SLUG],
        answers={200: object_of(ReadinessShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.READINESS_VIEW)
        standing = readiness_of(workflow, now=timezone.now())
        answer: ReadinessShape = {
            "at": standing.at,
            "n_yes": standing.n_yes,
            "lines": [_shape(line, workflow) for line in standing.lines],
        }
        return Response(answer)


class ReadinessRights(Operation):
    @documented(
        "readiness_rights",
        summary="Who may do what, to go through",
        parameters=[SLUG],
        answers={200: object_of(RightsShape)},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.READINESS_RECORD)
        rights = rights_in(workflow, now=timezone.now())
        return Response({"seen": fingerprint(rights), "rights": rights})

    @documented(
        "readiness_rights_record",
        summary="Record that a person went through who may do what",
        parameters=[SLUG],
        request=object_of(RightsReviewed),
        answers={201: object_of(ProofShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.READINESS_RECORD)
        body = read_object(request, ("seen", "note"), required=("seen",))
        try:
            proof = record_rights_review(
                workflow=workflow,
                seen=text_field(body, "seen", max_length=64),
                note=text_field(body, "note", max_length=300),
                by=self.user(request),
                now=timezone.now(),
            )
        except RightsChanged as changed:
            raise SeenChanged(str(changed)) from changed
        return Response(_proof(proof), status=201)


def _shape(line: Line, workflow: Workflow) -> ReadinessLineShape:
    return {
        "key": line.key,
        "question": line.question,
        "verdict": line.verdict.value,
        "says": line.says,
        "at": line.at,
        "owner": line.owner,
        "function": line.function.value,
        "proof": [
            {"text": link.text, "path": address_of(link, workflow)}
            for link in line.links
        ],
    }


def _proof(proof: Proof) -> ProofShape:
    return {
        "id": proof.pk,
        "note": proof.note,
        "by": proof.by.username if proof.by else None,
        "at": proof.at,
    }
