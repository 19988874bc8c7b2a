"""Correcting what was refused, once."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connections

from accounts.models import User
from predictions.models import Item, PendingScore, QuarantinedItem, Workflow
from predictions.services.quarantine import NotOpen, discard, resubmit
from tests.factories.accounts import UserFactory
from tests.factories.predictions import make_workflow, raw_item, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def refused(workflow: Workflow, now: datetime) -> QuarantinedItem:
    store(workflow, [raw_item(1, now=now, amount=-5.0)], now=now)
    return QuarantinedItem.objects.get()


def test_corrected_payload_becomes_an_item(
    refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    errors = resubmit(
        quarantined=refused, payload=raw_item(1, now=now), by=sam, now=now
    )

    assert errors == []
    item = Item.objects.get()
    refused.refresh_from_db()
    assert (refused.status, refused.item, refused.resolved_by, refused.resolved_at) == (
        "resubmitted",
        item,
        sam,
        now,
    )
    assert refused.payload["features"]["amount"] == -5.0
    assert PendingScore.objects.get().item_id == item.pk


def test_payload_refused_again_changes_nothing(
    refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    wrong = raw_item(1, now=now, amount=10**9)

    [answer] = resubmit(quarantined=refused, payload=wrong, by=sam, now=now)

    assert [(one.field, one.rule) for one in answer.errors] == [("amount", "range")]
    refused.refresh_from_db()
    assert refused.status == "open"
    assert QuarantinedItem.objects.count() == 1
    assert Item.objects.count() == 0


def test_what_is_stored_already_closes_with_that_item(
    workflow: Workflow, refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    store(workflow, [raw_item(1, now=now)], now=now)

    assert (
        resubmit(quarantined=refused, payload=raw_item(1, now=now), by=sam, now=now)
        == []
    )

    refused.refresh_from_db()
    assert refused.item == Item.objects.get()


def test_conflict_is_refused_again(
    workflow: Workflow, refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    store(workflow, [raw_item(1, now=now)], now=now)
    other = raw_item(1, now=now, amount=3.0)

    [answer] = resubmit(quarantined=refused, payload=other, by=sam, now=now)

    assert answer.errors[0].rule == "conflict"


def test_discarding_keeps_the_payload_and_closes(
    refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    discard(quarantined=refused, by=sam, now=now)

    refused.refresh_from_db()
    assert (refused.status, refused.resolved_by, refused.item) == (
        "discarded",
        sam,
        None,
    )
    assert refused.payload["external_id"] == "tx-1"


def test_closed_item_cannot_be_closed_again(
    refused: QuarantinedItem, sam: User, now: datetime
) -> None:
    discard(quarantined=refused, by=sam, now=now)

    with pytest.raises(NotOpen):
        discard(quarantined=refused, by=sam, now=now)
    with pytest.raises(NotOpen):
        resubmit(quarantined=refused, payload=raw_item(1, now=now), by=sam, now=now)
    assert Item.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_resolve_it_at_once_one_succeeds(now: datetime) -> None:
    workflow = make_workflow(now=now)
    by = UserFactory.create()
    store(workflow, [raw_item(1, now=now, amount=-5.0)], now=now)
    refused = QuarantinedItem.objects.get()
    barrier = threading.Barrier(6)
    outcomes: list[str] = []

    def attempt(act: Callable[[], object]) -> None:
        try:
            barrier.wait()
            act()
            outcomes.append("done")
        except NotOpen:
            outcomes.append("not open")
        finally:
            connections.close_all()

    def correct() -> object:
        return resubmit(
            quarantined=refused, payload=raw_item(1, now=now), by=by, now=now
        )

    def drop() -> object:
        return discard(quarantined=refused, by=by, now=now)

    threads = [
        threading.Thread(target=attempt, args=(act,)) for act in [correct, drop] * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done"] + ["not open"] * 5
    refused.refresh_from_db()
    assert (refused.status == "resubmitted") == Item.objects.exists()
