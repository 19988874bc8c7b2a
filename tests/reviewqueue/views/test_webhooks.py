"""Web-hooks on pages: the secret once, the log, sending again, the end."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Webhook
from reviewqueue.services.notices import notify
from reviewqueue.services.webhooks import MAX_WEBHOOKS
from tests.reviewqueue.services.receivers import INSIDER

pytestmark = pytest.mark.django_db
LIST = "/w/cards/webhooks/"
URL = "https://hooks.example.org/a?token=b"


@pytest.fixture
def web(client: Client, workflow: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def add(web: Client, url: str = URL, kinds: tuple[str, ...] = ()) -> Webhook:
    answer = web.post(LIST, {"url": url, "kinds": list(kinds)})
    assert answer.status_code == 200
    return Webhook.objects.latest("created_at")


def tell(workflow: Workflow) -> Delivery:
    now = datetime.now(UTC)
    notify(
        workflow=workflow, kind=NoticeKind.GRANTED, text="Granted.", data={}, now=now
    )
    return Delivery.objects.latest("id")


def test_secret_is_shown_once(web: Client) -> None:
    answer = web.post(LIST, {"url": URL})

    hook = Webhook.objects.get()
    secret = hook.secret
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    for path in (LIST, f"{LIST}{hook.pk}/"):
        shown = web.get(path).content.decode()
        assert "https://hooks.example.org/a?token=b" in shown
        assert secret.removeprefix("whsec_") not in shown


def test_kinds_are_kept_and_shown(web: Client) -> None:
    hook = add(web, kinds=("autonomy.withdrawn", "autonomy.floor"))

    assert hook.kinds == ["autonomy.floor", "autonomy.withdrawn"]
    assert "autonomy withdrawn, audit floor reached" in web.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"url": ""}, "This field is required."),
        ({"url": "http://hooks.example.org/"}, "must begin with https://"),
        ({"url": f"https://{INSIDER}/"}, "Private and loopback addresses are closed"),
        ({"url": "https://169.254.169.254/"}, "are never written to"),
        ({"url": URL, "kinds": ["weather"]}, "not one of the available choices"),
    ],
)
def test_what_is_no_web_hook_is_refused_beside_its_field(
    web: Client, asked: dict[str, object], words: str
) -> None:
    answer = web.post(LIST, asked)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Webhook.objects.exists()


def test_one_too_many(web: Client) -> None:
    for number in range(MAX_WEBHOOKS):
        add(web, f"{URL}{number}")

    answer = web.post(LIST, {"url": URL})

    assert answer.status_code == 422
    assert "at most 20 web-hooks" in answer.content.decode()


def test_log_shows_what_became_of_a_delivery(web: Client, workflow: Workflow) -> None:
    hook = add(web)
    tell(workflow)
    failed = {"attempts": 3, "last_status_code": 500, "last_error": "Answered 500."}
    Delivery.objects.update(**failed)

    shown = web.get(f"{LIST}{hook.pk}/").content.decode()

    assert "Granted." in shown
    assert '<span class="chip accent">waiting</span>' in shown
    assert "Answered 500." in shown
    assert 'data-label="Tries">3<' in shown
    given_up = web.get(f"{LIST}{hook.pk}/?status=given_up").content.decode()
    assert "No delivery has this status." in given_up


def test_delivery_is_sent_again(web: Client, workflow: Workflow) -> None:
    add(web)
    delivery = tell(workflow)
    Delivery.objects.update(status=DeliveryStatus.GIVEN_UP, next_at=None, attempts=12)

    answer = web.post(f"/w/cards/deliveries/{delivery.pk}/replay/", follow=True)

    assert "sent again in a moment" in answer.content.decode()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.WAITING, 0)


def test_disabled_web_hook_sends_nothing_again(web: Client, workflow: Workflow) -> None:
    hook = add(web)
    delivery = tell(workflow)

    web.post(f"{LIST}{hook.pk}/disable/")
    answer = web.post(f"/w/cards/deliveries/{delivery.pk}/replay/", follow=True)

    shown = answer.content.decode()
    assert "The web-hook was disabled." in shown
    assert "Send again:" not in shown
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.GIVEN_UP


def test_auditor_looks_and_changes_nothing(
    client: Client, web: Client, workflow: Workflow, audrey: User
) -> None:
    hook = add(web)
    client.force_login(audrey)

    for path in (LIST, f"{LIST}{hook.pk}/"):
        shown = client.get(path).content.decode()
        assert "Disable</button>" not in shown
    assert "Add a web-hook" not in client.get(LIST).content.decode()
    assert client.post(LIST, {"url": URL}).status_code == 403
