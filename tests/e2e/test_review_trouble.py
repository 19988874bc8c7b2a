"""What goes wrong at a desk: leases end, people press twice, the server is gone."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Case, Decision
from tests.e2e.conftest import OpenPage, Watch
from tests.e2e.test_keyboard import REVIEW, press, shown
from tests.reviewqueue.services.steps import claim

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Fill = Callable[[int], Workflow]


def write_note(page: Page, text: str) -> None:
    page.keyboard.press("n")
    page.keyboard.type(text)
    page.keyboard.press("Escape")


def take_away(case: Case, to: User, workflow: Workflow, now: datetime) -> None:
    """Let the lease run out, and somebody else claim the case."""
    past = now - timedelta(hours=1)
    Case.objects.filter(pk=case.pk).update(lease_expires_at=past)
    assert claim(workflow, to, now=now) == case


def test_lease_that_ends_is_said_and_what_was_written_stays(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["ERR_FAILED"]
    fill(1)
    page = open_page(alice, "/")
    page.clock.install()
    page.route("**/renew/", lambda route: route.abort())
    page.goto(REVIEW)
    write_note(page, "half a thought")

    page.clock.fast_forward(250_000)
    expect(page.locator("[data-lease]")).to_have_attribute("data-lease-state", "low")
    page.clock.fast_forward(60_000)

    expect(page.get_by_text("Your time with this case is over")).to_be_visible()
    expect(page.get_by_role("button", name="Confirm")).to_be_disabled()
    page.unroute("**/renew/")
    page.get_by_role("link", name="Take it back").click()
    expect(page.get_by_label("Note", exact=True)).to_have_value("half a thought")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    assert Decision.objects.get().note == "half a thought"


def test_case_that_somebody_else_got_is_said_with_a_way_on(
    open_page: OpenPage,
    fill: Fill,
    watch: Watch,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    watch.expected += ["409"]
    workflow = fill(3)
    page = open_page(alice, REVIEW)
    lost = shown(page)
    write_note(page, "my own words")
    take_away(Case.objects.get(item__external_id=lost), bob, workflow, now)

    page.keyboard.press("c")

    expect(page.get_by_role("alert")).to_contain_text("no longer yours")
    expect(page.get_by_role("alert")).to_contain_text("my own words")
    assert shown(page) != lost
    assert not Decision.objects.exists()


def test_renewal_learns_that_the_case_is_lost_and_says_so(
    open_page: OpenPage,
    fill: Fill,
    watch: Watch,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    watch.expected += ["409"]
    workflow = fill(1)
    page = open_page(alice, "/")
    page.clock.install()
    page.goto(REVIEW)
    take_away(Case.objects.get(), bob, workflow, now)

    page.clock.fast_forward(61_000)

    expect(page.get_by_text("Your time with this case is over")).to_be_visible()
    page.get_by_role("link", name="Take it back").click()
    expect(page.get_by_role("heading", name="Others hold what is left")).to_be_visible()


def test_double_click_decides_once(
    open_page: OpenPage, fill: Fill, alice: User
) -> None:
    fill(2)
    page = open_page(alice, REVIEW)
    first = shown(page)

    page.get_by_role("button", name="Confirm").dblclick()

    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(first)
    page.wait_for_load_state("networkidle")
    assert [one.item.external_id for one in Decision.objects.all()] == [first]


def test_second_tab_repeats_nothing_and_contradicts_nothing(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["409"]
    fill(4)
    page = open_page(alice, REVIEW)
    same, other = page.context.new_page(), page.context.new_page()
    for tab in (same, other):
        watch.attach(tab)
        tab.goto(REVIEW)
    decided = shown(page)
    assert {shown(same), shown(other)} == {decided}

    press(page, "c")
    press(same, "c")
    other.keyboard.press("2")

    expect(other.get_by_role("alert")).to_contain_text("You decided this case already")
    found = Decision.objects.get()
    assert (found.item.external_id, found.label) == (decided, "legitimate")


def test_back_after_deciding_does_not_decide_again(
    open_page: OpenPage, fill: Fill, alice: User
) -> None:
    fill(3)
    page = open_page(alice, "/")
    page.goto(REVIEW)
    first = shown(page)
    second = press(page, "c")

    page.go_back()
    page.go_forward()

    assert shown(page) == second
    assert Decision.objects.get().item.external_id == first


def test_unreachable_server_is_said_and_the_call_is_not_lost(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["ERR_FAILED", "htmx:sendError", "htmx:afterRequest"]
    fill(2)
    page = open_page(alice, REVIEW)
    first = shown(page)
    write_note(page, "keep me")
    page.route("**/decide/", lambda route: route.abort())

    page.keyboard.press("c")

    toast = page.locator("#toasts .toast.alarm")
    expect(toast).to_contain_text("Not saved: the server cannot be reached.")
    assert shown(page) == first
    page.unroute("**/decide/")
    toast.get_by_role("button", name="Try again").click()
    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(first)
    decision = Decision.objects.get()
    assert (decision.item.external_id, decision.note) == (first, "keep me")


def test_lost_answer_is_made_good_by_trying_again(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["ERR_FAILED", "htmx:sendError", "htmx:afterRequest"]
    fill(3)
    page = open_page(alice, REVIEW)
    first = shown(page)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/decide/", lose)
    page.keyboard.press("c")
    toast = page.locator("#toasts .toast.alarm")
    expect(toast).to_be_visible()
    page.unroute("**/decide/")
    toast.get_by_role("button", name="Try again").click()

    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(first)
    assert Decision.objects.get().item.external_id == first


def test_server_that_fails_is_said(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["503"]
    fill(1)
    page = open_page(alice, REVIEW)
    page.route("**/decide/", lambda route: route.fulfill(status=503, body="down"))

    page.keyboard.press("c")

    expect(page.locator("#toasts .toast.alarm")).to_contain_text("Not saved")
    assert not Decision.objects.exists()


def test_empty_queue_says_why(
    open_page: OpenPage, fill: Fill, alice: User, bob: User, now: datetime
) -> None:
    workflow = fill(0)
    page = open_page(alice, REVIEW)
    reason = page.locator(".empty h2")
    expect(reason).to_have_text("Nothing has come in yet")

    fill(1)
    taken = claim(workflow, bob, now=now)
    page.reload()
    expect(reason).to_have_text("Others hold what is left")

    Case.objects.filter(pk=taken.pk).update(lease_expires_at=now - timedelta(1))
    page.reload()
    page.keyboard.press("s")
    page.keyboard.type("not mine")
    page.keyboard.press("Enter")
    expect(reason).to_have_text("Nothing for you")


def test_queue_that_is_done_says_so(
    open_page: OpenPage, fill: Fill, alice: User
) -> None:
    fill(1)
    page = open_page(alice, REVIEW)
    page.keyboard.press("c")

    expect(page.locator(".empty h2")).to_have_text("All done")


def test_person_without_a_queue_is_told(
    open_page: OpenPage, fill: Fill, watch: Watch, sam: User
) -> None:
    watch.expected += ["403"]
    fill(1)
    page = open_page(sam, REVIEW)

    expect(page.locator("main")).to_contain_text("Your roles do not allow it.")
