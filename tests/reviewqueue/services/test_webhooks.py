"""Web-hooks: what is taken, what they are signed with, when they end, replays."""

import base64
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Webhook
from reviewqueue.services.notices import notify
from reviewqueue.services.webhooks import (
    MAX_WEBHOOKS,
    InvalidWebhook,
    ReplayRefused,
    add_webhook,
    disable_webhook,
    replay_delivery,
    sign,
)
from tests.reviewqueue.services.receivers import INSIDER

URL = "https://hooks.example.org/a"
# The vector that implementations of Standard Webhooks are held to.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.fixture
def hook(workflow: Workflow, sam: User, now: datetime) -> Webhook:
    return add_webhook(workflow=workflow, url=URL, kinds=[], by=sam, now=now)


@pytest.fixture
def delivery(hook: Webhook, now: datetime) -> Delivery:
    notify(workflow=hook.workflow, kind=NoticeKind.GRANTED, text="a", data={}, now=now)
    return Delivery.objects.get()


def refusal(workflow: Workflow, sam: User, now: datetime, **asked: object) -> object:
    values = {"url": URL, "kinds": [], **asked}
    with pytest.raises(InvalidWebhook) as refused:
        add_webhook(workflow=workflow, by=sam, now=now, **values)
    return [(one.field, one.rule) for one in refused.value.errors]


def test_signature_is_that_of_the_standard() -> None:
    found = sign(
        SECRET,
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert found == SIGNATURE


def test_secret_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="base64"):
        sign("whsec_*", message_id="a", timestamp=1, body=b"")


def test_web_hook_gets_a_secret_of_its_own(
    workflow: Workflow, hook: Webhook, sam: User, now: datetime
) -> None:
    other = add_webhook(workflow=workflow, url=URL + "b", kinds=[], by=sam, now=now)

    assert hook.secret.startswith("whsec_")
    assert len(base64.b64decode(hook.secret.removeprefix("whsec_"))) == 32
    assert other.secret != hook.secret


def test_unknown_kind_is_refused(workflow: Workflow, sam: User, now: datetime) -> None:
    found = refusal(workflow, sam, now, kinds=["autonomy.granted", "weather"])

    assert found == [("kinds", "value")]


def test_address_is_checked(
    workflow: Workflow, sam: User, now: datetime, settings: Settings
) -> None:
    inside = f"http://{INSIDER}/"

    assert refusal(workflow, sam, now, url="") == [("url", "missing")]
    assert refusal(workflow, sam, now, url=inside) == [("url", "scheme")]
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert add_webhook(workflow=workflow, url=inside, kinds=[], by=sam, now=now).pk


def test_same_address_twice_is_refused_until_it_is_disabled(
    workflow: Workflow, hook: Webhook, sam: User, now: datetime
) -> None:
    assert refusal(workflow, sam, now) == [("url", "taken")]

    disable_webhook(webhook=hook, now=now)

    assert add_webhook(workflow=workflow, url=URL, kinds=[], by=sam, now=now).pk


def test_number_of_web_hooks_is_bounded(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    for n in range(MAX_WEBHOOKS):
        add_webhook(workflow=workflow, url=f"{URL}{n}", kinds=[], by=sam, now=now)

    assert refusal(workflow, sam, now) == [("url", "too_many")]


def test_disabling_gives_up_what_waits(
    hook: Webhook, delivery: Delivery, now: datetime
) -> None:
    later = now + timedelta(minutes=1)

    disable_webhook(webhook=hook, now=now)
    disable_webhook(webhook=hook, now=later)

    hook.refresh_from_db()
    delivery.refresh_from_db()
    assert hook.disabled_at == now
    assert (delivery.status, delivery.next_at) == (DeliveryStatus.GIVEN_UP, None)
    assert delivery.last_error == "The web-hook was disabled."


@pytest.mark.parametrize("status", [DeliveryStatus.DELIVERED, DeliveryStatus.GIVEN_UP])
def test_replay_sends_again_with_all_tries(
    delivery: Delivery, status: DeliveryStatus, now: datetime
) -> None:
    done = {"attempts": 12, "next_at": None, "delivered_at": now}
    Delivery.objects.filter(pk=delivery.pk).update(status=status, **done)
    later = now + timedelta(hours=1)

    replay_delivery(delivery=delivery, now=later)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.next_at) == (DeliveryStatus.WAITING, later)
    assert (delivery.attempts, delivery.delivered_at) == (0, None)


def test_replay_of_what_waits_keeps_its_tries(
    delivery: Delivery, now: datetime
) -> None:
    due = now + timedelta(hours=6)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=7, next_at=due)

    replay_delivery(delivery=delivery, now=now)

    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.next_at) == (7, now)


def test_replay_to_a_disabled_web_hook_is_refused(
    hook: Webhook, delivery: Delivery, now: datetime
) -> None:
    disable_webhook(webhook=hook, now=now)

    with pytest.raises(ReplayRefused, match="disabled"):
        replay_delivery(delivery=delivery, now=now)
