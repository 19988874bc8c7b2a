"""Alerts: raised once, counted, taken, resolved by people or by fine readings."""

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from accounts.models import User
from lifecycle.enums import AlertStatus
from lifecycle.judging.found import alarm, too_few
from lifecycle.models import Alert, AlertEvent, Reading
from lifecycle.services.alerts import CLEARED, acknowledge_alert, resolve_alert
from lifecycle.services.monitors.watch import look_once
from predictions.models import Workflow
from reviewqueue.models import Delivery, Notice
from reviewqueue.services.webhooks import add_webhook
from tests.factories.predictions import make_workflow
from tests.lifecycle.alarms import SAYS, finding, look, look_alarmed, look_fine, raised

pytestmark = pytest.mark.django_db
OFTEN = timedelta(minutes=5)


def told() -> list[tuple[str, str]]:
    return list(Notice.objects.order_by("pk").values_list("kind", "text"))


def steps(alert: Alert) -> list[tuple[str, str | None, str]]:
    rows = AlertEvent.objects.filter(alert=alert).order_by("pk")
    return list(rows.values_list("status", "by__username", "note"))


def test_alarm_raises_one_alert_and_tells(workflow: Workflow, now: datetime) -> None:
    alert = raised(workflow, now=now)

    assert (alert.status, alert.says, alert.n_readings) == ("raised", SAYS, 1)
    assert steps(alert) == [("raised", None, "")]
    assert told() == [("alert.raised", f"Oldest waiting case: {SAYS}")]
    assert Notice.objects.get().data == {
        "alert": str(alert.pk),
        "monitor": "queue_age",
        "monitor_kind": "infrastructure",
        "n_readings": 1,
    }


def test_web_hook_hears_of_it_in_the_same_transaction(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    url = "https://hooks.example.org/"
    add_webhook(workflow=workflow, url=url, kinds=["alert.raised"], by=sam, now=now)

    alert = raised(workflow, now=now)
    resolve_alert(alert_id=alert.pk, by=sam, note="A full disk.", now=now)

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.notice.kind) == ("waiting", "alert.raised")
    assert delivery.notice.data["alert"] == str(alert.pk)


def test_open_alert_counts_and_raises_no_other(
    workflow: Workflow, now: datetime
) -> None:
    raised(workflow, now=now)
    look_alarmed(workflow, now=now + OFTEN)
    look(workflow, alarm("Worse.", 200.0, 1), now=now + 2 * OFTEN)

    alert = Alert.objects.get()
    assert (alert.n_readings, alert.says) == (3, "Worse.")
    assert alert.last_seen_at == now + 2 * OFTEN
    assert len(told()) == 1


def test_monitors_have_alerts_of_their_own(workflow: Workflow, now: datetime) -> None:
    raised(workflow, now=now)
    raised(workflow, now=now, monitor="latency")

    assert Alert.objects.count() == 2


def test_same_look_twice_is_one_reading(workflow: Workflow, now: datetime) -> None:
    first = look_alarmed(workflow, now=now)
    second = look_alarmed(workflow, now=now + timedelta(minutes=1))

    assert first is not None
    assert second is None
    assert Reading.objects.count() == 1
    assert Alert.objects.get().n_readings == 1


def test_three_fine_readings_resolve(workflow: Workflow, now: datetime) -> None:
    alert = raised(workflow, now=now)
    for number in (1, 2):
        look_fine(workflow, now=now + number * OFTEN)
        alert.refresh_from_db()
        assert alert.status == AlertStatus.RAISED

    look_fine(workflow, now=now + 3 * OFTEN)

    alert.refresh_from_db()
    assert alert.status == AlertStatus.RESOLVED
    assert alert.ended_at == now + 3 * OFTEN
    assert steps(alert)[-1] == ("resolved", None, CLEARED)
    assert told()[-1] == (
        "alert.resolved",
        f"Oldest waiting case: resolved by its monitor. {CLEARED}",
    )


def test_alarm_between_begins_the_count_again(
    workflow: Workflow, now: datetime
) -> None:
    raised(workflow, now=now)
    for number in (1, 2, 4, 5):
        look_fine(workflow, now=now + number * OFTEN)
        if number == 2:
            look_alarmed(workflow, now=now + 3 * OFTEN)
    assert Alert.objects.get().status == AlertStatus.RAISED

    look_fine(workflow, now=now + 6 * OFTEN)

    assert Alert.objects.get().status == AlertStatus.RESOLVED


def test_too_few_neither_raises_nor_clears(workflow: Workflow, now: datetime) -> None:
    look(workflow, too_few("3 items."), now=now)
    assert not Alert.objects.exists()
    alert = raised(workflow, now=now + OFTEN)

    for number in (2, 3, 4):
        look(workflow, too_few("3 items."), now=now + number * OFTEN)

    alert.refresh_from_db()
    assert alert.status == AlertStatus.RAISED


def test_person_takes_it_once(workflow: Workflow, sam: User, now: datetime) -> None:
    alert = raised(workflow, now=now)

    for _ in range(2):
        acknowledge_alert(alert_id=alert.pk, by=sam, note="Looking.", now=now)

    alert.refresh_from_db()
    assert alert.status == AlertStatus.ACKNOWLEDGED
    assert steps(alert) == [("raised", None, ""), ("acknowledged", "sam", "Looking.")]


def test_person_resolves_once_and_another_may_come(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    alert = raised(workflow, now=now)

    for _ in range(2):
        resolve_alert(alert_id=alert.pk, by=sam, note="A full disk.", now=now)
    acknowledge_alert(alert_id=alert.pk, by=sam, now=now)
    look_alarmed(workflow, now=now + OFTEN)

    assert steps(alert) == [("raised", None, ""), ("resolved", "sam", "A full disk.")]
    assert Alert.objects.filter(status="raised").count() == 1
    assert [kind for kind, _ in told()] == [
        "alert.raised",
        "alert.resolved",
        "alert.raised",
    ]


def test_notice_fails_with_its_reading(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("lifecycle.services.alerts.post_mails", broken)

    with pytest.raises(RuntimeError):
        look_alarmed(workflow, now=now)

    assert not Reading.objects.exists()
    assert not Alert.objects.exists()
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_two_who_look_at_once_raise_one_alert(now: datetime) -> None:
    workflow = make_workflow(now=now)
    barrier = Barrier(2)

    def run(monitor_now: datetime) -> None:
        try:
            barrier.wait()
            look_once(workflow=workflow, monitor="queue_age", now=monitor_now)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(now,)) for _ in range(2)]
    with finding(alarm(SAYS, 180.0, 1)):
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    assert Alert.objects.count() == 1
    assert Reading.objects.count() == 1
    assert AlertEvent.objects.count() == 1
