"""Fields on the desk by keyboard alone: confirm, correct, an error, a picture."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.models import Decision
from reviewqueue.services.pipeline import process_batch
from tests.browser import AXE_OPTIONS
from tests.e2e.conftest import OpenPage, Watch
from tests.factories.media import image_file, stored
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.field_steps import (
    FIELDS,
    SAID,
    VALUES,
    champion_elsewhere,
    with_fields,
)
from tests.reviewqueue.services.steps import open_cases

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REVIEW = "/w/cards/review/"
MARKED = "words => [...CSS.highlights.get('span')].map(String).join('|') === words"
PICTURED = (
    FIELDS.replace('type = "boxes"', 'type = "boxes"\nmedia = "photo"')
    + """
[[fields]]
name = "names"
title = "Names"
type = "spans"
feature = "customer"
classes = ["person", "place"]

[[media]]
name = "photo"
kind = "image"
"""
)
NAMED = {
    **SAID,
    "names": {
        "value": [{"start": 0, "end": 3, "class": "person"}],
        "confidence": 0.7,
    },
}


@pytest.fixture(autouse=True)
def _breakers_closed() -> Iterator[None]:
    model_health.forget_all()
    yield
    model_health.forget_all()


@pytest.fixture
def entries(workflow: Workflow, settings: Any, now: datetime) -> Workflow:  # noqa: ANN401 -- a fixture
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, now=now):
        open_cases(declared, 3, now=now)
    return declared


def press(page: Page, key: str) -> None:
    """Press a key that ends the case, and wait for the next one."""
    chip = page.locator("#desk .title .chip.mono")
    before = chip.inner_text()
    page.keyboard.press(key)
    expect(chip).not_to_have_text(before)


def test_fields_are_confirmed_and_corrected_by_key(
    open_page: OpenPage, entries: Workflow, alice: User, watch: Watch
) -> None:
    page = open_page(alice, REVIEW)
    press(page, "c")
    page.keyboard.press("f")
    expect(page.get_by_role("textbox", name="Batch")).to_be_focused()
    page.keyboard.type("48")
    page.keyboard.press("Escape")
    press(page, "c")
    expect(page.get_by_text("You corrected Batch")).to_be_visible()

    watch.expected.append("status 422")
    watch.expected.append("422 (")
    page.keyboard.press("f")
    page.keyboard.type("4x")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.get_by_text("“4x” is not a whole number").first).to_be_visible()
    expect(page.get_by_role("textbox", name="Batch")).to_have_value("4x")

    confirmed, corrected = Decision.objects.order_by("decided_at")
    assert (confirmed.verdict, confirmed.fields) == ("confirm", VALUES)
    assert (corrected.verdict, corrected.corrected) == ("override", ["batch"])
    assert corrected.fields == {**VALUES, "batch": 48}


def test_what_was_typed_outlives_a_reload_and_not_the_decision(
    open_page: OpenPage, entries: Workflow, alice: User
) -> None:
    page = open_page(alice, REVIEW)
    page.get_by_role("textbox", name="Batch").fill("48")
    page.get_by_label("Tool").select_option("robot")
    page.get_by_label("Left, Defects 1").fill("12")
    page.reload()
    expect(page.get_by_role("textbox", name="Batch")).to_have_value("48")
    expect(page.get_by_label("Tool")).to_have_value("robot")
    expect(page.get_by_label("Left, Defects 1")).to_have_value("12")
    press(page, "c")
    page.keyboard.press("u")
    expect(page.get_by_role("textbox", name="Batch")).to_have_value("47")


def test_pages_about_fields_are_fit_for_everybody(
    open_page: OpenPage, entries: Workflow, alice: User, sam: User
) -> None:
    page = open_page(alice, REVIEW)
    page.keyboard.press("f")
    page.keyboard.type("48")
    page.keyboard.press("Escape")
    press(page, "c")
    decision = Decision.objects.get()
    page = open_page(sam, f"/w/cards/cases/{decision.case_id}/")
    page.get_by_text("Replace it, with a reason").click()
    expect(page.get_by_role("textbox", name="Batch")).to_have_value("48")
    assert faults(page) == []
    for path in ("items/" + str(decision.item_id), "reliance", "trust", "decisions"):
        page.goto(f"/w/cards/{path}/")
        assert faults(page) == [], path


def faults(page: Page) -> list[str]:
    """Return what axe finds, and whether a phone would scroll sideways."""
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    page.set_viewport_size({"width": 360, "height": 780})
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return [one["id"] for one in found] + ["scrolls"] * wide


def test_regions_lie_over_their_picture_and_spans_in_their_text(
    open_page: OpenPage,
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    watch: Watch,
    now: datetime,
) -> None:
    declared = with_fields(workflow, PICTURED, now=now)
    photo = stored(declared, image_file(width=80, height=60), now=now)
    item = raw_item(0, now=now - timedelta(minutes=5), customer="Ada lives in Rome")
    with champion_elsewhere(declared, settings, NAMED, now=now):
        store(declared, [{**item, "media": {"photo": str(photo.pk)}}], now=now)
        process_batch(workflow=declared, limit=1, now=now)
    page = open_page(alice, REVIEW)

    picture = page.locator("figure img").bounding_box()
    box = page.locator(".overlay rect").bounding_box()
    assert picture is not None
    assert box is not None
    scale = picture["width"] / 80
    assert box["x"] - picture["x"] == pytest.approx(10 * scale, abs=3)
    assert box["width"] == pytest.approx(20 * scale, abs=4)
    page.wait_for_function(MARKED, arg="Ada")
    watch.expected += ["status 422", "422 ("]
    page.get_by_label("Left, Defects 1").fill("70")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.get_by_text("reaches beyond the edge").first).to_be_visible()
    assert faults(page) == []
