"""Correct and re-submit what was refused, or say that it is not wanted."""

import contextlib
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.sites import ALL_SITES, Sites
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.models import Item, QuarantinedItem
from predictions.services.intake import IntakeResult, Quarantined, store_chunk
from predictions.services.wake_ups import wake_scoring


class NotOpen(Exception):
    """Somebody has resubmitted or discarded the item already."""


class _RefusedAgain(Exception):
    """Undoes the second entry in quarantine that the same payload would make."""


@transaction.atomic
def resubmit(
    *,
    quarantined: QuarantinedItem,
    payload: object,
    by: User,
    now: datetime,
    sites: Sites = ALL_SITES,
) -> list[Quarantined]:
    """Store a corrected payload as an item and close the quarantined one.

    Locks the quarantined item. When the payload is refused again, nothing changes and
    the reasons are returned; an empty list means that it is stored. `sites` are those
    that whoever resubmits is limited to.
    Raises: NotOpen.
    """
    locked = _lock_open(quarantined)
    result = IntakeResult()
    with contextlib.suppress(_RefusedAgain), transaction.atomic():
        store_chunk(
            workflow=locked.workflow,
            raw_items=[payload],
            offset=0,
            source=IntakeSource(locked.source),
            now=now,
            result=result,
            keep_ids=True,
            sites=sites,
        )
        if result.quarantined:
            raise _RefusedAgain
    if result.quarantined:
        return result.quarantined
    item_id = next(iter(result.item_ids.values()))
    locked.item = Item.objects.get(pk=item_id)
    _close(locked, QuarantineStatus.RESUBMITTED, by=by, now=now)
    workflow_pk = locked.workflow_id
    transaction.on_commit(lambda: wake_scoring(workflow_pk))
    return []


@transaction.atomic
def discard(*, quarantined: QuarantinedItem, by: User, now: datetime) -> None:
    """Close a quarantined item without storing it; the payload is kept.

    Raises: NotOpen.
    """
    locked = _lock_open(quarantined)
    _close(locked, QuarantineStatus.DISCARDED, by=by, now=now)


def _lock_open(quarantined: QuarantinedItem) -> QuarantinedItem:
    locked = (
        QuarantinedItem.objects.select_for_update(of=("self",))
        .select_related("workflow")
        .get(pk=quarantined.pk)
    )
    if locked.status != QuarantineStatus.OPEN:
        msg = f"The item was {locked.status} already."
        raise NotOpen(msg)
    return locked


def _close(
    locked: QuarantinedItem, status: QuarantineStatus, *, by: User, now: datetime
) -> None:
    locked.status = status
    locked.resolved_by = by
    locked.resolved_at = now
    locked.save(update_fields=["status", "resolved_by", "resolved_at", "item"])
