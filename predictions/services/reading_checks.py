"""Say what would become of readings, without storing any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from accounts.sites import ALL_SITES, Sites
from predictions.intake.rows import RejectedItem
from predictions.models import Machine, Workflow
from predictions.services.series import (
    CheckedReading,
    ReadingIntake,
    ReadingsStored,
    conflicts_with,
)

MAX_LOOKED_AT = 100_000  # what is in the file twice is found among so many in memory
N_SAMPLE = 5


@dataclass(slots=True)
class ReadingsLookedAt:
    """What would become of readings; `result` as intake answers, but for the items.

    `is_whole`: all were looked at. `n_machines` counts those with a new reading.
    """

    result: ReadingsStored = field(default_factory=ReadingsStored)
    n_read: int = 0
    n_machines: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    sample: list[CheckedReading] = field(default_factory=list)
    is_whole: bool = True


def look_at_readings(
    *,
    workflow: Workflow,
    chunks: Iterable[Sequence[object]],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> ReadingsLookedAt:
    """Judge readings as intake would, up to 100,000; locks and stores nothing.

    What comes in between can still make another answer of it. Raises: NoSeries;
    PayloadStopped, of the reader.
    """
    look = _Look(workflow, now=now, sites=sites)
    for raw in chunks:
        if look.found.n_read + len(raw) > MAX_LOOKED_AT:
            look.found.is_whole = False
            break
        look.at(raw)
    look.found.n_machines = len({machine for machine, _ in look.known})
    return look.found


class _Look:
    """What was seen so far: the machines, and the new reading of each moment."""

    def __init__(self, workflow: Workflow, *, now: datetime, sites: Sites) -> None:
        self.found = ReadingsLookedAt()
        self.known: dict[tuple[str, datetime], CheckedReading] = {}
        self._take = ReadingIntake(workflow, now=now, sites=sites)
        self._workflow, self._now = workflow, now
        self._machines: dict[str, Machine] = {}

    def at(self, raw: Sequence[object]) -> None:
        found, result = self.found, self.found.result
        readings, refused = self._take.checked(raw, result)
        self._find({one.machine for one in readings})
        readings.sort(key=lambda one: (one.machine, one.at, one.position))
        for key, group in groupby(readings, key=attrgetter("machine")):
            refused += self._of_machine(self._machines[key], list(group))
        result.note_refused(refused, found.n_read)
        found.n_read += len(raw)

    def _find(self, keys: set[str]) -> None:
        wanted = keys - self._machines.keys()
        rows = Machine.objects.filter(workflow=self._workflow, key__in=wanted)
        self._machines |= {one.key: one for one in rows}
        for key in wanted - self._machines.keys():
            self._machines[key] = Machine(
                workflow=self._workflow, key=key, created_at=self._now
            )

    def _of_machine(
        self, machine: Machine, readings: list[CheckedReading]
    ) -> list[RejectedItem]:
        """Count what is new and known of one machine; return what is refused."""
        found, result = self.found, self.found.result
        fresh, n_same, refused = self._take.compared(machine, readings)
        result.duplicates += n_same
        for one in fresh:
            before = self.known.setdefault((one.machine, one.at), one)
            if before is one:
                result.accepted += 1
                result.late += self._take.is_late(machine, one)
                found.first_at = min(found.first_at or one.at, one.at)
                found.last_at = max(found.last_at or one.at, one.at)
                if len(found.sample) < N_SAMPLE:
                    found.sample.append(one)
            elif before.values == one.values:
                result.duplicates += 1
            else:
                errors = conflicts_with(before.values, one)
                refused.append(RejectedItem(one.position, machine.key, None, errors))
        if fresh:
            # From now on it is known: its site stays what it is.
            machine.last_at = max(machine.last_at or fresh[-1].at, fresh[-1].at)
        return refused
