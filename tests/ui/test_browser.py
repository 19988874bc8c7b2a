"""The pages' behaviours, tried with a keyboard and a pointer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import violations

pytestmark = pytest.mark.browser

LEASE = """(left) => {
  const chip = document.querySelector(".lease");
  const now = Date.now();
  Object.assign(chip.dataset, {
    lease: "", leaseExpires: new Date(now + left * 1000).toISOString(),
    serverNow: new Date(now).toISOString(), renewUrl: "/renew", leaseToken: "t-1",
    renewSeconds: "1",
  });
  const notice = document.querySelector(".notice.alarm");
  notice.dataset.leaseExpired = "";
  notice.hidden = true;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_shape_is_accessible(guide: Page, theme: str, width: int) -> None:
    guide.emulate_media(color_scheme="light" if theme == "light" else "dark")
    guide.set_viewport_size({"width": width, "height": 900})
    assert violations(guide) == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920, 3840])
def test_page_never_scrolls_sideways(guide: Page, width: int) -> None:
    guide.set_viewport_size({"width": width, "height": 900})
    assert guide.evaluate("document.documentElement.scrollWidth") <= width


def _count_clicks(guide: Page, action: str) -> None:
    guide.evaluate(
        """(action) => {
          globalThis.clicks = 0;
          document.querySelector(`[data-key-action=${action}]`)
            .addEventListener("click", () => { globalThis.clicks += 1; });
        }""",
        action,
    )


def test_key_presses_its_button(guide: Page) -> None:
    _count_clicks(guide, "confirm")
    guide.keyboard.press("c")
    assert guide.evaluate("clicks") == 1


def test_own_key_replaces_the_default(guide: Page) -> None:
    _count_clicks(guide, "skip")
    guide.keyboard.press("s")
    guide.keyboard.press("x")
    assert guide.evaluate("clicks") == 1


@pytest.mark.parametrize("chord", ["Control+c", "Alt+c", "Meta+c"])
def test_key_with_a_modifier_belongs_to_the_browser(guide: Page, chord: str) -> None:
    _count_clicks(guide, "confirm")
    guide.keyboard.press(chord)
    assert guide.evaluate("clicks") == 0


def test_keys_are_silent_while_typing_and_escape_leaves_the_field(guide: Page) -> None:
    _count_clicks(guide, "confirm")
    guide.focus("#sg-q")
    guide.keyboard.type("cc")
    assert guide.evaluate("clicks") == 0
    expect(guide.locator("#sg-q")).to_have_value("cc")
    guide.keyboard.press("Escape")
    guide.keyboard.press("c")
    assert guide.evaluate("clicks") == 1


def test_search_key_focuses_the_field_without_typing_itself(guide: Page) -> None:
    guide.keyboard.press("/")
    expect(guide.locator("#sg-q")).to_be_focused()
    expect(guide.locator("#sg-q")).to_have_value("")


def test_disabled_button_is_not_pressed(guide: Page) -> None:
    _count_clicks(guide, "confirm")
    guide.evaluate(
        "document.querySelector('[data-key-action=confirm]').disabled = true"
    )
    guide.keyboard.press("c")
    assert guide.evaluate("clicks") == 0


def test_sheet_lists_what_this_page_has_and_silences_the_keys(guide: Page) -> None:
    _count_clicks(guide, "confirm")
    guide.keyboard.press("?")
    sheet = guide.locator("#key-sheet")
    expect(sheet).to_contain_text("Confirm: fraud")
    expect(sheet).not_to_contain_text("Choose label 9")
    guide.keyboard.press("c")
    assert guide.evaluate("clicks") == 0
    guide.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_j_and_k_walk_through_the_rows(guide: Page) -> None:
    rows = guide.locator("[data-key-item]")
    guide.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    guide.keyboard.press("j")
    guide.keyboard.press("j")
    guide.keyboard.press("j")
    expect(rows.nth(2)).to_be_focused()
    guide.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()


def test_theme_changes_at_once(guide: Page) -> None:
    guide.click("details.user summary")
    guide.click("button[value=dark]")
    expect(guide.locator("html")).to_have_attribute("data-theme", "dark")
    expect(guide.locator("button[value=dark]")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_menu_closes_on_escape_and_gives_the_focus_back(guide: Page) -> None:
    guide.click("details.user summary")
    guide.keyboard.press("Escape")
    expect(guide.locator("details.user")).not_to_have_attribute("open", "")
    expect(guide.locator("details.user summary")).to_be_focused()


def test_lease_counts_down_and_warns_under_a_minute(guide: Page) -> None:
    guide.evaluate(LEASE, 42)
    chip = guide.locator("[data-lease]")
    expect(chip).to_have_attribute("data-lease-state", "low")
    expect(chip).to_contain_text("0:4")


def test_lease_is_renewed_with_its_token(guide: Page) -> None:
    sent: list[str | None] = []
    until = (datetime.now(UTC) + timedelta(seconds=300)).isoformat()

    def answer(route: Route) -> None:
        sent.append(route.request.post_data)
        route.fulfill(json={"lease_expires_at": until})

    guide.route("**/renew", answer)
    guide.evaluate(LEASE, 30)
    expect(guide.locator("[data-lease]")).to_have_attribute("data-lease-state", "ok")
    expect(guide.locator("[data-lease-left]")).to_contain_text("4:5")
    assert sent[0] == "lease_token=t-1"


def test_lost_lease_says_so_and_stops_the_verdicts(guide: Page) -> None:
    guide.route("**/renew", lambda route: route.fulfill(status=409, json={}))
    guide.evaluate(LEASE, 30)
    expect(guide.locator("[data-lease-expired]")).to_be_visible()
    expect(guide.locator("[data-key-action=confirm]")).to_be_disabled()


def test_unreachable_server_is_said_before_the_lease_is_over(guide: Page) -> None:
    guide.route("**/renew", lambda route: route.fulfill(status=503))
    guide.evaluate(LEASE, 100)
    chip = guide.locator("[data-lease]")
    expect(chip).to_have_attribute("data-lease-state", "unsure")
    expect(guide.locator("[data-key-action=confirm]")).to_be_enabled()


FORM = """(attributes) => {
  const form = document.createElement("form");
  form.method = "post";
  form.id = "tried";
  for (const name of Object.keys(attributes))
    form.setAttribute(name, attributes[name]);
  const button = document.createElement("button");
  button.name = "verdict";
  button.value = "confirm";
  button.textContent = "Send";
  form.append(button);
  document.getElementById("main").prepend(form);
  globalThis.htmx?.process(form);
}"""


def test_plain_form_is_sent_once_with_its_button(guide: Page) -> None:
    sent: list[str | None] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data)
        route.fulfill(status=204)

    guide.route("**/slow", answer)
    guide.evaluate(FORM, {"action": "/slow"})
    guide.evaluate(
        "for (let i = 0; i < 3; i++) document.querySelector('#tried button').click()"
    )
    expect(guide.locator("#tried button")).to_have_attribute("aria-disabled", "true")
    expect(guide.locator("#tried button")).to_have_class("is-busy")
    guide.wait_for_timeout(200)
    assert sent == ["verdict=confirm"]


def test_htmx_form_is_sent_once_and_free_again_after_the_answer(guide: Page) -> None:
    sent: list[Route] = []
    guide.route("**/slow", lambda route: sent.append(route))
    guide.evaluate(FORM, {"hx-post": "/slow", "hx-swap": "none"})
    guide.evaluate(
        "for (let i = 0; i < 3; i++) document.querySelector('#tried button').click()"
    )
    button = guide.locator("#tried button")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert [route.request.post_data for route in sent] == ["verdict=confirm"]
    sent[0].fulfill(status=200, headers={"HX-Trigger": '{"toast": "Saved."}'})
    expect(button).not_to_have_attribute("aria-disabled", "true")
    expect(guide.locator("#toasts .toast")).to_contain_text("Saved.")


@pytest.mark.parametrize(
    ("status", "swapped"), [(409, True), (422, True), (500, False)]
)
def test_refusals_with_a_page_are_swapped_and_failures_are_said(
    guide: Page, status: int, swapped: bool
) -> None:
    body = "<p id='answer'>No longer yours</p>"
    guide.route("**/save", lambda route: route.fulfill(status=status, body=body))
    guide.evaluate(FORM, {"hx-post": "/save", "hx-swap": "innerHTML"})
    guide.click("#tried button")
    if swapped:
        expect(guide.locator("#answer")).to_have_text("No longer yours")
        expect(guide.locator("#toasts .toast")).to_have_count(0)
    else:
        expect(guide.locator("#toasts .toast.alarm")).to_contain_text("Not saved")
        expect(guide.locator("#answer")).to_have_count(0)


def test_toast_from_the_server_is_announced_and_can_be_closed(guide: Page) -> None:
    detail = json.dumps({"text": "Undone.", "tone": "good"})
    guide.evaluate(
        f"document.dispatchEvent(new CustomEvent('toast', {{detail: {detail}}}))"
    )
    region = guide.locator("#toasts")
    expect(region).to_have_attribute("role", "status")
    expect(region.locator(".toast.good")).to_contain_text("Undone.")
    region.get_by_role("button", name="Close").click()
    expect(region.locator(".toast")).to_have_count(0)


def test_failed_save_offers_to_try_again(guide: Page) -> None:
    guide.evaluate(FORM, {"action": "/save"})
    guide.evaluate(
        """() => document.getElementById("tried").dispatchEvent(
          new CustomEvent("htmx:sendError", {bubbles: true, detail: {
            elt: document.getElementById("tried"), requestConfig: {verb: "post"}}}))"""
    )
    toast = guide.locator("#toasts .toast.alarm")
    expect(toast).to_contain_text("Not saved: the server cannot be reached.")
    guide.evaluate(
        """document.getElementById("tried").addEventListener("submit", (event) => {
          event.preventDefault(); globalThis.retried = true; })"""
    )
    toast.get_by_role("button", name="Try again").click()
    assert guide.evaluate("retried") is True


def test_upload_shows_the_page_that_the_server_answers_with(guide: Page) -> None:
    answer = '<title>Done</title><main id="main" tabindex="-1"><h1>12 rows</h1></main>'
    guide.route("**/upload", lambda route: route.fulfill(status=422, body=answer))
    guide.evaluate(
        """() => { const form = document.querySelector("[data-upload]");
          form.action = "/upload"; form.dataset.uploadState = "idle";
          form.requestSubmit(); }"""
    )
    expect(guide.get_by_role("heading", name="12 rows")).to_be_visible()
    expect(guide).to_have_title("Done")


def test_upload_that_fails_says_so(guide: Page) -> None:
    guide.route("**/upload", lambda route: route.abort())
    guide.evaluate(
        """() => { const form = document.querySelector("[data-upload]");
          form.action = "/upload"; form.dataset.uploadState = "idle";
          form.requestSubmit(); }"""
    )
    expect(guide.locator("[data-upload-status]")).to_contain_text("cannot be reached")


def test_mark_of_a_chart_says_its_value_on_hover(guide: Page) -> None:
    guide.hover("figure.chart circle")
    expect(guide.locator(".chart-tip")).to_have_text("week 3: 51 % (n = 2,113)")
