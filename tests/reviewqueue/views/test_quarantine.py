"""Refused items in the browser: corrected by fields or as JSON, whatever was sent."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.intake import store_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def page(client: Client, workflow: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def refused(workflow: Workflow, payload: object, *, now: datetime) -> QuarantinedItem:
    store_items(workflow=workflow, chunks=[[payload]], source=IntakeSource.API, now=now)
    return QuarantinedItem.objects.latest("received_at")


def path(one: QuarantinedItem) -> str:
    return reverse("reviewqueue:quarantine-detail", args=["cards", one.pk])


def test_rules_are_told_in_sentences_with_their_bounds(
    page: Client, workflow: Workflow, now: datetime
) -> None:
    payload = {
        "external_id": "tx-1",
        "occurred_at": now.isoformat(),
        "features": {"amount": 250_000, "card_present": "maybe"},
    }
    one = refused(workflow, payload, now=now)

    for address in (path(one), reverse("reviewqueue:quarantine-list", args=["cards"])):
        shown = page.get(address).content.decode()
        assert "amount: 250,000 is above the most allowed, 100,000 €" in shown
        assert "card_present: “maybe” is none of the values allowed: yes, no" in shown


def test_item_refused_before_sentences_were_kept_gets_one(
    page: Client, workflow: Workflow, now: datetime
) -> None:
    one = refused(workflow, {"external_id": "tx-1"}, now=now)
    one.errors = [{"field": "amount", "rule": "range", "value": -3}]
    one.save(update_fields=["errors"])

    shown = page.get(path(one)).content.decode()

    assert "amount: -3 is below the least allowed, 0 €" in shown


def test_a_corrected_field_brings_the_item_in(
    page: Client, workflow: Workflow, now: datetime
) -> None:
    payload = {
        "external_id": "tx-1",
        "occurred_at": now.isoformat(),
        "features": {"amount": -4, "card_present": "yes"},
    }
    one = refused(workflow, payload, now=now)
    shown = page.get(path(one)).content.decode()
    assert 'value="-4"' in shown

    answer = page.post(
        path(one),
        {
            "external_id": "tx-1",
            "occurred_at": payload["occurred_at"],
            "f-amount": "4",
            "f-card_present": "yes",
        },
    )

    assert answer.status_code == 302
    assert Item.objects.get().features["amount"] == 4
    one.refresh_from_db()
    assert one.status == QuarantineStatus.RESUBMITTED


def test_a_wrong_correction_is_named_and_keeps_what_was_typed(
    page: Client, workflow: Workflow, now: datetime
) -> None:
    payload = {"external_id": "tx-1", "features": {"amount": -4}}
    one = refused(workflow, payload, now=now)

    answer = page.post(
        path(one),
        {"external_id": "tx-1", "occurred_at": now.isoformat(), "f-amount": "-5"},
    )

    assert answer.status_code == 422
    assert 'value="-5"' in answer.content.decode()
    assert not Item.objects.exists()


@pytest.mark.parametrize("features", ["text", [1, 2], 7, None, {"amount": [1]}])
def test_whatever_was_sent_as_features_can_be_opened_and_corrected(
    page: Client, workflow: Workflow, now: datetime, features: object
) -> None:
    one = refused(workflow, {"external_id": "tx-1", "features": features}, now=now)

    assert page.get(path(one)).status_code == 200
    answer = page.post(
        path(one),
        {"external_id": "tx-1", "occurred_at": now.isoformat(), "f-amount": "12"},
    )

    assert answer.status_code == 302
    assert Item.objects.get().features == {"amount": 12}


def test_text_that_is_not_json_is_refused_with_its_place(
    page: Client, workflow: Workflow, now: datetime
) -> None:
    one = refused(workflow, {"external_id": "tx-1"}, now=now)

    answer = page.post(path(one), {"raw": '{"external_id": "typed", '})

    assert answer.status_code == 422
    assert "not JSON" in answer.content.decode()
    assert "{&quot;external_id&quot;: &quot;typed&quot;, " in answer.content.decode()
