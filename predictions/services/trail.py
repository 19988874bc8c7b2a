"""Lines that say what became of items, with their ids, once it is committed."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from structlog.typing import FilteringBoundLogger

# A chunk of thousands is told by its first and last id: ids grow with time.
MAX_LISTED = 100


def tell(log: FilteringBoundLogger, event: str, **facts: object) -> None:
    """Log an event after the transaction, or at once outside of any."""
    transaction.on_commit(partial(log.info, event, **facts), robust=True)


def listed(name: str, ids: Sequence[UUID]) -> dict[str, object]:
    """Return the ids under `name`s, or the first and the last one of many."""
    told: dict[str, object] = {f"n_{name}s": len(ids)}
    if len(ids) <= MAX_LISTED:
        return told | {f"{name}_ids": list(map(str, ids))}
    return told | {
        f"first_{name}_id": str(min(ids)),
        f"last_{name}_id": str(max(ids)),
    }
