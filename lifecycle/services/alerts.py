"""Alerts: raised by monitors, taken and resolved by people or by fine readings.

Each step locks the alert, looks again, and writes its event, its notice and its mails
in one transaction; workers send them afterwards.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from lifecycle.enums import OPEN_ALERTS, AlertStatus, ReadingVerdict
from lifecycle.models import Alert, AlertEvent, Reading
from lifecycle.services.alert_mails import post_mails
from lifecycle.services.monitors.registry import BY_KEY, Monitor
from predictions.models import Workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.services.notices import notify

N_FINE: Final = 3
MAX_NOTE: Final = 500
# What of a reading's data goes with an alert: names and shares, never values.
TOLD: Final = ("reference", "since", "until", "k", "measure", "aim")
CLEARED: Final = f"{N_FINE} fine readings in a row."
type Judged = tuple[ReadingVerdict, ...]
JUDGED: Final[Judged] = (ReadingVerdict.FINE, ReadingVerdict.ALARM)


@transaction.atomic
def follow_reading(
    *, reading: Reading, monitor: Monitor, now: datetime
) -> Alert | None:
    """Raise an alert, count one more reading of an open one, or resolve it.

    The caller holds the workflow's lock, and has written the reading in the same
    transaction. Readings with too few to say anything neither raise nor clear.
    """
    alert = _open_alert(reading)
    if reading.verdict == ReadingVerdict.ALARM:
        return (
            _raise(reading, monitor, now) if alert is None else _count(alert, reading)
        )
    if alert is not None and _is_cleared(alert, reading):
        _end(alert, by=None, note=CLEARED, now=now)
    return alert


def _open_alert(reading: Reading) -> Alert | None:
    rows = Alert.objects.select_for_update(of=("self",)).select_related("workflow")
    return rows.filter(
        workflow_id=reading.workflow_id,
        monitor=reading.monitor,
        status__in=OPEN_ALERTS,
    ).first()


def _raise(reading: Reading, monitor: Monitor, now: datetime) -> Alert:
    alert = Alert.objects.create(
        workflow=reading.workflow,
        monitor=reading.monitor,
        kind=reading.kind,
        says=reading.says,
        data=_told(reading.data),
        raised_at=now,
        last_seen_at=reading.at,
    )
    event = _note(alert, AlertStatus.RAISED, by=None, note="", now=now)
    _tell(alert, NoticeKind.ALERT_RAISED, f"{monitor.title}: {alert.says}", now=now)
    post_mails(event=event, now=now)
    return alert


def _count(alert: Alert, reading: Reading) -> Alert:
    alert.n_readings += 1
    alert.last_seen_at = reading.at
    alert.says = reading.says
    alert.data = _told(reading.data)
    alert.save(update_fields=["n_readings", "last_seen_at", "says", "data"])
    return alert


def _is_cleared(alert: Alert, reading: Reading) -> bool:
    """Say whether the monitor's last three judgements, since its alarm, were fine."""
    rows = Reading.objects.filter(
        workflow_id=reading.workflow_id,
        monitor=reading.monitor,
        verdict__in=JUDGED,
        at__gt=alert.last_seen_at,
        at__lte=reading.at,
    ).order_by("-at")
    verdicts = list(rows.values_list("verdict", flat=True)[:N_FINE])
    return verdicts == [ReadingVerdict.FINE] * N_FINE


@transaction.atomic
def acknowledge_alert(
    *, alert_id: UUID, by: User, note: str = "", now: datetime
) -> Alert:
    """Note that somebody is at it. One that is taken or over stays as it is.

    Raises: Alert.DoesNotExist.
    """
    alert = _locked(alert_id)
    if alert.status != AlertStatus.RAISED:
        return alert
    alert.status = AlertStatus.ACKNOWLEDGED
    alert.save(update_fields=["status"])
    _note(alert, AlertStatus.ACKNOWLEDGED, by=by, note=note, now=now)
    return alert


@transaction.atomic
def resolve_alert(*, alert_id: UUID, by: User, note: str, now: datetime) -> Alert:
    """End an alert with a note; one that is over stays as it is.

    Its monitor raises another where it finds the same again.
    Raises: Alert.DoesNotExist.
    """
    alert = _locked(alert_id)
    if alert.status in OPEN_ALERTS:
        _end(alert, by=by, note=note, now=now)
    return alert


def _locked(alert_id: UUID) -> Alert:
    rows = Alert.objects.select_for_update(of=("self",)).select_related("workflow")
    return rows.get(pk=alert_id)


def _end(alert: Alert, *, by: User | None, note: str, now: datetime) -> None:
    alert.status = AlertStatus.RESOLVED
    alert.ended_at = now
    alert.save(update_fields=["status", "ended_at"])
    event = _note(alert, AlertStatus.RESOLVED, by=by, note=note, now=now)
    whose = by.display_name if by else "its monitor"
    text = f"{title_of(alert)}: resolved by {whose}. {note}"
    _tell(alert, NoticeKind.ALERT_RESOLVED, text, now=now)
    post_mails(event=event, now=now)


def _note(
    alert: Alert, status: AlertStatus, *, by: User | None, note: str, now: datetime
) -> AlertEvent:
    return AlertEvent.objects.create(
        alert=alert, status=status, by=by, note=note[:MAX_NOTE], at=now
    )


def _tell(alert: Alert, kind: NoticeKind, text: str, *, now: datetime) -> None:
    workflow: Workflow = alert.workflow
    data = {
        "alert": str(alert.pk),
        "monitor": alert.monitor,
        "monitor_kind": alert.kind,
        "n_readings": alert.n_readings,
    }
    notify(workflow=workflow, kind=kind, text=text, data=data, now=now)


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: data[key] for key in TOLD if key in data}
    moved = [
        one["name"] for one in data.get("features", ()) if one["verdict"] == "moved"
    ]
    risen = [one["name"] for one in data.get("rises", ()) if one["surely"]]
    return told | ({"names": moved or risen} if moved or risen else {})


def title_of(alert: Alert) -> str:
    """Return the title of an alert's monitor; its key where it is gone."""
    monitor = BY_KEY.get(alert.monitor)
    return monitor.title if monitor else alert.monitor
