"""Operations on one case: who finds it, who holds it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID

import orjson
from rest_framework.request import Request

from accounts.models import User
from accounts.permissions import Permission
from accounts.sites import is_within
from reviewqueue.api.base import (
    BODY_ERRORS,
    Operation,
    documented,
    read_object,
    uuid_field,
)
from reviewqueue.api.schema import Shape
from reviewqueue.models import Case

JUDGING = (Permission.CASES_REVIEW, Permission.CASES_ADJUDICATE)
LEASE_ERRORS = (*BODY_ERRORS, 409)


def documented_on_lease[F: Callable[..., Any]](
    operation_id: str, *, summary: str, request: Shape, answer: Shape
) -> Callable[[F], F]:
    """Describe an operation of whoever holds the case."""
    return documented(
        operation_id,
        summary=summary,
        request=request,
        answers={200: answer},
        errors=LEASE_ERRORS,
    )


class HeldCase(TypedDict):
    """What the services ask of whoever holds a case."""

    case_id: UUID
    holder: User
    lease_token: UUID


class OnCase(Operation):
    """An operation on one case, found only by those who may see it."""

    def case(self, request: Request, pk: UUID, *permissions: Permission) -> Case:
        """Return the case. Raises: Case.DoesNotExist, Http404, PermissionDenied."""
        case = Case.objects.select_related("workflow", "item").get(pk=pk)
        actor = self.actor(request)
        actor.require_any(permissions, case.workflow_id, by_site=True)
        if not is_within(case.site_id, actor.sites(case.workflow_id)):
            raise Case.DoesNotExist
        return case

    def body(
        self, request: Request, pk: UUID, *fields: str, required: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the body of someone who judges: these fields and the lease token.

        Reads of the case only what the permission needs.
        Raises: as `case`; as `read_object`.
        """
        of_case = Case.objects.values_list("workflow_id", "site_id", "leased_by_id")
        workflow_id, site_id, holder_id = of_case.get(pk=pk)
        actor = self.actor(request)
        actor.require_any(JUDGING, workflow_id, by_site=True)
        # Whoever holds a case whose site was taken away hears that the lease is lost.
        is_mine = holder_id == self.user(request).pk
        if not (is_mine or is_within(site_id, actor.sites(workflow_id))):
            raise Case.DoesNotExist
        return read_object(request, ["lease_token", *fields], required=required)

    def held(self, request: Request, pk: UUID, body: Mapping[str, Any]) -> HeldCase:
        """Return case, caller and token of the body. Raises: InvalidRequest."""
        return {
            "case_id": pk,
            "holder": self.user(request),
            "lease_token": uuid_field(body, "lease_token"),
        }


def canonical(body: object) -> bytes:
    """Write a request's body the same way whatever its spelling."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
