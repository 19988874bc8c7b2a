"""A morning at the keyboard: sign in, decide, take back, note, skip, pass on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, CaseSkip, Decision
from tests.e2e.conftest import OpenPage, Watch
from tests.factories.accounts import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REVIEW = "/w/cards/review/"


def shown(page: Page) -> str:
    """Return the id of the item on the desk."""
    return page.locator("#desk .title .chip.mono").inner_text()


def press(page: Page, key: str) -> str:
    """Press a key that ends the case, and return the next one's item."""
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(before)
    return shown(page)


def test_person_signs_in_with_keys_and_reaches_the_first_case(
    chromium: Browser,
    live_server: LiveServer,
    watch: Watch,
    fill: Callable[[int], Workflow],
    alice: User,
) -> None:
    fill(1)
    alice.set_password(PASSWORD)
    alice.save()
    context = chromium.new_context(base_url=live_server.url)
    page = context.new_page()
    watch.attach(page)

    page.goto(REVIEW)
    page.get_by_label("Username").focus()
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.locator("#desk .title .chip.mono")).to_have_text("tx-0")
    context.close()


def test_ten_cases_are_decided_with_keys_alone(
    open_page: OpenPage, fill: Callable[[int], Workflow], alice: User
) -> None:
    fill(11)
    page = open_page(alice, REVIEW)

    seen = [shown(page)]
    seen += [press(page, "c" if turn % 2 else "2") for turn in range(10)]

    assert len(set(seen)) == 11
    decided = Decision.objects.order_by("decided_at")
    assert [one.item.external_id for one in decided] == seen[:10]
    assert [one.label for one in decided] == ["fraud", "legitimate"] * 5
    assert [one.verdict for one in decided] == ["override", "confirm"] * 5


def test_undo_key_brings_the_last_case_back(
    open_page: OpenPage, fill: Callable[[int], Workflow], alice: User
) -> None:
    fill(3)
    page = open_page(alice, REVIEW)
    first = shown(page)
    press(page, "c")

    assert press(page, "u") == first

    assert not Decision.objects.filter(retraction=None).exists()


def test_note_key_opens_the_note_and_the_note_is_kept(
    open_page: OpenPage, fill: Callable[[int], Workflow], alice: User
) -> None:
    fill(2)
    page = open_page(alice, REVIEW)

    page.keyboard.press("n")
    page.keyboard.type("called the customer")
    page.keyboard.press("Escape")
    press(page, "c")

    assert Decision.objects.get().note == "called the customer"


def test_skip_and_escalation_take_their_reason_from_the_keyboard(
    open_page: OpenPage, fill: Callable[[int], Workflow], alice: User
) -> None:
    fill(3)
    page = open_page(alice, REVIEW)
    first = shown(page)

    page.keyboard.press("s")
    page.keyboard.type("know the customer")
    second = press(page, "Enter")
    page.keyboard.press("e")
    page.keyboard.type("odd amount")
    press(page, "Enter")

    assert CaseSkip.objects.get().case.item.external_id == first
    escalated = Case.objects.get(status=CaseStatus.ESCALATED)
    assert escalated.item.external_id == second


def test_next_case_is_held_under_a_lease_of_its_own(
    open_page: OpenPage, fill: Callable[[int], Workflow], alice: User
) -> None:
    fill(3)
    page = open_page(alice, REVIEW)
    with page.expect_response("**/review/prefetch/"):
        pass

    held = list(Case.objects.filter(leased_by=alice).order_by("lease_slot"))

    assert len(held) == 2
    assert len({one.lease_token for one in held}) == 2
    ahead = next(one for one in held if one.item.external_id != shown(page))
    assert press(page, "c") == ahead.item.external_id
