"""Put what was decided alone before people after all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Workflow
from reviewqueue.models import Policy, Route
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.repair import can_be_put_back
from reviewqueue.services.leases import lock_items
from reviewqueue.services.opening import NewCase, case_priority, open_cases
from reviewqueue.trust.sampling import draw

MAX_ITEMS = 10_000
MAX_REASON_LENGTH = 500
CHUNK = 1000


class InvalidRepair(ValueError):
    """What was asked for cannot be done."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class PutBack:
    """How many cases were opened, and how many items needed none."""

    n_opened: int
    n_skipped: int


def put_back(
    *,
    workflow: Workflow,
    item_ids: Iterable[UUID],
    by: User,
    reason: str,
    now: datetime,
) -> PutBack:
    """Open an ordinary review case for each item that was decided alone.

    In chunks, each a transaction that locks its items in the order of their ids and
    writes cases and events. Skips what has a label or an open case by then, was not
    decided alone, or is not of this workflow: asked twice, it does it once. Routes
    stay as they are, so that nothing here counts as evidence of a segment: what a
    person chose is no random sample. Raises: InvalidRepair.
    """
    wanted = sorted(set(item_ids))
    _check(wanted, reason)
    policy = policy_in_force(workflow)
    n_opened = 0
    for chunk in batched(wanted, CHUNK, strict=False):
        with transaction.atomic():
            n_opened += _open(
                chunk, workflow=workflow, policy=policy, by=by, reason=reason, now=now
            )
    return PutBack(n_opened, len(wanted) - n_opened)


def _check(item_ids: Sequence[UUID], reason: str) -> None:
    errors = []
    if not reason.strip():
        errors.append(FieldError("reason", "missing"))
    if len(reason) > MAX_REASON_LENGTH:
        errors.append(FieldError("reason", "too_long", len(reason)))
    if len(item_ids) > MAX_ITEMS:
        errors.append(FieldError("item_ids", "too_many", len(item_ids)))
    if errors:
        raise InvalidRepair(errors)


def _open(
    item_ids: Sequence[UUID],
    *,
    workflow: Workflow,
    policy: Policy,
    by: User,
    reason: str,
    now: datetime,
) -> int:
    lock_items(item_ids)
    found = can_be_put_back(workflow, list(item_ids)).select_related("prediction")
    routes = list(found.order_by("pk"))
    due_at = now + timedelta(minutes=workflow.declaration.queue.sla_minutes)
    cases = [
        NewCase(
            item_id=route.pk,
            blind=_is_blind(route, policy),
            priority=_priority(route, workflow),
            due_at=due_at,
            reason=f"repair: {reason}",
            site_id=route.site_id,
        )
        for route in routes
    ]
    open_cases(cases, workflow_id=workflow.pk, by=by, now=now)
    return len(routes)


def _is_blind(route: Route, policy: Policy) -> bool:
    """Draw as routing would have, so that shown and blind stay comparable."""
    return draw(route.pk, seed=policy.seed or 0, purpose="blind") < policy.blind_share


def _priority(route: Route, workflow: Workflow) -> float:
    confidence = route.prediction.confidence if route.prediction else None
    return case_priority(route.label, confidence, workflow.declaration)
