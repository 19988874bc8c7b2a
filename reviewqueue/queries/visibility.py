"""What a blind case hides, from whom, on pages and over the API alike.

While an item has an open blind case, whoever may judge in its workflow sees neither
recommendation nor what follows from it (route, priority), nor another reader's
decision: a blind judgement would not be blind otherwise. The rule holds for everyone
who may review, whatever else they may do.
"""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.permissions import ROLE_PERMISSIONS, Actor, Permission
from reviewqueue.enums import OPEN_STATUSES, CaseKind, Queue
from reviewqueue.models import Case

QUEUE_PERMISSIONS = {
    Queue.ADJUDICATION: Permission.CASES_ADJUDICATE,
    Queue.REVIEW: Permission.CASES_REVIEW,
}


def reachable_cases(
    rows: QuerySet[Case], actor: Actor, workflow_pk: UUID
) -> QuerySet[Case]:
    """Keep the cases of the actor's sites, and what they hold whatever its site.

    Whoever holds a case whose site was taken away is told so, not that it never was.
    """
    sites = actor.sites(workflow_pk)
    if sites is None:
        return rows
    return rows.filter(Q(site__in=sites) | Q(leased_by=actor.user))


def queues_of(actor: Actor, workflow_pk: UUID) -> list[Queue]:
    """Return the queues that the actor works in, adjudication first."""
    return [
        queue
        for queue, permission in QUEUE_PERMISSIONS.items()
        if actor.can(permission, workflow_pk)
    ]


def may_judge(actor: Actor, workflow_pk: UUID) -> bool:
    """Say whether the actor may decide cases of the workflow."""
    return bool(queues_of(actor, workflow_pk))


def is_judge(actor: Actor, workflow_pk: UUID) -> bool:
    """Say whether the person may decide cases of the workflow, whatever their key may.

    A key that only reads must not show its owner what their blind cases hide.
    """
    if actor.user.is_superuser:
        return True
    roles = actor.roles(workflow_pk)
    return any(roles & ROLE_PERMISSIONS[one] for one in QUEUE_PERMISSIONS.values())


def hidden_item_ids(
    actor: Actor, workflow_pk: UUID, item_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return those of the items whose recommendation the actor may not see now."""
    if not item_ids or not is_judge(actor, workflow_pk):
        return frozenset()
    blind = Case.objects.filter(
        # a gold case hides nothing from others: nobody is to notice it
        ~Q(kind=CaseKind.GOLD) | Q(assigned_to=actor.user),
        item_id__in=list(item_ids),
        blind=True,
        status__in=OPEN_STATUSES,
    )
    return frozenset(blind.values_list("item_id", flat=True))


def is_hidden(actor: Actor, workflow_pk: UUID, item_id: UUID) -> bool:
    """Say whether the recommendation on one item is hidden from the actor now."""
    return bool(hidden_item_ids(actor, workflow_pk, [item_id]))
