"""Failures of machines, and the late truth about items that follows from them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.ids import uuid7_batch
from accounts.models import User
from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.declaration import Declaration, FieldError
from predictions.declaration_series import Series
from predictions.models import ItemWindow, Machine, MachineFailure, Workflow
from predictions.services.reading_files import failure_label, quiet_label
from predictions.services.series import NoSeries
from reviewqueue.enums import LabelSource
from reviewqueue.models import Label, Outcome
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes

RECENT = timedelta(days=1)  # how old items may be that the sweep still looks at
MACHINES_PER_SWEEP = 200


@dataclass(frozen=True, slots=True)
class FailureRow:
    machine: str
    at: datetime
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RefusedFailure:
    index: int
    machine: str
    errors: list[FieldError]


@dataclass(slots=True)
class FailuresRecorded:
    """What became of failures; `labelled` are the items that got late truth by them."""

    accepted: int = 0
    duplicates: int = 0
    refused: list[RefusedFailure] = field(default_factory=list)
    labelled: int = 0


@dataclass(slots=True)
class FailuresLookedAt:
    """What would become of failures."""

    n_new: int = 0
    duplicates: int = 0
    refused: list[RefusedFailure] = field(default_factory=list)


class _Window(NamedTuple):
    item_id: UUID
    external_id: str
    ends_at: datetime


class _Failure(NamedTuple):
    at: datetime
    kind: str


def record_failures(
    *,
    workflow: Workflow,
    rows: Sequence[FailureRow],
    complete_until: datetime | None,
    by: User | None,
    now: datetime,
    sites: Sites = ALL_SITES,
) -> FailuresRecorded:
    """Store failures, and the outcomes of the items that they tell of.

    The same machine and moment twice is a duplicate, with another kind it is refused,
    as are a moment to come and a machine that never sent a reading or is of another
    site. `complete_until` says of all machines (of those `sites`) that all failures
    until then are in; it never goes back. Failures are committed before the outcomes
    that follow: a sweep finds what a crash in between leaves.
    Raises: NoSeries.
    """
    if workflow.declaration.series is None:
        raise NoSeries
    machines = within_sites(Machine.objects.filter(workflow=workflow), sites)
    known = {
        one.key: one for one in machines.filter(key__in={row.machine for row in rows})
    }
    result = FailuresRecorded()
    with transaction.atomic():
        for index, row in enumerate(rows):
            _store(row, index, known, result, by=by, now=now)
        if complete_until is not None:
            behind = Q(complete_until=None) | Q(complete_until__lt=complete_until)
            machines.filter(behind).update(complete_until=complete_until)
    concerned = {known[row.machine].pk for row in rows if row.machine in known}
    if complete_until is not None:
        concerned |= set(machines.values_list("pk", flat=True))
    for pk in sorted(concerned):
        result.labelled += settle_machine(workflow=workflow, machine_pk=pk, now=now)
    return result


def _store(
    row: FailureRow,
    index: int,
    known: dict[str, Machine],
    result: FailuresRecorded,
    *,
    by: User | None,
    now: datetime,
) -> None:
    error = _error_of(row, known, now=now)
    if error is None:
        stored, is_new = MachineFailure.objects.get_or_create(
            machine=known[row.machine],
            at=row.at,
            defaults={"kind": row.kind, "received_at": now, "received_from": by},
        )
        if is_new:
            result.accepted += 1
        elif stored.kind == row.kind:
            result.duplicates += 1
        else:
            error = _other_kind(row)
    if error:
        result.refused.append(RefusedFailure(index, row.machine, [error]))


def look_at_failures(
    *,
    workflow: Workflow,
    rows: Sequence[FailureRow],
    now: datetime,
    sites: Sites = ALL_SITES,
) -> FailuresLookedAt:
    """Say what would become of failures, without storing any. Raises: NoSeries."""
    if workflow.declaration.series is None:
        raise NoSeries
    machines = within_sites(Machine.objects.filter(workflow=workflow), sites)
    known = {
        one.key: one for one in machines.filter(key__in={row.machine for row in rows})
    }
    stored = MachineFailure.objects.filter(
        machine__in=known.values(), at__in={row.at for row in rows}
    )
    kinds = {
        (machine, at): kind
        for machine, at, kind in stored.values_list("machine__key", "at", "kind")
    }
    found = FailuresLookedAt()
    for index, row in enumerate(rows):
        error = _error_of(row, known, now=now)
        kind = kinds.get((row.machine, row.at))
        if error is None and kind not in {None, row.kind}:
            error = _other_kind(row)
        if error:
            found.refused.append(RefusedFailure(index, row.machine, [error]))
            continue
        found.n_new += kind is None
        found.duplicates += kind is not None
        kinds[row.machine, row.at] = row.kind
    return found


def _error_of(
    row: FailureRow, known: Mapping[str, Machine], *, now: datetime
) -> FieldError | None:
    if row.machine not in known:
        detail = "machine: none of that name has sent a reading"
        return FieldError("machine", "unknown_machine", row.machine, detail)
    if row.at > now:
        detail = "at: a failure to come is none yet"
        return FieldError("at", "future", row.at.isoformat(), detail)
    return None


def _other_kind(row: FailureRow) -> FieldError:
    detail = "kind: this failure is stored already, with another kind"
    return FieldError("kind", "conflict", row.kind, detail)


def settle_recent(*, now: datetime) -> int:
    """Settle the machines of which items came after the news about them; a sweep."""
    return sum(
        settle_machine(workflow=workflow, machine_pk=pk, now=now)
        for workflow in Workflow.objects.order_by("slug")
        if (series := workflow.declaration.series)
        for pk in _unsettled_machines(workflow, series, now=now)
    )


def _unsettled_machines(
    workflow: Workflow, series: Series, *, now: datetime
) -> list[UUID]:
    since = uuid7_batch(1, int((now - RECENT).timestamp() * 1000))[0]
    windows = ItemWindow.objects.filter(
        item_id__gte=since, machine__workflow=workflow, item__outcomes=None
    )
    told = _told_of(windows, series).order_by("machine_id")
    return list(told.values_list("machine_id", flat=True).distinct())[
        :MACHINES_PER_SWEEP
    ]


def _told_of(
    windows: QuerySet[ItemWindow], series: Series
) -> QuerySet[ItemWindow, ItemWindow]:
    """Return the windows of which there is news: a failure, or that none came.

    Of silence there is news but once; a failure may come after it was told.
    """
    horizon = timedelta(minutes=series.horizon_minutes)
    failed = MachineFailure.objects.filter(
        machine=OuterRef("machine"),
        at__gt=OuterRef("ends_at"),
        at__lte=OuterRef("ends_at") + horizon,
    )
    is_over = Q(ends_at__lte=F("machine__complete_until") - horizon)
    is_told = Exists(Outcome.objects.filter(item=OuterRef("item")))
    return windows.filter((is_over & ~is_told) | Exists(failed))


@transaction.atomic
def settle_machine(*, workflow: Workflow, machine_pk: UUID, now: datetime) -> int:
    """Record what is known by now of a machine's items; return how many are news.

    An item whose window ended within the horizon before a failure gets the positive
    label; one whose horizon is over and complete without one the negative, unless there
    is news of it already, or people said the positive: what was prevented did not
    happen. Holds the machine, so that nobody says otherwise from an older view. The
    same again changes nothing.
    """
    series = workflow.declaration.series
    if series is None:
        return 0
    Machine.objects.select_for_update().get(pk=machine_pk)
    rows = MachineFailure.objects.filter(machine=machine_pk).order_by("at")
    failures = [_Failure(*row) for row in rows.values_list("at", "kind")]
    # Nothing more can be learnt of an item that is known to have been right.
    known = Outcome.objects.filter(
        item=OuterRef("item"), label__in=workflow.declaration.positive_labels
    )
    told = _told_of(ItemWindow.objects.filter(machine=machine_pk), series)
    windows = [
        _Window(*row)
        for row in told.filter(~Exists(known))
        .order_by("ends_at")
        .values_list("item_id", "item__external_id", "ends_at")
    ]
    news = _news(workflow.declaration, series, windows, failures)
    return record_outcomes(workflow=workflow, rows=news, by=None, now=now).accepted


def _news(
    declaration: Declaration,
    series: Series,
    windows: Sequence[_Window],
    failures: Sequence[_Failure],
) -> list[OutcomeRow]:
    ids = [one.item_id for one in windows]
    outcomes = Outcome.objects.filter(item__in=ids).order_by("observed_at")
    observed = dict(outcomes.values_list("item_id", "observed_at"))
    kept = _called_positive(declaration, ids)
    horizon = timedelta(minutes=series.horizon_minutes)
    moments = [one.at for one in failures]
    rows = []
    for window in windows:
        place = bisect_right(moments, window.ends_at)
        over = window.ends_at + horizon
        if place < len(moments) and moments[place] <= over:
            failure = failures[place]
            # What was said before it is corrected: the newest news stands.
            at = max(failure.at, observed.get(window.item_id, failure.at))
            label = failure_label(declaration, failure.kind)
            rows.append(OutcomeRow(window.external_id, label, at))
        elif window.item_id not in observed and window.item_id not in kept:
            label = quiet_label(declaration)
            rows.append(OutcomeRow(window.external_id, label, over))
    return rows


def _called_positive(declaration: Declaration, ids: Sequence[UUID]) -> set[UUID]:
    """Return the items whose label in force is people's, and positive."""
    labels = Label.objects.filter(item__in=ids).order_by("version")
    newest = {
        item_id: (label, source)
        for item_id, label, source in labels.values_list("item_id", "label", "source")
    }
    return {
        item_id
        for item_id, (label, source) in newest.items()
        if label in declaration.positive_labels and source != LabelSource.OUTCOME
    }
