"""A technician's round at the keyboard, with the readings on the page."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import Item, ModelVersion, Moments, Workflow
from reviewqueue.models import Decision
from reviewqueue.services.machine_failures import FailureRow, record_failures
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.reading_retention import remove_old_readings
from tests.browser import AXE_COLOURS, violations
from tests.e2e.conftest import OpenPage
from tests.factories.predictions import set_policy
from tests.factories.series import (
    DECLARATION,
    hour_of,
    make_series_champion,
    make_series_workflow,
    send,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MINUTES = timedelta(minutes=1)
HUMP = [40.0, 42, 39, 41, 40, 44, 38, 40, 41, 40, 85, 84, 39, 42]  # till 9:05


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


@pytest.fixture
def start(now: datetime) -> datetime:
    day = (now - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    return day.replace(hour=8)


@pytest.fixture
def alarms(workflow: Workflow, now: datetime, start: datetime) -> ModelVersion:
    """Two mills with too much torque; of what passes nothing is drawn for people."""
    champion = make_series_champion(workflow, now=now)
    set_policy(workflow, now=now, mode="above", low=0.5, audit_share=1e-9)
    for machine in ("mill-1", "mill-2"):
        send(workflow, hour_of(start, HUMP, machine=machine), now=now)
    process_batch(workflow=workflow, limit=50, now=now)
    return champion


def shown(page: Page) -> str:
    return page.locator("#desk .title .chip.mono").inner_text()


def test_a_technician_looks_at_the_readings_and_calls_with_keys_alone(
    open_page: OpenPage, alarms: ModelVersion, alice: User
) -> None:
    page = open_page(alice, "/w/mills/review/")
    torque = page.get_by_role("img", name="Torque: 12 readings")
    expect(torque).to_be_visible()
    expect(torque).to_have_accessible_name(
        "Torque: 12 readings, the last 84.0 Nm at 08:55; least 38.0 Nm at 08:30, most "
        "85.0 Nm at 08:50; mark 1, 08:50 to 09:00, spoke for the recommendation"
    )
    expect(page.get_by_label("Moments that moved the score")).to_contain_text(
        "Torque, 08:50 to 09:00"
    )
    assert violations(page) == []
    first = shown(page)

    page.keyboard.press("Tab")  # the table is there without a mouse, too
    table = page.get_by_text("The same as a table")
    table.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Readings, table")).to_contain_text("85.0")
    page.locator("main").focus()
    page.keyboard.press("c")
    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(first)
    second = shown(page)
    page.keyboard.press("1")
    expect(page.locator("#desk")).to_contain_text("All done")

    found = {one.item.external_id: one for one in Decision.objects.all()}
    assert (found[first].verdict, found[first].label) == ("confirm", "failure")
    assert (found[second].verdict, found[second].label) == ("override", "running")
    assert {first.split("@")[0], second.split("@")[0]} == {"mill-1", "mill-2"}
    assert Moments.objects.count() == 2


def test_a_supervisor_sees_what_alarms_were_worth(
    open_page: OpenPage,
    workflow: Workflow,
    alarms: ModelVersion,
    sam: User,
    start: datetime,
    now: datetime,
) -> None:
    record_failures(
        workflow=workflow,
        rows=[FailureRow("mill-1", start + 90 * MINUTES, "load")],
        complete_until=start + 300 * MINUTES,
        by=None,
        now=now,
    )

    page = open_page(sam, "/w/mills/alarms/")

    # A stop of 900 that was prevented, and two visits of 60: one for nothing.
    expect(page.get_by_role("region", name="Alarms and costs, table")).to_contain_text(
        "780 EUR"
    )
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page, AXE_COLOURS) == []
    assert violations(page) == []


def test_an_old_item_says_that_its_readings_were_removed(
    open_page: OpenPage, sam: User, now: datetime
) -> None:
    kept = DECLARATION.replace("visit_cost = 60", "visit_cost = 60\nkeep_days = 1")
    workflow = make_series_workflow(now=now, source=kept)
    send(workflow, hour_of(now - timedelta(days=9), HUMP), now=now - timedelta(days=8))
    assert remove_old_readings(workflow=workflow, now=now) == len(HUMP)
    item = Item.objects.order_by("pk")[0]

    page = open_page(
        sam, f"/w/mills/items/{item.pk}/", viewport={"width": 360, "height": 800}
    )

    readings = page.get_by_role("region", name="Readings of the machine")
    expect(readings).to_contain_text(f"were removed on {now:%-d %B %Y}")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page, AXE_COLOURS) == []
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
