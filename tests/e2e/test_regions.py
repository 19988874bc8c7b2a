"""Polygons and points drawn in a picture, by mouse and by key alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Decision
from reviewqueue.services.pipeline import process_batch
from tests.e2e.conftest import OpenPage
from tests.e2e.test_fields import REVIEW, faults, press
from tests.factories.media import image_file, stored
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.field_steps import champion_elsewhere, with_fields

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTH = 400
FIELDS = """
[[fields]]
name = "outline"
title = "Outline"
type = "polygons"
media = "photo"

[[fields]]
name = "nuclei"
title = "Nuclei"
type = "points"
classes = ["round", "odd"]
media = "photo"

[[media]]
name = "photo"
kind = "image"
"""
SAID: dict[str, Any] = {
    "outline": {"value": [{"points": [[50, 50], [150, 50], [150, 120]]}]},
    "nuclei": {"value": [{"x": 200, "y": 100, "class": "round"}]},
}


@pytest.fixture
def page(
    open_page: OpenPage,
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    now: datetime,
) -> Page:
    declared = with_fields(workflow, FIELDS, now=now)
    with champion_elsewhere(declared, settings, SAID, now=now):
        for i in range(2):
            photo = stored(declared, image_file(width=WIDTH, height=300 + i), now=now)
            item = raw_item(i, now=now - timedelta(minutes=5))
            store(declared, [{**item, "media": {"photo": str(photo.pk)}}], now=now)
        process_batch(workflow=declared, limit=2, now=now)
    opened: Page = open_page(alice, REVIEW)
    opened.locator("[data-viewer-stage]").first.scroll_into_view_if_needed()
    return opened


def fields() -> dict[str, Any]:
    kept = Decision.objects.get().fields
    assert kept is not None
    return dict(kept)


def test_polygons_and_points_are_drawn_with_the_mouse(page: Page) -> None:
    box = page.locator("[data-viewer-stage]").first.bounding_box()
    assert box is not None
    scale = box["width"] / WIDTH

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * scale, box["y"] + y * scale

    page.get_by_role("button", name="New polygon").click()
    for corner in ((20, 200), (120, 200), (120, 260), (20, 260)):
        page.mouse.click(*at(*corner))
    page.mouse.click(*at(20, 200))  # the first one closes it
    expect(page.locator("g.polygon")).to_have_count(2)
    page.mouse.move(*at(120, 260))  # a corner of it
    page.mouse.down()
    page.mouse.move(*at(140, 280))
    page.mouse.up()

    page.get_by_label("The field that is drawn").select_option(label="Nuclei")
    page.get_by_label("What a new or the chosen region is").select_option("odd")
    page.get_by_role("button", name="New point").click()
    page.mouse.click(*at(300, 40))
    page.mouse.move(*at(200, 100))  # the model's
    page.mouse.down()
    page.mouse.move(*at(220, 110))
    page.mouse.up()
    expect(page.locator("g.chosen")).to_have_count(1)
    assert faults(page) == []
    press(page, "c")

    kept = fields()
    drawn, first = sorted(kept["outline"], key=lambda one: len(one["points"]))[::-1]
    assert first == {"points": [[50, 50], [150, 50], [150, 120]]}
    corners = [(20, 200), (120, 200), (140, 280), (20, 260)]
    assert drawn["points"] == [pytest.approx(one, abs=2) for one in corners]
    moved, new = sorted(kept["nuclei"], key=lambda one: one["x"])
    assert (moved["class"], new["class"]) == ("round", "odd")
    assert [moved["x"], moved["y"]] == pytest.approx([220, 110], abs=2)
    assert [new["x"], new["y"]] == pytest.approx([300, 40], abs=2)


def test_polygons_and_points_are_drawn_by_key_alone(page: Page) -> None:
    page.keyboard.press("v")
    page.keyboard.press("]")
    said = page.locator("[data-viewer-said]")
    expect(said).to_have_text(
        "Polygon 1 of 1: no class, 3 corners, left 50, top 50, 100 by 70"
    )
    page.keyboard.press(".")
    page.keyboard.press(".")
    expect(said).to_contain_text("corner 2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.keyboard.press("b")  # another one, in the middle
    expect(page.locator("g.polygon")).to_have_count(2)
    page.keyboard.press("Delete")
    expect(page.locator("g.polygon")).to_have_count(1)
    page.get_by_label("The field that is drawn").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.keyboard.press("]")
    page.keyboard.press("t")
    page.keyboard.press("ArrowRight")
    press(page, "c")

    kept = fields()
    (outline,) = kept["outline"]
    (_, lower), (left, low), (right, bottom) = outline["points"]
    assert (lower, left, right, bottom) == (50, 150, 150, 120)
    assert 50 < low <= 60
    (point,) = kept["nuclei"]
    assert (point["y"], point["class"]) == (100, "odd")
    assert 200 < point["x"] <= 210
