"""Readers who disagree, an adjudicator who settles, a supervisor who moves cases."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from predictions.enums import QuarantineStatus
from predictions.models import Item, QuarantinedItem, Workflow
from reviewqueue.enums import LabelSource
from reviewqueue.models import Case, Decision, Label
from tests.e2e.conftest import OpenPage, Watch
from tests.e2e.test_keyboard import REVIEW, shown
from tests.factories.predictions import raw_item, set_policy, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Fill = Callable[[int], Workflow]


def test_disagreement_goes_to_an_adjudicator_who_sees_both(
    open_page: OpenPage,
    workflow: Workflow,
    fill: Fill,
    alice: User,
    bob: User,
    carol: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, second_opinion_share=1.0)
    fill(1)
    first = open_page(alice, REVIEW)
    first.keyboard.press("n")
    first.keyboard.type("looks fine to me")
    first.keyboard.press("Escape")
    first.keyboard.press("c")
    # What is left is a second opinion on her own call.
    expect(first.get_by_role("heading", name="Nothing for you")).to_be_visible()

    second = open_page(bob, REVIEW)
    expect(second.locator("#desk")).to_contain_text("second opinion")
    assert "Alice" not in second.content()
    assert "looks fine" not in second.content()
    second.keyboard.press("2")
    # They disagree, so what is left is for an adjudicator.
    expect(second.get_by_role("heading", name="Nothing for your role")).to_be_visible()

    third = open_page(carol, REVIEW)
    opinions = third.locator(".opinions")
    expect(opinions).to_contain_text("Alice")
    expect(opinions).to_contain_text("looks fine to me")
    expect(opinions).to_contain_text("Bob")
    third.keyboard.press("2")
    expect(third.get_by_role("heading", name="All done")).to_be_visible()

    label = Label.objects.latest("version")
    assert (label.label, label.source) == ("fraud", LabelSource.ADJUDICATION)
    assert Decision.objects.count() == 3


def test_supervisor_takes_a_case_and_reserves_it(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User, bob: User, sam: User
) -> None:
    watch.expected += ["409"]
    fill(1)
    reading = open_page(alice, REVIEW)
    item = shown(reading)
    page = open_page(sam, f"/w/cards/cases/{Case.objects.get().pk}/")

    page.get_by_label("Reason").first.fill("gone home")
    page.get_by_role("button", name="Take it back from Alice").click()
    expect(page.locator("main")).to_contain_text("The case is back in the queue.")
    page.get_by_label("Reserve for").fill("bob")
    page.get_by_role("button", name="Reserve").click()
    expect(page.locator("main")).to_contain_text("Reserved for Bob")

    reading.keyboard.press("c")
    expect(reading.get_by_role("alert")).to_contain_text("no longer yours")
    expect(reading.get_by_role("heading", name="Nothing for you")).to_be_visible()
    assert shown(open_page(bob, REVIEW)) == item
    assert not Decision.objects.exists()


def test_reservation_for_nobody_is_refused_with_the_reason(
    open_page: OpenPage, fill: Fill, watch: Watch, sam: User
) -> None:
    watch.expected += ["422"]
    fill(1)
    page = open_page(sam, f"/w/cards/cases/{Case.objects.get().pk}/")

    page.get_by_label("Reserve for").fill("nemo")
    page.get_by_role("button", name="Reserve").click()

    expect(page.locator("main")).to_contain_text("Nobody of that name has a role here.")


@pytest.mark.parametrize("scripts", [True, False])
def test_refused_item_is_corrected_and_sent_again(
    open_page: OpenPage,
    workflow: Workflow,
    watch: Watch,
    erin: User,
    now: datetime,
    scripts: bool,
) -> None:
    watch.expected += ["422"]
    store(workflow, [raw_item(7, now=now, amount=-3)], now=now)
    page = open_page(erin, "/w/cards/quarantine/", java_script_enabled=scripts)
    page.get_by_role("link", name="tx-7").click()
    why = page.get_by_role("region", name="Why")
    expect(why).to_contain_text("amount: -3 is below the least allowed, 0 €")

    page.get_by_label("Amount").fill("-4")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_label("Amount")).to_have_value("-4")
    assert not Item.objects.exists()
    page.get_by_label("Amount").fill("12.5")
    page.get_by_role("button", name="Send again").click()

    expect(page.locator("main")).to_contain_text("Stored.")
    expect(page.locator("main")).to_contain_text("Nothing here")
    assert Item.objects.get().features["amount"] == 12.5
    assert QuarantinedItem.objects.get().status == QuarantineStatus.RESUBMITTED
