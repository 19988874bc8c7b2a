"""Take readings of machines, and make items of the windows that they close."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import structlog
from django.db import transaction

from accounts.ids import uuid7
from accounts.sites import ALL_SITES, Sites
from predictions.declaration import FieldError
from predictions.intake.readers import PayloadStopped
from predictions.intake.readings import (
    as_sent,
    named_as_sent,
    reading_declaration,
    reading_errors,
    unread,
)
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.validation import ItemValidator, compile_validator
from predictions.intake.values import EPOCH
from predictions.intake.wording import explained
from predictions.models import Machine, SeriesReading, Workflow
from predictions.services.item_sites import with_their_sites
from predictions.services.wake_ups import wake_scoring
from predictions.services.windows import close_windows, first_end

MAX_LISTED = 1000
MAX_IGNORED = 50

log = structlog.get_logger(__name__)


class NoSeries(ValueError):
    """The workflow declares no `[series]`: it takes no readings."""

    def __init__(self) -> None:
        super().__init__("This workflow declares no series: it takes no readings.")


@dataclass(frozen=True, slots=True)
class RefusedReading:
    index: int
    machine: str
    errors: list[FieldError]


@dataclass(slots=True)
class ReadingsStored:
    """What became of readings; accepted, duplicates and refused add up to them.

    `late` are accepted ones whose first window was closed; `items` what windows became
    items; `ignored` the names that the workflow does not declare.
    """

    accepted: int = 0
    duplicates: int = 0
    n_refused: int = 0
    late: int = 0
    items: int = 0
    refused: list[RefusedReading] = field(default_factory=list)  # the first 1,000
    ignored: list[str] = field(default_factory=list)  # the first 50

    def note_refused(self, refused: list[RejectedItem], offset: int) -> None:
        """Count what is refused of a chunk; the first 1,000 of all are named."""
        self.n_refused += len(refused)
        room = max(MAX_LISTED - len(self.refused), 0)
        self.refused += [
            RefusedReading(offset + one.index, one.external_id or "", one.errors)
            for one in sorted(refused, key=attrgetter("index"))[:room]
        ]


class CheckedReading(NamedTuple):
    """A reading that breaks no rule by itself."""

    position: int
    machine: str
    at: datetime
    values: Mapping[str, Any]
    site_id: UUID | None


def store_readings(
    *,
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> ReadingsStored:
    """Store readings, chunk by chunk, and the items of the windows that they close.

    Each chunk is one transaction, which locks the machines that it is about: readings,
    windows and items are all there, or none. The same machine and moment with the same
    values is a duplicate, with other values it is refused. What is refused is answered
    and not kept. Wakes the scoring workers after each commit. `sites` are those that
    the sender is limited to.
    Raises: NoSeries; PayloadStopped, of the reader, saying what was stored before.
    """
    take = ReadingIntake(workflow, now=now, sites=sites)
    result = ReadingsStored()
    offset = 0
    for raw in _until_stopped(chunks, result):
        with transaction.atomic():
            take.chunk(raw, offset, result)
            transaction.on_commit(partial(wake_scoring, workflow.pk))
        offset += len(raw)
    log.info(
        "readings_stored",
        workflow=workflow.slug,
        n_accepted=result.accepted,
        n_duplicates=result.duplicates,
        n_refused=result.n_refused,
        n_late=result.late,
        n_items=result.items,
    )
    return result


class ReadingIntake:
    """One sender's readings on their way into a workflow. Raises: NoSeries."""

    def __init__(
        self, workflow: Workflow, *, now: datetime, sites: Sites = ALL_SITES
    ) -> None:
        series = workflow.declaration.series
        if series is None:
            raise NoSeries
        self._workflow, self._series = workflow, series
        self._now, self._sites = now, sites
        self._declaration = reading_declaration(workflow.declaration, series)
        self._validator: ItemValidator = compile_validator(self._declaration)
        self._names = {one.name for one in self._declaration.features}

    def chunk(self, raw: Sequence[object], offset: int, result: ReadingsStored) -> None:
        """Store one chunk in the caller's transaction and add to the result."""
        readings, refused = self.checked(raw, result)
        machines = self._locked({one.machine for one in readings})
        readings.sort(key=lambda one: (one.machine, one.at, one.position))
        for key, group in groupby(readings, key=attrgetter("machine")):
            refused += self._of_machine(machines[key], list(group), result)
        result.note_refused(refused, offset)

    def checked(
        self, raw: Sequence[object], result: ReadingsStored
    ) -> tuple[list[CheckedReading], list[RejectedItem]]:
        """Sort readings by whether they break a rule; stores nothing."""
        sent = [as_sent(one) for one in raw]
        refused = [
            RejectedItem(at, one.external_id, None, named_as_sent(one.errors))
            for at, one in enumerate(sent)
            if isinstance(one, RejectedItem)
        ]
        wrong = {at: errors for at, one in enumerate(sent) if (errors := _wrong(one))}
        refused += [unread(at, sent[at], errors) for at, errors in wrong.items()]
        places = [
            at
            for at, one in enumerate(sent)
            if at not in wrong and not isinstance(one, RejectedItem)
        ]
        valid, others = self._valid([sent[at] for at in places])
        refused += [
            unread(places[one.index], sent[places[one.index]], one.errors)
            for one in others
        ]
        readings = []
        for item in valid:
            place = places[item.position]
            values = self._values(item, result)
            if values:
                readings.append(_reading(item, place, values))
            else:
                errors = named_as_sent([FieldError("features", "missing")])
                refused.append(unread(place, sent[place], errors))
        return readings, refused

    def _valid(
        self, raw: Sequence[object]
    ) -> tuple[list[ValidItem], list[RejectedItem]]:
        checked = self._validator.validate(raw, now=self._now)
        valid, elsewhere = with_their_sites(
            workflow=self._workflow,
            items=checked.accepted,
            raw=raw,
            sites=self._sites,
            now=self._now,
        )
        return valid, [
            RejectedItem(
                one.index,
                one.external_id,
                None,
                named_as_sent(explained(one.errors, self._declaration)),
            )
            for one in (*checked.rejected, *elsewhere)
        ]

    def _values(self, item: ValidItem, result: ReadingsStored) -> dict[str, Any]:
        """Return what a reading holds of what is declared; name the rest once."""
        sent: dict[str, Any] = orjson.loads(item.features)
        for name in sent.keys() - self._names:
            if name not in result.ignored and len(result.ignored) < MAX_IGNORED:
                result.ignored.append(name)
        return {name: one for name, one in sent.items() if name in self._names}

    def _locked(self, keys: set[str]) -> dict[str, Machine]:
        """Return the machines, locked in the order of their keys; new ones are made."""
        Machine.objects.bulk_create(
            [
                Machine(
                    id=uuid7(), workflow=self._workflow, key=key, created_at=self._now
                )
                for key in sorted(self._unknown(keys))
            ],
            ignore_conflicts=True,
        )
        rows = Machine.objects.filter(workflow=self._workflow, key__in=keys)
        locked = rows.order_by("key").select_for_update(of=("self",))
        return {one.key: one for one in locked}

    def _unknown(self, keys: set[str]) -> set[str]:
        known = Machine.objects.filter(workflow=self._workflow, key__in=keys)
        return keys - set(known.values_list("key", flat=True))

    def _of_machine(
        self, machine: Machine, readings: list[CheckedReading], result: ReadingsStored
    ) -> list[RejectedItem]:
        """Store what is new of one machine, close its windows; return what is refused.

        The caller holds the machine.
        """
        fresh, n_same, refused = self.compared(machine, readings)
        result.duplicates += n_same
        if not fresh:
            return refused
        rows = [
            SeriesReading(
                machine=machine,
                at=one.at,
                values=dict(one.values),
                received_at=self._now,
                is_late=self.is_late(machine, one),
            )
            for one in fresh
        ]
        SeriesReading.objects.bulk_create(rows)
        result.accepted += len(rows)
        result.late += sum(one.is_late for one in rows)
        newest = max(one.at for one in fresh)
        machine.last_at = max(newest, machine.last_at or newest)
        machine.last_received_at = self._now
        result.items += close_windows(
            workflow=self._workflow,
            machine=machine,
            series=self._series,
            reached=machine.last_at,
            now=self._now,
        )
        return refused

    def compared(
        self, machine: Machine, readings: list[CheckedReading]
    ) -> tuple[list[CheckedReading], int, list[RejectedItem]]:
        """Hold readings of one machine against its site and what is stored.

        Returns the new ones, how many are known, and what is refused; ties the machine
        to its site, unsaved.
        """
        readings, refused = _from_its_site(machine, readings, sites=self._sites)
        fresh, n_same, conflicts = _sorted_out(machine, readings)
        return fresh, n_same, refused + conflicts

    def is_late(self, machine: Machine, one: CheckedReading) -> bool:
        """Say whether the first window of a reading is closed."""
        closed = machine.closed_until
        return closed is not None and first_end(one.at, self._series) <= closed


def _wrong(sent: object) -> list[FieldError]:
    return [] if isinstance(sent, RejectedItem) else reading_errors(sent)


def _reading(item: ValidItem, place: int, values: Mapping[str, Any]) -> CheckedReading:
    at = EPOCH + timedelta(microseconds=item.moment)
    return CheckedReading(place, item.external_id, at, values, item.site_id)


def _from_its_site(
    machine: Machine, readings: list[CheckedReading], *, sites: Sites
) -> tuple[list[CheckedReading], list[RejectedItem]]:
    """Tie a machine to the first site that it names; refuse other ones from then on.

    Who is limited to sites is told nothing of a machine elsewhere but that.
    """
    named = [one.site_id for one in readings if one.site_id]
    is_new = machine.last_at is None
    if named and machine.site_id is None and (is_new or sites is None):
        machine.site_id = named[0]
    taken, refused = [], []
    for one in readings:
        is_elsewhere = one.site_id is not None and one.site_id != machine.site_id
        if is_elsewhere:
            detail = "site: the machine belongs to another site, or to none"
            error = FieldError("site", "other_site", None, detail)
            refused.append(RejectedItem(one.position, machine.key, None, [error]))
        else:
            taken.append(one)
    return taken, refused


def _sorted_out(
    machine: Machine, readings: Sequence[CheckedReading]
) -> tuple[list[CheckedReading], int, list[RejectedItem]]:
    """Sort into new ones, how many are known, and those that say otherwise."""
    wanted = [one.at for one in readings]
    stored = SeriesReading.objects.filter(machine=machine, at__in=wanted)
    known: dict[datetime, Mapping[str, Any]] = dict(stored.values_list("at", "values"))
    fresh: list[CheckedReading] = []
    conflicts: list[RejectedItem] = []
    n_same = 0
    for one in readings:
        there = known.get(one.at)
        if there is None:
            known[one.at] = one.values
            fresh.append(one)
        elif there == one.values:
            n_same += 1
        else:
            errors = conflicts_with(there, one)
            conflicts.append(RejectedItem(one.position, machine.key, None, errors))
    return fresh, n_same, conflicts


def conflicts_with(there: Mapping[str, Any], one: CheckedReading) -> list[FieldError]:
    """Name the values of a reading that are others than those of its moment."""
    names = sorted(one.values.keys() | there.keys())
    return [
        FieldError(
            name,
            "conflict",
            one.values.get(name),
            f"{name}: the machine's reading of that moment is stored already, "
            "with another value",
        )
        for name in names
        if one.values.get(name) != there.get(name)
    ]


def _until_stopped(
    chunks: Iterable[Sequence[object]], result: ReadingsStored
) -> Iterator[Sequence[object]]:
    try:
        yield from chunks
    except PayloadStopped as error:
        n_read = result.accepted + result.duplicates + result.n_refused
        error.stored = (
            f"Of the {n_read:,} readings before, {result.accepted:,} were stored, "
            f"{result.duplicates:,} were there already and {result.n_refused:,} "
            "were refused."
            if n_read
            else "Nothing was stored."
        )
        raise
