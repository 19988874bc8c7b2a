"""Part pictures at the desk: looked at closely, boxes drawn by key and by mouse."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from predictions.models import Item, PredictedFields, Workflow
from reviewqueue.models import Decision
from reviewqueue.services.pipeline import process_batch
from tests.e2e.conftest import OpenPage
from tests.e2e.test_fields import faults, press
from tests.factories.parts import (
    make_parts_champion,
    make_parts_workflow,
    part,
    store_part,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ON_TOP = """heat => {
  const box = heat.getBoundingClientRect();
  heat.style.pointerEvents = "all";
  for (const one of heat.children) one.style.pointerEvents = "all";
  const cell = heat.firstElementChild.getBoundingClientRect();
  const x = cell.left + cell.width / 2, y = cell.top + cell.height / 2;
  const found = document.elementFromPoint(x, y);
  heat.style.pointerEvents = "";
  for (const one of heat.children) one.style.pointerEvents = "";
  return heat.contains(found) || found?.closest("svg") !== null;
}"""
TRANSFORM = "canvas => canvas.style.transform"
REVIEW = "/w/surface-defects/review/"


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    changes = {
        "blind_share = 0.1": "blind_share = 0.0",
        'mode = "above"': 'mode = "all"',
        "second_opinion_share = 0.05": "second_opinion_share = 0.0",
    }
    return make_parts_workflow(now=now, changes=changes)


@pytest.fixture
def parts(workflow: Workflow, alice: User, now: datetime) -> Workflow:
    make_parts_champion(workflow, by=alice, now=now)
    for seed in (5, 6, 7):
        data = part("pit", seed).jpeg()
        store_part(workflow, data, external_id=f"p-{seed}", by=alice, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    return workflow


def values(page: Page, place: int) -> list[str]:
    """Return left, top, width and height of a row of the form."""
    names = (f"field-defects-{place}-{name}" for name in "xywh")
    return [page.locator(f'[name="{name}"]').input_value() for name in names]


def middle(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_round_by_keyboard_alone(
    open_page: OpenPage, parts: Workflow, alice: User
) -> None:
    page = open_page(alice, REVIEW)
    first = page.locator("#desk .title .chip.mono").inner_text()
    expect(page.locator("svg.heat")).to_be_hidden()
    page.keyboard.press("h")
    page.keyboard.press("r")
    expect(page.locator("svg.heat")).to_be_visible()
    # over the picture, not under it
    assert page.locator("svg.heat").evaluate(ON_TOP)
    expect(page.locator("svg.marks rect").first).to_be_visible()
    page.keyboard.press("v")
    stage = page.locator("[data-viewer-stage]").first
    expect(stage).to_be_focused()
    before = page.locator("figure img").first.bounding_box()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    after = page.locator("figure img").first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] * 1.2
    page.keyboard.press("Home")

    n_boxes = page.locator("svg.edited g.box").count()
    page.keyboard.press("]")
    left = int(values(page, 0)[0])
    width = int(values(page, 0)[2])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert int(values(page, 0)[0]) > left
    assert int(values(page, 0)[2]) > width
    page.keyboard.press("Delete")
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes - 1)
    page.keyboard.press("b")
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes)
    page.keyboard.press("t")
    expect(page.locator("svg.edited g.chosen title")).not_to_have_text("pit")
    page.keyboard.press("?")
    expect(page.locator("#key-sheet")).to_contain_text("Resize it")
    expect(page.locator("#key-sheet")).to_contain_text("Heat map")
    page.keyboard.press("Escape")
    press(page, "c")

    decision = Decision.objects.get()
    said = PredictedFields.objects.get(prediction__item__external_id=first)
    assert (decision.verdict, decision.corrected) == ("override", ["defects"])
    assert decision.fields is not None
    kept = decision.fields["defects"]
    assert len(kept) == n_boxes == len(said.values["defects"])
    assert sum(one not in said.values["defects"] for one in kept) == 1
    # how pictures are shown is kept for the next one
    expect(page.locator("svg.heat")).to_be_visible()
    press(page, "c")
    assert Decision.objects.filter(verdict="confirm").count() == 1


def test_boxes_are_drawn_moved_and_resized_with_the_mouse(
    open_page: OpenPage, parts: Workflow, alice: User
) -> None:
    page = open_page(alice, REVIEW)
    stage = page.locator("[data-viewer-stage]").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    n_boxes = page.locator("svg.edited g.box").count()
    scale = box["width"] / 256

    page.get_by_role("button", name="New box").click()
    page.mouse.move(box["x"] + 4 * scale, box["y"] + 4 * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + 20 * scale, box["y"] + 10 * scale)
    page.mouse.move(box["x"] + 24 * scale, box["y"] + 16 * scale)
    page.mouse.up()
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes + 1)
    drawn = [int(one) for one in values(page, n_boxes)]
    assert drawn == pytest.approx([4, 4, 20, 12], abs=2)

    x, y = middle(page.locator("g.chosen .handle.se"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10 * scale, y + 6 * scale)
    page.mouse.up()
    resized = [int(one) for one in values(page, n_boxes)]
    assert resized == pytest.approx([4, 4, 30, 18], abs=2)

    x, y = middle(page.locator("g.chosen rect").first)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20 * scale, y + 10 * scale)
    page.mouse.up()
    moved = [int(one) for one in values(page, n_boxes)]
    assert moved == pytest.approx([24, 14, 30, 18], abs=2)

    page.get_by_role("button", name="Delete").click()
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes)
    press(page, "c")
    assert Decision.objects.get().verdict == "confirm"


def test_the_picture_zooms_at_the_wheel_and_the_page_is_fit_for_everybody(
    open_page: OpenPage, parts: Workflow, alice: User
) -> None:
    page = open_page(alice, REVIEW)
    image = page.locator("figure img").first
    canvas = page.locator("[data-viewer-canvas]").first
    image.scroll_into_view_if_needed()
    before = image.bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + 50, before["y"] + 50)
    page.mouse.down()
    page.mouse.move(2, 2)
    page.mouse.up()
    page.mouse.move(before["x"] + 50, before["y"] + 50)
    page.mouse.wheel(0, -600)
    expect(page.locator("[data-viewer-stage].closer")).to_have_count(1)
    # The button was let go beside the picture: without it nothing is dragged.
    zoomed = canvas.evaluate(TRANSFORM)
    page.mouse.move(before["x"] + 80, before["y"] + 70)
    assert canvas.evaluate(TRANSFORM) == zoomed
    page.mouse.down()
    page.mouse.move(before["x"] + 70, before["y"] + 70)
    page.mouse.up()
    assert canvas.evaluate(TRANSFORM) != zoomed
    page.get_by_role("button", name="Fit").click()
    expect(page.locator("[data-viewer-stage].closer")).to_have_count(0)
    page.get_by_label("Brightness").fill("1.5")
    assert "brightness(1.5)" in str(image.evaluate("el => el.style.filter"))
    page.get_by_label("Heat map").check()
    assert faults(page) == []
    item = Item.objects.get(external_id="p-5")
    page.goto(f"/w/surface-defects/items/{item.pk}/")
    expect(page.locator("svg.heat")).to_be_visible()
    expect(page.locator("[data-region-new]")).to_be_hidden()
    assert faults(page) == []


@dataclass
class Fingers:
    """Fingers on the glass of a phone: what mouse and playwright cannot do."""

    page: Page

    def __post_init__(self) -> None:
        self.glass = self.page.context.new_cdp_session(self.page)

    def put(self, *places: tuple[float, float], kind: str = "touchStart") -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        asked = {"type": kind, "touchPoints": points}
        self.glass.send("Input.dispatchTouchEvent", asked)

    def move(self, *places: tuple[float, float]) -> None:
        self.put(*places, kind="touchMove")

    def lift(self) -> None:
        self.put(kind="touchEnd")


def test_boxes_are_drawn_and_moved_with_a_finger_and_the_picture_zoomed_with_two(
    open_page: OpenPage, parts: Workflow, alice: User
) -> None:
    phone = {"width": 390, "height": 844}
    page = open_page(alice, REVIEW, viewport=phone, has_touch=True, is_mobile=True)
    stage = page.locator("[data-viewer-stage]").first
    stage.scroll_into_view_if_needed()
    page.get_by_role("button", name="New box").tap()
    fingers, box = Fingers(page), stage.bounding_box()
    assert box is not None
    scale = box["width"] / 256

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * scale, box["y"] + y * scale

    n_boxes = page.locator("svg.edited g.box").count()
    fingers.put(at(10, 10))
    fingers.move(at(30, 20))
    fingers.move(at(40, 30))
    fingers.lift()
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes + 1)
    drawn = [int(one) for one in values(page, n_boxes)]
    assert drawn == pytest.approx([10, 10, 30, 20], abs=2)

    fingers.put(at(25, 20))
    fingers.move(at(45, 35))
    fingers.move(at(55, 40))
    fingers.lift()
    moved = [int(one) for one in values(page, n_boxes)]
    assert moved == pytest.approx([40, 30, 30, 20], abs=2)
    page.get_by_role("button", name="Delete").tap()
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes)

    fingers.put(at(200, 100), at(220, 100))
    fingers.move(at(180, 100), at(240, 100))
    fingers.lift()
    expect(page.locator("[data-viewer-stage].closer")).to_have_count(1)
    # three times as far apart, three times as large, and no box came of it
    canvas = page.locator("[data-viewer-canvas]").first.bounding_box()
    assert canvas is not None
    assert canvas["width"] / box["width"] == pytest.approx(3, rel=0.15)
    expect(page.locator("svg.edited g.box")).to_have_count(n_boxes)
