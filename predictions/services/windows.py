"""Close windows of readings: each becomes one item, whoever closes it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import F
from numpy.typing import NDArray

from predictions.declaration_series import Series
from predictions.enums import IntakeSource
from predictions.intake.values import EPOCH, MICROSECOND
from predictions.learning.series import Channels, Floats, window_values
from predictions.learning.series_columns import VERSION
from predictions.models import (
    ItemWindow,
    Machine,
    ReadingRemoval,
    SeriesReading,
    Workflow,
)
from predictions.services.intake import IntakeResult, store_chunk
from predictions.services.wake_ups import wake_scoring

IDLE = timedelta(minutes=5)  # of silence, before a sweep closes what is open
MACHINES_PER_SWEEP = 500
ITEMS_PER_CHUNK = 2000

type Row = tuple[int, datetime, Mapping[str, Any]]


def first_end(at: datetime, series: Series) -> datetime:
    """Return the end of the first window that a reading of that moment is in."""
    micros = (at - EPOCH) // MICROSECOND
    return _moment((micros // series.step + 1) * series.step)


def close_windows(
    *,
    workflow: Workflow,
    machine: Machine,
    series: Series,
    reached: datetime,
    now: datetime,
) -> int:
    """Make items of the windows that are over once time has reached a moment.

    The caller holds the machine, whose row is saved; wakes nobody. A window is over
    `wait_minutes` after its end. Returns how many items there are more.
    """
    reached_micros = (reached - EPOCH) // MICROSECOND
    over = _moment((reached_micros - series.wait) // series.step * series.step)
    # Nothing was read later: further windows would have nothing new.
    if machine.last_at is not None:
        over = min(over, first_end(machine.last_at, series))
    closed = machine.closed_until
    n_made = 0
    if closed is None or over > closed:
        rows = _rows(machine, series, since=closed, until=over)
        ends = sorted({first_end(at, series) for _, at, _ in rows})
        ends = [end for end in ends if closed is None or end > closed]
        n_made = _make_items(workflow, machine, series, rows, ends, now=now)
        machine.closed_until = over
    machine.save()
    return n_made


def close_idle_windows(*, now: datetime) -> int:
    """Close what is over at machines that have gone quiet; a sweep.

    A machine of which something came a moment ago is left to its readings: what is
    brought in later may still be coming. Each in a transaction of its own, under its
    lock. Returns how many items there are more.
    """
    return sum(
        _close_idle(pk, now=now)
        for workflow in Workflow.objects.order_by("slug")
        if (series := workflow.declaration.series)
        for pk in _quiet_machines(workflow, series, now=now)
    )


def _quiet_machines(workflow: Workflow, series: Series, *, now: datetime) -> list[UUID]:
    silence = max(IDLE, timedelta(microseconds=series.wait))
    rows = Machine.objects.filter(
        workflow=workflow,
        last_received_at__lte=now - silence,
        last_at__gte=F("closed_until"),
    ).order_by("last_received_at", "pk")
    return list(rows.values_list("pk", flat=True)[:MACHINES_PER_SWEEP])


def _close_idle(pk: UUID, *, now: datetime) -> int:
    with transaction.atomic():
        machine = (
            Machine.objects.filter(pk=pk, last_received_at__lte=now - IDLE)
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("workflow")
            .first()
        )
        series = machine.workflow.declaration.series if machine else None
        if machine is None or series is None:
            return 0
        made = close_windows(
            workflow=machine.workflow,
            machine=machine,
            series=series,
            reached=now,
            now=now,
        )
        transaction.on_commit(partial(wake_scoring, machine.workflow_id))
        return made


def window_rows(window: ItemWindow) -> list[Row]:
    """Return the readings that an item was made of, in their order in time."""
    rows = SeriesReading.objects.filter(
        machine=window.machine_id,
        at__gte=window.starts_at,
        at__lt=window.ends_at,
        id__lte=window.last_reading_id,
    )
    return list(rows.order_by("at").values_list("id", "at", "values"))


def removed_at(window: ItemWindow) -> datetime | None:
    """Return when readings that an item was made of were removed; the last time."""
    rows = ReadingRemoval.objects.filter(
        machine=window.machine_id, until__gt=window.starts_at
    )
    # What covers the whole window took the rest of it; later ones took nothing more.
    whole = rows.filter(until__gte=window.ends_at).order_by("at").first()
    found = whole or rows.order_by("-at").first()
    return found.at if found else None


def as_arrays(
    rows: Sequence[Row], series: Series, *, start: datetime
) -> tuple[Floats, Channels]:
    """Return the seconds since `start` float [n], and each channel float [n]."""
    seconds = np.array([(at - start).total_seconds() for _, at, _ in rows])
    channels = {
        one.name: _values(values.get(one.name) for _, _, values in rows)
        for one in series.channels
    }
    return seconds, channels


def _values(values: Iterable[object]) -> NDArray[np.float64]:
    return np.array(
        [np.nan if one is None else one for one in values], dtype=np.float64
    )


def _rows(
    machine: Machine, series: Series, *, since: datetime | None, until: datetime
) -> list[Row]:
    """Return what the windows hold that are to be closed, in the order of time."""
    rows = SeriesReading.objects.filter(machine=machine, at__lt=until)
    if since is not None:
        reach = timedelta(microseconds=series.window)
        rows = rows.filter(at__gte=since - reach)
    return list(rows.order_by("at").values_list("id", "at", "values"))


def _make_items(
    workflow: Workflow,
    machine: Machine,
    series: Series,
    rows: Sequence[Row],
    ends: Sequence[datetime],
    *,
    now: datetime,
) -> int:
    # The caller holds the machine: whatever comes later has a greater id.
    newest = max((pk for pk, _, _ in rows), default=0)
    made = windows_of(rows, series, ends)
    site = {"site": machine.site.key} if machine.site else {}
    n_made = 0
    for begin in range(0, len(made), ITEMS_PER_CHUNK):
        part = made[begin : begin + ITEMS_PER_CHUNK]
        raw = [
            {
                "external_id": item_name(machine.key, end),
                "occurred_at": end.isoformat(),
                "features": features_of(
                    machine.key, inside, workflow=workflow, series=series, end=end
                ),
                **site,
            }
            for end, inside in part
        ]
        result = IntakeResult()
        store_chunk(
            workflow=workflow,
            raw_items=raw,
            offset=0,
            source=IntakeSource.READINGS,
            now=now,
            result=result,
            keep_ids=True,
        )
        n_made += result.accepted
        _note_windows(machine, series, part, result, newest)
    return n_made


def _note_windows(
    machine: Machine,
    series: Series,
    made: Sequence[tuple[datetime, Sequence[Row]]],
    result: IntakeResult,
    last_reading_id: int,
) -> None:
    """Write which readings the new items were made of; of refused ones nothing."""
    refused = {one.external_id for one in result.quarantined}
    ItemWindow.objects.bulk_create(
        ItemWindow(
            item_id=result.item_ids[name],
            machine=machine,
            starts_at=_start(end, inside, series),
            ends_at=end,
            last_reading_id=last_reading_id,
            n_readings=len(inside),
            columns_version=VERSION,
        )
        for end, inside in made
        if (name := item_name(machine.key, end)) not in refused
    )


def windows_of(
    rows: Sequence[Row], series: Series, ends: Sequence[datetime]
) -> list[tuple[datetime, Sequence[Row]]]:
    """Return the windows of some ends with their readings, where there are enough.

    `rows` ascending in time. A silence of `gap_minutes` cuts off what was before.
    """
    moments = [at for _, at, _ in rows]
    found = []
    first = after = 0
    for end in ends:
        start = end - timedelta(microseconds=series.window)
        while first < len(moments) and moments[first] < start:
            first += 1
        while after < len(moments) and moments[after] < end:
            after += 1
        inside = rows[_begin(moments, first, after, series) : after]
        if len(inside) >= series.min_readings:
            found.append((end, inside))
    return found


def _start(end: datetime, inside: Sequence[Row], series: Series) -> datetime:
    """Return from when on readings belong to a window: what a silence cut off not."""
    return inside[0][1] if series.gap else end - timedelta(microseconds=series.window)


def _begin(moments: Sequence[datetime], first: int, after: int, series: Series) -> int:
    """Return where a window begins: after the last long silence in it."""
    if not series.gap:
        return first
    gap = timedelta(microseconds=series.gap)
    for at in range(after - 1, first, -1):
        if moments[at] - moments[at - 1] >= gap:
            return at
    return first


def item_name(machine: str, end: datetime) -> str:
    """Return the external id of a window's item: the same for whoever closes it."""
    return f"{machine}@{end.isoformat().replace('+00:00', 'Z')}"


def features_of(
    machine: str,
    rows: Sequence[Row],
    *,
    workflow: Workflow,
    series: Series,
    end: datetime,
) -> dict[str, object]:
    """Return an item's features: the machine, the newest of others, the columns."""
    declaration = workflow.declaration
    start = end - timedelta(microseconds=series.window)
    seconds, channels = as_arrays(rows, series, start=start)
    features: dict[str, object] = {}
    for _, _, values in rows:
        features |= {name: one for name, one in values.items() if name not in channels}
    features |= window_values(seconds, channels)
    return features | {str(declaration.subject): machine}


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
