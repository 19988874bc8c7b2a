"""Put a gold item before a reviewer in place of the case that was next, unannounced."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.enums import Role
from accounts.ids import uuid7, uuid7_batch
from accounts.models import Membership, User
from accounts.sites import ALL_SITES, Sites, as_array, within_sites
from predictions.models import Workflow
from reviewqueue.enums import (
    CLAIMABLE_STATUSES,
    CaseEventKind,
    CaseKind,
    CaseStatus,
    Queue,
)
from reviewqueue.models import Case, CaseEvent, CaseSkip, GoldPlacement, Route
from reviewqueue.queries.gold import gold_terms
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.services.events import note_event
from reviewqueue.services.leases import update_case
from reviewqueue.trust.sampling import draw

NEVER_TWICE_CONSTRAINT = "reviewqueue_gold_never_twice"
# No plan may place more (a rule of the table).
MAX_SHARE: Final = 0.5
# Who may look up what is known is not measured by it.
KNOWING_ROLES = (Role.SUPERVISOR, Role.ENGINEER, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class GoldDraw:
    """A claim that was drawn for gold: the draw of `event_id` fell below the share."""

    event_id: UUID
    value: float
    share: float
    plan_version: int

    @property
    def reason(self) -> str:
        return (
            f"gold: drawn {self.value:.6f} below {self.share:g}, "
            f"plan {self.plan_version}"
        )


class _Chosen(NamedTuple):
    gold_id: UUID
    item_id: UUID
    site_id: UUID | None


def draw_gold(workflow: Workflow) -> GoldDraw | None:
    """Draw whether this claim gets a gold item: one statement at most.

    What is drawn is the hash of the id of the event that a placement notes, so that
    the draw of every placement can be checked.
    """
    event_id = uuid7()
    value = draw(event_id, seed=0, purpose="gold")
    if value >= MAX_SHARE:
        return None
    terms = gold_terms(workflow.pk)
    if value >= terms.share:
        return None
    return GoldDraw(event_id, value, terms.share, terms.plan_version)


# One that this person never had before them in any way, and that nobody is working on.
_CHOOSE = """
SELECT g.id, g.item_id, r.site_id
FROM reviewqueue_golditem g
JOIN reviewqueue_route r ON r.item_id = g.item_id
WHERE g.workflow_id = %(workflow)s AND g.retired_at IS NULL
  AND (%(sites)s::uuid[] IS NULL OR r.site_id = ANY(%(sites)s::uuid[]))
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_goldplacement p
                  WHERE p.gold_id = g.id AND p.reviewer_id = %(reviewer)s)
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_decision d
                  WHERE d.item_id = g.item_id AND d.reviewer_id = %(reviewer)s)
  AND NOT EXISTS (SELECT 1 FROM reviewqueue_case c
                  WHERE c.item_id = g.item_id AND c.kind <> 'gold'
                    AND (c.status IN ('pending', 'leased', 'snoozed')
                         OR EXISTS (SELECT 1 FROM reviewqueue_caseevent e
                                    WHERE e.case_id = c.id
                                      AND e.actor_id = %(reviewer)s)))
ORDER BY md5(g.id::text || %(salt)s)
LIMIT 1
FOR SHARE OF g SKIP LOCKED
"""


def place_gold(
    *,
    workflow: Workflow,
    reviewer: User,
    slot: int,
    drawn: GoldDraw,
    now: datetime,
    sites: Sites = ALL_SITES,
) -> UUID | None:
    """Lease a gold case to the reviewer; None where nothing is to be displaced or met.

    It looks like the case that it comes before: due, priority and moment of opening are
    that one's. `sites` are those that the reviewer is limited to. Writes case,
    placement and events. The caller's transaction fails with
    the unique rule on placements when the same person is given the item in another tab.
    """
    displaced = _next_waiting(workflow, reviewer, sites)
    if displaced is None or displaced.assigned_to_id or _knows_gold(workflow, reviewer):
        return None
    chosen = _choose(workflow, reviewer, sites, salt=str(drawn.event_id))
    if chosen is None:
        return None
    case = _open(workflow, chosen, displaced, reviewer=reviewer)
    GoldPlacement.objects.create(
        case=case, gold_id=chosen.gold_id, reviewer=reviewer, placed_at=now
    )
    CaseEvent.objects.create(
        id=drawn.event_id,
        case=case,
        workflow=workflow,
        kind=CaseEventKind.OPENED,
        to_status=CaseStatus.PENDING,
        reason=drawn.reason,
        at=now,
    )
    _lease(case, workflow, reviewer, slot=slot, now=now)
    return case.pk


def _next_waiting(workflow: Workflow, reviewer: User, sites: Sites) -> Case | None:
    """Return what the person would get next; what is reserved for them comes first."""
    # The status in the words of the partial indexes.
    waiting = (
        within_sites(Case.objects.filter(workflow=workflow), sites)
        .filter(queue=Queue.REVIEW)
        .filter(status__in=CLAIMABLE_STATUSES, status=CaseStatus.PENDING)
        .exclude(
            Exists(CaseSkip.objects.filter(case=OuterRef("pk"), reviewer=reviewer))
        )
        .exclude(excluded_reviewer=reviewer)
        .order_by("-priority", "due_at", "id")
    )
    reserved = waiting.filter(assigned_to=reviewer).first()
    return reserved or waiting.filter(assigned_to=None).first()


def _knows_gold(workflow: Workflow, reviewer: User) -> bool:
    return (
        reviewer.is_superuser
        or Membership.objects.filter(
            user=reviewer, scope_id=workflow.pk, role__in=KNOWING_ROLES
        ).exists()
    )


def _choose(
    workflow: Workflow, reviewer: User, sites: Sites, *, salt: str
) -> _Chosen | None:
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "reviewer": reviewer.pk,
        "salt": salt,
        "sites": as_array(sites),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, values)
        found = cursor.fetchone()
    return _Chosen(*found) if found else None


def _open(
    workflow: Workflow, chosen: _Chosen, displaced: Case, *, reviewer: User
) -> Case:
    opened_ms = int(displaced.created_at.timestamp() * 1000)
    case_id = uuid7_batch(1, opened_ms)[0]
    policy = policy_in_force(workflow)
    has_recommendation = (
        Route.objects.filter(pk=chosen.item_id).exclude(label="").exists()
    )
    return Case.objects.create(
        id=case_id,
        workflow=workflow,
        item_id=chosen.item_id,
        route_id=chosen.item_id,
        site_id=chosen.site_id,
        kind=CaseKind.GOLD,
        queue=Queue.REVIEW,
        blind=has_recommendation
        and draw(case_id, seed=policy.seed or 0, purpose="blind") < policy.blind_share,
        priority=displaced.priority,
        due_at=displaced.due_at,
        created_at=displaced.created_at,
        assigned_to=reviewer,  # nobody else ever gets it
    )


def _lease(
    case: Case, workflow: Workflow, reviewer: User, *, slot: int, now: datetime
) -> None:
    update_case(
        case,
        status=CaseStatus.LEASED,
        leased_by=reviewer,
        lease_token=uuid4(),
        lease_slot=slot,
        leased_at=now,
        lease_expires_at=now
        + timedelta(seconds=workflow.declaration.queue.lease_seconds),
    )
    note_event(
        case,
        CaseEventKind.CLAIMED,
        actor=reviewer,
        from_status=CaseStatus.PENDING,
        now=now,
    )
