"""Sending to a real server: retries, giving up, dead workers, two senders at once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from predictions.models import Workflow
from predictions.outbound import Posted
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Delivery, Notice, Webhook
from reviewqueue.services import deliveries
from reviewqueue.services.deliveries import (
    IN_FLIGHT,
    MAX_TRIES,
    pause_after,
    send_due,
    waiting_webhooks,
)
from reviewqueue.services.notices import notify
from reviewqueue.services.webhooks import (
    add_webhook,
    disable_webhook,
    replay_delivery,
)
from reviewqueue.tasks_webhooks import send_deliveries, sweep_deliveries
from tests.reviewqueue.services.receivers import Receiver, receiver

DOCS = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


@pytest.fixture
def hook(
    workflow: Workflow, sam: User, told: Receiver, settings: Settings, now: datetime
) -> Webhook:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.5
    return add_webhook(workflow=workflow, url=told.url, kinds=[], by=sam, now=now)


def tell(hook: Webhook, *, now: datetime, n: int = 1) -> list[Notice]:
    return [
        notify(
            workflow=hook.workflow,
            kind=NoticeKind.WITHDRAWN,
            text=f"Withdrawn {number}: ≥ 5 %.",
            data={"bound": 0.07},
            now=now,
        )
        for number in range(n)
    ]


def send(hook: Webhook, *, now: datetime) -> int:
    return send_due(webhook_id=hook.pk, clock=lambda: now)


def state() -> list[tuple[str, int, int | None, str]]:
    rows = Delivery.objects.order_by("id")
    columns = ("status", "attempts", "last_status_code", "last_error")
    return list(rows.values_list(*columns))


def test_delivery_says_what_happened(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    [notice] = tell(hook, now=now)

    assert send(hook, now=now) == 1

    [request] = told.received
    assert json.loads(request.body) == {
        "id": str(notice.pk),
        "kind": "autonomy.withdrawn",
        "workflow": "cards",
        "text": "Withdrawn 0: ≥ 5 %.",
        "data": {"bound": 0.07},
        "at": "2026-03-02T09:00:00Z",
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == str(notice.pk)
    assert request.headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert state() == [("delivered", 1, 204, "")]
    assert Delivery.objects.get().delivered_at == now


def test_receiver_verifies_with_what_the_documentation_shows(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    snippet = DOCS.read_text(encoding="utf-8").partition("```python\n")[2]
    shown: dict[str, object] = {}
    exec(snippet.partition("```")[0], shown)  # noqa: S102 -- our own documentation
    is_genuine = shown["is_genuine"]
    assert callable(is_genuine)
    tell(hook, now=now)

    send(hook, now=now)

    [request] = told.received
    at = now.timestamp()
    assert is_genuine(hook.secret, request.headers, request.body, at)
    assert not is_genuine(hook.secret, request.headers, request.body + b" ", at)
    assert not is_genuine(hook.secret, request.headers, request.body, at + 301)
    another = {**request.headers, "webhook-id": "another"}
    assert not is_genuine(hook.secret, another, request.body, at)
    assert not is_genuine("whsec_" + "A" * 44, request.headers, request.body, at)


def test_failure_is_tried_again_later_with_the_same_id(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    told.statuses = [500]
    tell(hook, now=now)

    assert send(hook, now=now) == 1
    assert state() == [("waiting", 1, 500, "Answered 500.")]
    assert send(hook, now=now + timedelta(seconds=29)) == 0
    assert send(hook, now=now + timedelta(seconds=30)) == 1

    assert state() == [("delivered", 2, 204, "")]
    first, second = told.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body


def test_pauses_grow_and_end() -> None:
    seconds = [pause_after(n).total_seconds() for n in range(1, MAX_TRIES)]

    assert seconds == [30, 120, 480, 1920, 7680, *[21600] * 6]
    assert pause_after(60_000).total_seconds() == 21600


def test_gives_up_after_the_last_try_and_keeps_the_reason(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    told.statuses = [500] * (MAX_TRIES - 1) + [404]
    tell(hook, now=now)

    for n in range(MAX_TRIES + 3):
        send(hook, now=now + n * timedelta(hours=7))

    assert state() == [("given_up", MAX_TRIES, 404, "Answered 404.")]
    assert len(told.received) == MAX_TRIES


def test_what_was_given_up_is_replayed_by_a_person(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    tell(hook, now=now)
    Delivery.objects.update(status="given_up", next_at=None, attempts=MAX_TRIES)

    replay_delivery(delivery=Delivery.objects.get(), now=now)
    send(hook, now=now)

    assert state() == [("delivered", 1, 204, "")]


def test_redirect_counts_as_a_failure(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    told.statuses = [307]
    tell(hook, now=now)

    send(hook, now=now)

    assert state() == [("waiting", 1, 307, "A redirect, which is not followed.")]
    assert [request.path for request in told.received] == ["/hook?a=b"]


def test_address_that_does_not_answer_costs_one_time_out_for_all_that_is_due(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    told.statuses = [0]
    tell(hook, now=now, n=4)

    assert send(hook, now=now) == 1

    assert state() == [("waiting", 1, None, "No answer within 0.5 s.")] * 4
    due = set(Delivery.objects.values_list("next_at", flat=True))
    assert due == {now + timedelta(seconds=30)}
    assert send(hook, now=now + timedelta(seconds=30)) == 4
    assert state() == [("delivered", 2, 204, "")] * 4


def test_what_is_due_at_a_dead_address_fails_in_bounded_transactions(
    hook: Webhook, told: Receiver, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "FAIL_BATCH", 3)
    tell(hook, now=now, n=11)
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[:4]).update(attempts=2)
    told.statuses[:] = [0]

    with CaptureQueriesContext(connection) as asked:
        assert send(hook, now=now) == 1

    assert len(told.received) == 1
    locks = [one["sql"] for one in asked if "SKIP LOCKED" in one["sql"]]
    assert sum("LIMIT 3" in one for one in locks) == 4  # 3, 3, 3, 1
    assert sorted(tries for _, tries, *_ in state()) == [1] * 7 + [3] * 4
    soonest = dict(Delivery.objects.values_list("attempts", "next_at"))
    assert soonest == {n: now + pause_after(n) for n in (1, 3)}


def test_address_that_turned_private_is_refused_when_it_is_sent(
    hook: Webhook, told: Receiver, settings: Settings, now: datetime
) -> None:
    tell(hook, now=now)
    settings.WEBHOOK_ALLOW_PRIVATE = False

    send(hook, now=now)

    assert state() == [("waiting", 1, None, "The address must begin with https://.")]
    assert told.received == []


def test_delivery_to_a_web_hook_that_was_disabled_meanwhile_is_given_up(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    tell(hook, now=now)
    disable_webhook(webhook=hook, now=now)
    # What a notice that was written at the same moment leaves behind.
    Delivery.objects.update(status="waiting", next_at=now)

    send(hook, now=now)

    assert state() == [("given_up", 1, None, "The web-hook was disabled.")]
    assert told.received == []


def test_worker_that_died_after_sending_sends_again(
    hook: Webhook, told: Receiver, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(hook, now=now)
    with monkeypatch.context() as dying:
        dying.setattr(deliveries, "_store", _die)
        with pytest.raises(SystemExit):
            send(hook, now=now)

    assert state() == [("waiting", 1, None, "")]
    assert send(hook, now=now + IN_FLIGHT - timedelta(seconds=1)) == 0
    assert send(hook, now=now + IN_FLIGHT) == 1
    assert state() == [("delivered", 2, 204, "")]
    first, second = told.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def _die(*_: object, **__: object) -> None:
    raise SystemExit


def test_sender_given_up_for_dead_does_not_overrule_who_took_over(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    tell(hook, now=now)
    slow = deliveries._take(hook.pk, now=now)
    assert slow is not None

    send(hook, now=now + IN_FLIGHT)
    failed = Posted(None, "No answer within 10 s.")
    deliveries._store(slow, failed, now=now + IN_FLIGHT)

    assert state() == [("delivered", 2, 204, "")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_two_senders_share_the_work_and_send_nothing_twice(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    tell(hook, now=now, n=30)
    barrier = Barrier(4)

    def work(_: int) -> int:
        barrier.wait(timeout=30)
        try:
            return send(hook, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        n_sent = list(pool.map(work, range(4)))

    assert sum(n_sent) == 30
    assert len({one.headers["webhook-id"] for one in told.received}) == 30
    assert len(told.received) == 30
    assert set(state()) == {("delivered", 1, 204, "")}


KILLED = """
import os, signal, sys
import django
django.setup()
from datetime import datetime
from uuid import UUID
from reviewqueue.services import deliveries
deliveries._store = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
now = datetime.fromisoformat(sys.argv[2])
deliveries.send_due(webhook_id=UUID(sys.argv[1]), clock=lambda: now)
"""


@pytest.mark.django_db(transaction=True)
def test_delivery_of_a_killed_process_is_sent_again(
    hook: Webhook, told: Receiver, now: datetime
) -> None:
    tell(hook, now=now)
    # The tests' own database, which the process would not find by itself.
    url = urlsplit(os.environ["DATABASE_URL"])
    database = url._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    more = {"DATABASE_URL": database, "WEBHOOK_ALLOW_PRIVATE": "1"}

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(hook.pk), now.isoformat()],
        check=False,
        timeout=60,
        env={**os.environ, **more},
    )

    assert killed.returncode == -signal.SIGKILL
    assert len(told.received) == 1
    assert state() == [("waiting", 1, None, "")]
    send(hook, now=now + IN_FLIGHT)
    assert state() == [("delivered", 2, 204, "")]
    first, second = told.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_web_hooks_for_which_nothing_is_due_are_left_alone(
    hook: Webhook, sam: User, now: datetime
) -> None:
    add_webhook(
        workflow=hook.workflow,
        url=hook.url + "c",
        kinds=["autonomy.granted"],
        by=sam,
        now=now,
    )
    tell(hook, now=now, n=2)

    assert waiting_webhooks(now=now - timedelta(seconds=1)) == []
    assert waiting_webhooks(now=now) == [hook.pk]


def test_tasks_send_what_is_due(
    hook: Webhook, told: Receiver, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(
        "reviewqueue.services.notices.wake",
        lambda task, webhook_id: woken.append(webhook_id),
    )
    tell(hook, now=now)

    sweep_deliveries()
    for webhook_id in woken:
        send_deliveries(webhook_id=webhook_id)
    assert send_deliveries.name == "reviewqueue.send_deliveries"

    assert woken == [str(hook.pk)]
    assert state() == [("delivered", 1, 204, "")]


def test_secret_is_not_logged(
    hook: Webhook, told: Receiver, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    told.statuses = [500]
    tell(hook, now=now)

    with caplog.at_level("DEBUG"):
        send(hook, now=now)

    assert hook.secret.removeprefix("whsec_") not in caplog.text
    assert "a=b" not in caplog.text
    assert str(hook.pk) in caplog.text
