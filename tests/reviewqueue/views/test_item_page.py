"""One page per item: everything that happened to it."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Item, ModelVersion, QuarantinedItem, Workflow
from predictions.services.quarantine import resubmit
from reviewqueue.services.claims import skip_case
from tests.factories.predictions import make_items, raw_item, store
from tests.reviewqueue.services.steps import claim, decide, open_cases, token

pytestmark = pytest.mark.django_db


def test_page_tells_who_passed_a_case_on_and_who_judged(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    skip_case(
        case_id=case.pk,
        holder=alice,
        lease_token=token(case),
        reason="a neighbour of mine",
        now=now,
    )
    decide(claim(workflow, bob, now=now), bob, now=now)
    client.force_login(sam)

    page = client.get(f"/w/cards/items/{case.item_id}/").content.decode()

    for words in ("Opened", "Claimed", "Skipped", "a neighbour of mine", "Decided"):
        assert words in page


def text_of(client: Client, item: Item) -> str:
    page = client.get(f"/w/cards/items/{item.pk}/").content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize("who", ["alice", "sam"])
def test_page_tells_that_an_item_was_refused_first_and_who_corrected_it(
    client: Client,
    workflow: Workflow,
    sam: User,
    alice: User,
    now: datetime,
    who: str,
) -> None:
    store(workflow, [raw_item(1, now=now, amount=100_001)], now=now)
    one = QuarantinedItem.objects.get()
    later = now + timedelta(hours=2)
    resubmit(quarantined=one, payload=raw_item(1, now=now), by=sam, now=later)
    client.force_login({"alice": alice, "sam": sam}[who])

    text = text_of(client, Item.objects.get())

    assert (
        "It came out of quarantine: what was first sent was refused on "
        "2 Mar 2026, 09:00 , and Sam corrected it on 2 Mar 2026, 11:00 ."
    ) in text
    assert "amount: 100,001 is above the most allowed, 100,000 €" in text
    # the quarantine itself is not every reviewer's to see
    assert ("What was refused" in text) == (who == "sam")


def test_page_of_an_item_that_was_never_refused_tells_of_no_quarantine(
    client: Client, workflow: Workflow, sam: User, now: datetime
) -> None:
    [item] = make_items(workflow, 1, now=now)
    client.force_login(sam)

    assert "quarantine:" not in text_of(client, item)


def test_item_that_was_there_before_the_correction_is_told_apart(
    client: Client, workflow: Workflow, sam: User, now: datetime
) -> None:
    [item] = make_items(workflow, 1, now=now)
    store(workflow, [raw_item(0, now=now, amount=-1)], now=now)
    one = QuarantinedItem.objects.get()
    later = now + timedelta(hours=2)
    resubmit(quarantined=one, payload=raw_item(0, now=now), by=sam, now=later)
    client.force_login(sam)

    assert "Sam corrected it on 2 Mar 2026, 11:00 to what was stored already" in (
        text_of(client, item)
    )
