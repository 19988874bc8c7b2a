"""What a blind case hides, from whom, on pages and over the API alike.

While an item has an open blind case, whoever may judge in its workflow sees neither
recommendation nor what follows from it (route, priority), nor another reader's
decision: a blind judgement would not be blind otherwise. The rule holds for everyone
who may review, whatever else they may do.
"""

from collections.abc import Collection
from uuid import UUID

from accounts.permissions import Actor, Permission
from reviewqueue.enums import OPEN_STATUSES
from reviewqueue.models import Case


def may_judge(actor: Actor, workflow_pk: UUID) -> bool:
    """Say whether the actor may decide cases of the workflow."""
    return actor.can(Permission.CASES_REVIEW, workflow_pk) or actor.can(
        Permission.CASES_ADJUDICATE, workflow_pk
    )


def hidden_item_ids(
    actor: Actor, workflow_pk: UUID, item_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return those of the items whose recommendation the actor may not see now."""
    if not item_ids or not may_judge(actor, workflow_pk):
        return frozenset()
    blind = Case.objects.filter(
        item_id__in=list(item_ids), blind=True, status__in=OPEN_STATUSES
    )
    return frozenset(blind.values_list("item_id", flat=True))


def is_hidden(actor: Actor, workflow_pk: UUID, item_id: UUID) -> bool:
    """Say whether the recommendation on one item is hidden from the actor now."""
    return bool(hidden_item_ids(actor, workflow_pk, [item_id]))
