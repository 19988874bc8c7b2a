"""Readings, failures and alarms as the API tells them."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

from pydantic import Field

from predictions.learning.evaluation import wilson_interval
from predictions.models import Machine, MachineFailure
from predictions.services.series import ReadingsStored
from reviewqueue.api.base import BrokenRule, broken_rules
from reviewqueue.api.schema import Count, Unit
from reviewqueue.queries.alarms import AlarmReport
from reviewqueue.services.machine_failures import FailuresRecorded
from reviewqueue.trust.alarms import AlarmScore, Caught

MAX_FAILURES = 10_000
MachineKey = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[float, Field(ge=0)]


class ReadingSent(TypedDict):
    """What a machine read at one moment; values are the workflow's channels.

    Other features that the workflow declares may stand among the values.
    """

    machine: MachineKey
    at: datetime
    values: dict[str, Any]
    site: NotRequired[Annotated[str, Field(max_length=50)] | None]


type ReadingsSent = ReadingSent | list[ReadingSent]


class RefusedReadingShape(TypedDict):
    """A reading that was not stored; `index` counts from 0 in what was sent."""

    index: Count
    machine: str
    errors: list[BrokenRule]


class ReadingsAnswer(TypedDict):
    """What became of readings; of many refused the first are named.

    `late` are accepted ones whose first window was closed; `items` how many items the
    windows made that were closed; `ignored` names that the workflow does not declare.
    """

    accepted: Count
    duplicates: Count
    n_refused: Count
    late: Count
    items: Count
    ignored: list[str]
    refused: list[RefusedReadingShape]


class FailureSent(TypedDict):
    """A failure of a machine; `kind` in words, or one of the positive labels."""

    machine: MachineKey
    at: datetime
    kind: NotRequired[Annotated[str, Field(max_length=50)] | None]


class FailuresSent(TypedDict):
    """Failures; `complete_until`: all failures of all machines until then are in."""

    failures: NotRequired[
        Annotated[list[FailureSent], Field(max_length=MAX_FAILURES)] | None
    ]
    complete_until: NotRequired[datetime | None]


class RefusedFailureShape(TypedDict):
    """A failure that was not recorded; `index` counts from 0 in what was sent."""

    index: Count
    machine: str
    errors: list[BrokenRule]


class FailuresAnswer(TypedDict):
    """What became of failures; `labelled` items got late truth by them."""

    accepted: Count
    duplicates: Count
    labelled: Count
    refused: list[RefusedFailureShape]


class FailureShape(TypedDict):
    """A failure as it was told; withdrawn ones count no more."""

    id: UUID
    machine: str
    at: datetime
    kind: str
    received_at: datetime
    received_from: str | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawn_why: str | None


class WithdrawalAsked(TypedDict):
    """Why a failure is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class WithdrawnShape(TypedDict):
    """A failure that was taken back, and what became of the items that it labelled.

    `waiting` ones carry what it said until failures of their time are complete.
    """

    failure: FailureShape
    corrected: Count
    waiting: Count


class MachineShape(TypedDict):
    """A machine: its newest reading, and until when windows and failures are in."""

    machine: str
    site: str | None
    last_at: datetime | None
    closed_until: datetime | None
    complete_until: datetime | None


class CaughtShape(TypedDict):
    """Failures by what became of them; caught ones with a Wilson interval (95 %).

    `kind` is empty for all of them together; `median_lead_minutes` is of the caught.
    """

    kind: str
    n: Count
    caught: Count
    too_late: Count
    missed: Count
    caught_low: Unit | None
    caught_high: Unit | None
    median_lead_minutes: float | None


class AlarmScoreShape(TypedDict):
    """What alarms were worth; the rate of false ones with an exact interval (95 %)."""

    failures: CaughtShape
    by_kind: list[CaughtShape]
    alarms: Count
    visits: Count
    false_alarms: Count
    machine_weeks: Amount
    false_alarms_per_machine_week: float | None
    rate_low: float | None
    rate_high: float | None
    cost: Amount
    cost_without_alarms: Amount
    saved: float


class AlarmTermsShape(TypedDict):
    """On which terms alarms are scored."""

    lead_minutes: Amount
    horizon_minutes: Amount
    stop_cost: Amount
    visit_cost: Amount
    currency: str


class AlarmsShape(TypedDict):
    """Alarms by lead time, from `since` to `until` by the clock of the readings.

    `model`: of every item; `people`: of what they judged, against the failures of which
    they saw an item in time; `together`: as it was acted on. `n_waiting` items are not
    judged yet.
    """

    since: datetime
    until: datetime
    terms: AlarmTermsShape
    n_machines: Count
    n_items: Count
    n_waiting: Count
    model: AlarmScoreShape
    people: AlarmScoreShape
    together: AlarmScoreShape


def readings_answer(result: ReadingsStored) -> ReadingsAnswer:
    return {
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "n_refused": result.n_refused,
        "late": result.late,
        "items": result.items,
        "ignored": sorted(result.ignored),
        "refused": [
            {
                "index": one.index,
                "machine": one.machine,
                "errors": broken_rules(one.errors),
            }
            for one in result.refused
        ],
    }


def failures_answer(
    result: FailuresRecorded, refused: list[RefusedFailureShape]
) -> FailuresAnswer:
    return {
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "labelled": result.labelled,
        "refused": refused,
    }


def failure_shape(one: MachineFailure) -> FailureShape:
    withdrawal = getattr(one, "withdrawal", None)
    return {
        "id": one.pk,
        "machine": one.machine.key,
        "at": one.at,
        "kind": one.kind,
        "received_at": one.received_at,
        "received_from": one.received_from.username if one.received_from else None,
        "withdrawn_at": withdrawal.at if withdrawal else None,
        "withdrawn_by": withdrawal.by.username if withdrawal else None,
        "withdrawn_why": withdrawal.reason if withdrawal else None,
    }


def machine_shape(one: Machine) -> MachineShape:
    return {
        "machine": one.key,
        "site": one.site.key if one.site else None,
        "last_at": one.last_at,
        "closed_until": one.closed_until,
        "complete_until": one.complete_until,
    }


def alarms_shape(report: AlarmReport, *, currency: str) -> AlarmsShape:
    return {
        "since": report.since,
        "until": report.until,
        "terms": {
            "lead_minutes": report.terms.lead,
            "horizon_minutes": report.terms.horizon,
            "stop_cost": report.terms.stop_cost,
            "visit_cost": report.terms.visit_cost,
            "currency": currency,
        },
        "n_machines": report.n_machines,
        "n_items": report.n_items,
        "n_waiting": report.n_waiting,
        "model": _score(report.model),
        "people": _score(report.people),
        "together": _score(report.together),
    }


def _score(score: AlarmScore) -> AlarmScoreShape:
    return {
        "failures": _caught("", score.failures),
        "by_kind": [_caught(kind, one) for kind, one in score.by_kind.items()],
        "alarms": score.n_alarms,
        "visits": score.n_visits,
        "false_alarms": score.n_false,
        "machine_weeks": score.machine_weeks,
        "false_alarms_per_machine_week": score.rate,
        "rate_low": score.rate_low,
        "rate_high": score.rate_high,
        "cost": score.cost,
        "cost_without_alarms": score.cost_without,
        "saved": score.saved,
    }


def _caught(kind: str, one: Caught) -> CaughtShape:
    ends = wilson_interval(one.n_caught, one.n) if one.n else None
    return {
        "kind": kind,
        "n": one.n,
        "caught": one.n_caught,
        "too_late": one.n_late,
        "missed": one.n_missed,
        "caught_low": ends.low if ends else None,
        "caught_high": ends.high if ends else None,
        "median_lead_minutes": one.median_lead,
    }
