"""Remove readings of machines after the days that the workflow file says."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from predictions.models import (
    ItemWindow,
    Machine,
    ReadingRemoval,
    SeriesReading,
    Workflow,
)
from reviewqueue.enums import OPEN_STATUSES

BATCH = 20_000  # of one machine in one transaction
DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


def remove_old_readings(*, workflow: Workflow, now: datetime) -> int:
    """Remove the readings of whole days that are over; return how many.

    One goes when its moment and its arrival are both `keep_days` ago: a history that is
    brought in later is kept as long. What the window of an item with an open case
    holds stays, and what came after it. Each removal is told by a row; the database
    refuses any other.
    """
    series = workflow.declaration.series
    if series is None or not series.keep_days:
        return 0
    machines = Machine.objects.filter(workflow=workflow).order_by("pk")
    n = 0
    for pk in machines.values_list("pk", flat=True):
        while n_more := _remove_some(pk, keep_days=series.keep_days, now=now):
            n += n_more
    if n:
        log.info("readings_removed", workflow=workflow.slug, n=n)
    return n


@transaction.atomic
def _remove_some(machine_pk: UUID, *, keep_days: int, now: datetime) -> int:
    """Remove some readings of a machine that nobody holds."""
    machine = (
        Machine.objects.filter(pk=machine_pk)
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )
    if machine is None:
        return 0
    end = (now.astimezone(UTC) - keep_days * DAY).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    until = min(end, _first_looked_at(machine) or end)
    old = SeriesReading.objects.filter(
        machine=machine, at__lt=until, received_at__lt=now - keep_days * DAY
    )
    keys = list(old.order_by("at").values_list("pk", flat=True)[:BATCH])
    if not keys:
        return 0
    ReadingRemoval.objects.create(
        machine=machine, until=until, n_readings=len(keys), keep_days=keep_days, at=now
    )
    SeriesReading.objects.filter(pk__in=keys).delete()
    return len(keys)


def _first_looked_at(machine: Machine) -> datetime | None:
    """Return where the first window begins that people may still look at."""
    windows = ItemWindow.objects.filter(
        machine=machine, item__cases__status__in=OPEN_STATUSES
    )
    first = windows.order_by("starts_at").values_list("starts_at", flat=True)
    return first.first()
