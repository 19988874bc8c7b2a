"""Notices: written with what they tell of, waiting for every web-hook that wants it."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Notice, NoticeRead
from reviewqueue.queries.notices import n_unread
from reviewqueue.services.notices import mark_read, notify
from reviewqueue.services.webhooks import add_webhook, disable_webhook
from tests.factories.predictions import make_workflow

URL = "https://hooks.example.org/a"


def tell(
    workflow: Workflow, *, now: datetime, kind: NoticeKind = NoticeKind.GRANTED
) -> Notice:
    return notify(workflow=workflow, kind=kind, text="Granted.", data={"n": 3}, now=now)


def test_notice_is_written(workflow: Workflow, now: datetime) -> None:
    notice = tell(workflow, now=now)

    notice.refresh_from_db()
    assert (notice.kind, notice.text) == ("autonomy.granted", "Granted.")
    assert (notice.data, notice.at) == ({"n": 3}, now)
    assert notice.workflow_id == workflow.pk


def test_long_text_is_cut(workflow: Workflow, now: datetime) -> None:
    notice = notify(
        workflow=workflow, kind=NoticeKind.GRANTED, text="a" * 400, data={}, now=now
    )

    assert notice.text == "a" * 299 + "…"


def test_web_hooks_that_want_the_kind_get_a_delivery(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    other = make_workflow(now=now, slug="loans")
    all_kinds, withdrawals, disabled, _ = (
        add_webhook(workflow=at, url=f"{URL}{n}", kinds=kinds, by=sam, now=now)
        for n, (at, kinds) in enumerate(
            [
                (workflow, []),
                (workflow, ["autonomy.withdrawn"]),
                (workflow, []),
                (other, []),
            ]
        )
    )
    disable_webhook(webhook=disabled, now=now)

    granted = tell(workflow, now=now)
    withdrawn = tell(workflow, now=now, kind=NoticeKind.WITHDRAWN)

    found = Delivery.objects.values_list("webhook", "notice", "status", "next_at")
    assert set(found) == {
        (all_kinds.pk, granted.pk, DeliveryStatus.WAITING, now),
        (all_kinds.pk, withdrawn.pk, DeliveryStatus.WAITING, now),
        (withdrawals.pk, withdrawn.pk, DeliveryStatus.WAITING, now),
    }


@pytest.mark.django_db(transaction=True)
def test_workers_are_woken_once_it_is_committed(
    workflow: Workflow, sam: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(
        "reviewqueue.services.notices.wake",
        lambda task, webhook_id: woken.append(f"{task} {webhook_id}"),
    )
    hook = add_webhook(workflow=workflow, url=URL, kinds=[], by=sam, now=now)

    with transaction.atomic():
        tell(workflow, now=now)
        before = list(woken)

    assert before == []
    assert woken == [f"reviewqueue.send_deliveries {hook.pk}"]


@pytest.mark.django_db(transaction=True)
def test_what_did_not_happen_is_not_told(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    add_webhook(workflow=workflow, url=URL, kinds=[], by=sam, now=now)

    with transaction.atomic():
        tell(workflow, now=now)
        transaction.set_rollback(True)

    assert not Notice.objects.exists()
    assert not Delivery.objects.exists()


def test_reading_goes_forward_and_is_each_persons_own(
    workflow: Workflow, sam: User, erin: User, now: datetime
) -> None:
    first, second, third = (
        tell(workflow, now=now + timedelta(seconds=n)) for n in range(3)
    )

    mark_read(workflow=workflow, reader=sam, upto=second.pk)
    mark_read(workflow=workflow, reader=sam, upto=first.pk)

    assert NoticeRead.objects.get(reader=sam).upto == second.pk
    assert n_unread(workflow.pk, sam) == 1
    assert n_unread(workflow.pk, erin) == 3
    mark_read(workflow=workflow, reader=sam, upto=third.pk)
    assert n_unread(workflow.pk, sam) == 0


def test_notice_of_another_workflow_cannot_be_read_here(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    other = tell(make_workflow(now=now, slug="loans"), now=now)

    with pytest.raises(Notice.DoesNotExist):
        mark_read(workflow=workflow, reader=sam, upto=other.pk)
    assert not NoticeRead.objects.exists()
