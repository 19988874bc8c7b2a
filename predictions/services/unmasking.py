"""Note who looked at what is masked."""

from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.services import note_personal_seen
from predictions.models import Item, Workflow


def note_unmasked(*, item: Item, workflow: Workflow, by: User, now: datetime) -> None:
    """Write that a person is shown an item with its personal data. Before it is shown.

    Whether they may is asked by who calls. Writes an `AccessEvent`, with the item's id.
    """
    data = {"item_id": str(item.pk)}
    note_personal_seen(by=by, scope=workflow.scope, data=data, now=now)


def note_unmasked_snapshot(
    *, snapshot_id: UUID, workflow: Workflow, by: User, now: datetime
) -> None:
    """Write that a person has a snapshot made, or takes one, that is not masked."""
    data = {"snapshot_id": str(snapshot_id)}
    note_personal_seen(by=by, scope=workflow.scope, data=data, now=now)
