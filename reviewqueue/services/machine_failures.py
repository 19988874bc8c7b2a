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
from predictions.models import (
    FailureWithdrawal,
    ItemWindow,
    Machine,
    MachineFailure,
    Workflow,
)
from predictions.services.reading_files import failure_label, quiet_label
from predictions.services.series import NoSeries
from reviewqueue.enums import LabelSource
from reviewqueue.models import Label, Outcome
from reviewqueue.queries.late_truth import newest_outcome
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
    truth: str | None  # what is known of the item by now


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

    The same machine and moment twice is a duplicate; with another kind, or where it
    was withdrawn, it is refused, as are a moment to come and a machine that never sent
    a reading or is of another site. `complete_until` says of all machines (of those
    `sites`) that all failures until then are in; it never goes back. Failures are
    committed before the outcomes that follow: a sweep finds what a crash in between
    leaves.
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
        if not is_new:
            is_withdrawn = FailureWithdrawal.objects.filter(pk=stored.pk).exists()
            error = _conflict(row, stored.kind, is_withdrawn=is_withdrawn)
        result.accepted += is_new
        result.duplicates += not is_new and error is None
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
    told = {
        (machine, at): (kind, withdrawn_at is not None)
        for machine, at, kind, withdrawn_at in stored.values_list(
            "machine__key", "at", "kind", "withdrawal__at"
        )
    }
    found = FailuresLookedAt()
    for index, row in enumerate(rows):
        error = _error_of(row, known, now=now)
        before = told.get((row.machine, row.at))
        if error is None and before is not None:
            error = _conflict(row, before[0], is_withdrawn=before[1])
        if error:
            found.refused.append(RefusedFailure(index, row.machine, [error]))
            continue
        found.n_new += before is None
        found.duplicates += before is not None
        told[row.machine, row.at] = (row.kind, False)
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


def _conflict(row: FailureRow, kind: str, *, is_withdrawn: bool) -> FieldError | None:
    """Say what speaks against a failure that is stored already."""
    if is_withdrawn:
        detail = "at: this failure was withdrawn; it stays so"
        return FieldError("at", "withdrawn", row.at.isoformat(), detail)
    if kind != row.kind:
        detail = "kind: this failure is stored already, with another kind"
        return FieldError("kind", "conflict", row.kind, detail)
    return None


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

    Of silence there is news but once; a failure may come after it was told, or be
    taken back (`is_doubted`).
    """
    horizon = timedelta(minutes=series.horizon_minutes)
    failures = MachineFailure.objects.filter(
        machine=OuterRef("machine"),
        at__gt=OuterRef("ends_at"),
        at__lte=OuterRef("ends_at") + horizon,
    )
    failed = failures.filter(withdrawal=None)
    taken_back = failures.filter(withdrawal__isnull=False)
    is_over = Q(ends_at__lte=F("machine__complete_until") - horizon)
    is_told = Exists(Outcome.objects.filter(item=OuterRef("item")))
    doubted = windows.annotate(is_doubted=Exists(taken_back))
    return doubted.filter((is_over & (~is_told | Q(is_doubted=True))) | Exists(failed))


@transaction.atomic
def settle_machine(*, workflow: Workflow, machine_pk: UUID, now: datetime) -> int:
    """Record what is known by now of a machine's items; return how many are news.

    An item whose window ended within the horizon before a failure gets the positive
    label; one whose horizon is over and complete without one the negative, unless there
    is news of it already, or people said the positive: what was prevented did not
    happen. What a failure said that was withdrawn is corrected. Holds the machine, so
    that nobody says otherwise from an older view. The same again changes nothing.
    """
    series = workflow.declaration.series
    if series is None:
        return 0
    Machine.objects.select_for_update().get(pk=machine_pk)
    told = _told_of(ItemWindow.objects.filter(machine=machine_pk), series)
    # Nothing more can be learnt of an item that is known to have been right, unless
    # what was told of it was taken back.
    is_open = Q(truth=None) | ~Q(truth__in=workflow.declaration.positive_labels)
    wanted = told.annotate(truth=newest_outcome()).filter(is_open | Q(is_doubted=True))
    windows = [
        _Window(*row)
        for row in wanted.order_by("ends_at").values_list(
            "item_id", "item__external_id", "ends_at", "truth"
        )
    ]
    news = _News(workflow.declaration, series, machine_pk, windows).rows()
    return record_outcomes(workflow=workflow, rows=news, by=None, now=now).accepted


class _News:
    """What is to be said of some windows of a machine."""

    def __init__(
        self,
        declaration: Declaration,
        series: Series,
        machine_pk: UUID,
        windows: Sequence[_Window],
    ) -> None:
        self._declaration, self._windows = declaration, windows
        self._horizon = timedelta(minutes=series.horizon_minutes)
        told = MachineFailure.objects.filter(machine=machine_pk).order_by("at")
        standing = told.filter(withdrawal=None).values_list("at", "kind")
        self._failures = [_Failure(*row) for row in standing]
        taken_back = told.filter(withdrawal__isnull=False)
        self._taken_back = list(taken_back.values_list("at", "withdrawal__at"))
        ids = [one.item_id for one in windows]
        outcomes = Outcome.objects.filter(item__in=ids).order_by("observed_at")
        self._observed = dict(outcomes.values_list("item_id", "observed_at"))
        positives = declaration.positive_labels
        by_people = outcomes.filter(label__in=positives, received_from__isnull=False)
        self._kept = _called_positive(declaration, ids)
        self._found = set(by_people.values_list("item_id", flat=True))

    def rows(self) -> list[OutcomeRow]:
        found = (self._row(one) for one in self._windows)
        return [one for one in found if one is not None]

    def _row(self, window: _Window) -> OutcomeRow | None:
        declaration, over = self._declaration, window.ends_at + self._horizon
        failure = self._next_failure(window)
        kept = window.item_id in self._kept
        if failure:
            label = failure_label(declaration, failure.kind)
        elif kept:
            return None
        else:
            label = quiet_label(declaration)
        observed = self._observed.get(window.item_id)
        if window.truth in declaration.positive_labels:
            # It was told by a failure that was taken back, or by whoever went there.
            if label == window.truth or window.item_id in self._found:
                return None
            at = max(over, *self._withdrawn_at(window), observed or over)
        elif failure:
            # What was said before it is corrected: the newest news stands.
            at = max(failure.at, observed or failure.at)
        elif observed is None:
            at = over
        else:
            return None
        return OutcomeRow(window.external_id, label, at)

    def _next_failure(self, window: _Window) -> _Failure | None:
        place = bisect_right(self._failures, window.ends_at, key=lambda one: one.at)
        if place == len(self._failures):
            return None
        failure = self._failures[place]
        return failure if failure.at <= window.ends_at + self._horizon else None

    def _withdrawn_at(self, window: _Window) -> list[datetime]:
        over = window.ends_at + self._horizon
        return [at for told, at in self._taken_back if window.ends_at < told <= over]


def _called_positive(declaration: Declaration, ids: Sequence[UUID]) -> set[UUID]:
    """Return the items of which people last said the positive."""
    labels = Label.objects.filter(item__in=ids).exclude(source=LabelSource.OUTCOME)
    rows = labels.order_by("version").values_list("item_id", "label")
    positives = declaration.positive_labels
    return {item_id for item_id, label in dict(rows).items() if label in positives}
