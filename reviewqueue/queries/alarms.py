"""Alarms of a workflow with readings, scored by lead time: the model's and people's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import F, Max, QuerySet

from accounts.sites import Sites, within_sites
from predictions.declaration_series import Series
from predictions.models import ItemWindow, Machine, MachineFailure, Workflow
from reviewqueue.enums import LabelSource, RouteKind
from reviewqueue.models import Label
from reviewqueue.queries.late_truth import newest_outcome
from reviewqueue.trust.alarms import Alarm, AlarmScore, Failure, Terms, score_alarms

WINDOW_DAYS: Final = 90
MAX_DAYS: Final = 366


class _Item(NamedTuple):
    """An item whose horizon is over; moments in minutes since 1970."""

    machine: str
    ends_at: float
    received_at: float
    is_founded: bool
    routed: tuple[str, str, float] | None  # kind, label, moment
    judged: tuple[str, float] | None  # label, moment


class _Call(NamedTuple):
    item: _Item
    label: str
    at: float


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """What alarms were worth from `since` to `until`, by who raised them.

    `model`: what the model in force said of every item, whether people saw it or not.
    `people`: what people said, held against the failures of which they saw an item in
    time. `together`: what was acted on: people's word where they had one, else the
    model's. `n_waiting` items are not judged yet: failures are not complete, or the
    horizon is not over.
    """

    since: datetime
    until: datetime
    n_machines: int
    n_items: int
    n_waiting: int
    terms: Terms
    model: AlarmScore
    people: AlarmScore
    together: AlarmScore


def alarm_report(
    workflow: Workflow,
    *,
    since: datetime | None,
    until: datetime | None,
    sites: Sites,
) -> AlarmReport | None:
    """Score the alarms of a window; None where the workflow takes no readings.

    Moments are those of the readings. Without `until` it ends where failures are
    complete, without `since` it begins 90 days before that.
    """
    series = workflow.declaration.series
    if series is None:
        return None
    machines = within_sites(Machine.objects.filter(workflow=workflow), sites)
    newest = machines.aggregate(at=Max("complete_until"), last=Max("last_at"))
    until = until or newest["at"] or newest["last"] or workflow.created_at
    since = since or until - timedelta(days=WINDOW_DAYS)
    windows = ItemWindow.objects.filter(
        machine__in=machines, ends_at__gte=since, ends_at__lte=until
    )
    horizon = timedelta(minutes=series.horizon_minutes)
    over = windows.filter(ends_at__lte=F("machine__complete_until") - horizon)
    items = _items(over, workflow)
    failures = _failures(machines, since=since, until=until)
    return _report(
        series,
        items,
        failures,
        positives=workflow.declaration.positive_labels,
        since=since,
        until=until,
        n_machines=machines.count(),
        n_waiting=windows.count() - len(items),
    )


def _report(
    series: Series,
    items: Sequence[_Item],
    failures: Sequence[Failure],
    *,
    positives: Sequence[str],
    since: datetime,
    until: datetime,
    n_machines: int,
    n_waiting: int,
) -> AlarmReport:
    terms = Terms(
        lead=series.lead_minutes,
        horizon=series.horizon_minutes,
        stop_cost=series.stop_cost,
        visit_cost=series.visit_cost,
    )
    watched = len(items) * series.step_minutes

    def scored(calls: Iterable[_Call], reached: Sequence[Failure]) -> AlarmScore:
        alarms = [_alarm(one, series) for one in calls if one.label in positives]
        return score_alarms(alarms, reached, terms, machine_minutes=watched)

    return AlarmReport(
        since=since,
        until=until,
        n_machines=n_machines,
        n_items=len(items),
        n_waiting=n_waiting,
        terms=terms,
        model=scored(_by_model(items), failures),
        people=scored(_by_people(items), _seen_in_time(items, failures, terms, series)),
        together=scored(_acted_on(items), failures),
    )


def _by_model(items: Iterable[_Item]) -> list[_Call]:
    return [_Call(one, one.routed[1], one.routed[2]) for one in items if one.routed]


def _by_people(items: Iterable[_Item]) -> list[_Call]:
    return [_Call(one, *one.judged) for one in items if one.judged]


def _acted_on(items: Iterable[_Item]) -> list[_Call]:
    calls = []
    for one in items:
        if one.judged:
            calls.append(_Call(one, *one.judged))
        elif one.routed and one.routed[0] == RouteKind.AUTO:
            calls.append(_Call(one, one.routed[1], one.routed[2]))
    return calls


def _alarm(call: _Call, series: Series) -> Alarm:
    return Alarm(call.item.machine, _raised_at(call, series), call.item.is_founded)


def _raised_at(call: _Call, series: Series) -> float:
    """Return when an alarm would have been raised, had its readings come in time."""
    took = max(0.0, call.at - call.item.received_at)
    return call.item.ends_at + series.wait_minutes + took


def _seen_in_time(
    items: Iterable[_Item], failures: Sequence[Failure], terms: Terms, series: Series
) -> list[Failure]:
    """Return the failures that people could have foreseen by an item before them."""
    seen: dict[str, list[float]] = {}
    for call in _by_people(items):
        moment = _raised_at(call, series)
        seen.setdefault(call.item.machine, []).append(moment)
    return [
        one
        for one in failures
        if any(
            terms.lead <= one.at - moment <= terms.horizon
            for moment in seen.get(one.machine, ())
        )
    ]


def _failures(
    machines: QuerySet[Machine], *, since: datetime, until: datetime
) -> list[Failure]:
    """Return the failures of a window, as far as they are complete."""
    rows = MachineFailure.objects.filter(
        machine__in=machines,
        at__gt=since,
        at__lte=until,
        machine__complete_until__gte=F("at"),
        withdrawal=None,
    ).order_by("machine__key", "at")
    return [
        Failure(key, _minutes(at), kind)
        for key, at, kind in rows.values_list("machine__key", "at", "kind")
    ]


def _items(windows: QuerySet[ItemWindow], workflow: Workflow) -> list[_Item]:
    judged = _judged(windows)
    positives = workflow.declaration.positive_labels
    rows = windows.annotate(truth=newest_outcome()).values_list(
        "item_id",
        "machine__key",
        "ends_at",
        "item__received_at",
        "truth",
        "item__route__kind",
        "item__route__label",
        "item__route__routed_at",
    )
    return [
        _Item(
            machine,
            _minutes(ends_at),
            _minutes(received_at),
            truth in positives,
            (kind, label, _minutes(at)) if kind and label else None,
            judged.get(pk),
        )
        for pk, machine, ends_at, received_at, truth, kind, label, at in rows
    ]


def _judged(windows: QuerySet[ItemWindow]) -> Mapping[UUID, tuple[str, float]]:
    """Return what people last said of each item, and when; not what was taken back."""
    labels = (
        Label.objects.filter(item__in=windows.values("item_id"))
        .exclude(source=LabelSource.OUTCOME)
        .order_by("item_id", "-version")
        .distinct("item_id")
    )
    return {
        pk: (label, _minutes(at))
        for pk, label, at in labels.values_list("item_id", "label", "created_at")
        if label
    }


def _minutes(moment: datetime) -> float:
    return moment.timestamp() / 60
