"""Files of machines in a real browser: looked at, put right, taken in."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import MachineFailure, SeriesReading, Workflow
from tests.browser import AXE_COLOURS, violations
from tests.e2e.conftest import OpenPage
from tests.factories.series import hour_of, make_series_workflow, send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STEP = timedelta(minutes=5)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


def seen_to_be_fine(page: Page) -> bool:
    """Look with axe in both themes, and see that nothing is wider than the window."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page, AXE_COLOURS) == []
    assert violations(page) == []
    for width in (320, 1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        wide: int = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
    return True


@pytest.mark.parametrize("scripts", [True, False])
def test_readings_are_looked_at_on_a_phone_and_taken_in(
    open_page: OpenPage,
    workflow: Workflow,
    sam: User,
    tmp_path: Path,
    now: datetime,
    scripts: bool,
) -> None:
    start = now - timedelta(days=1)
    lines = [
        f"mill-1,{(start + at * STEP).isoformat()},{999 if at == 2 else 40}"
        for at in range(6)
    ]
    file = tmp_path / "mills.csv"
    file.write_text("\n".join(["Asset,Timestamp,Load", *lines]), encoding="utf-8")
    page = open_page(
        sam,
        "/w/mills/upload/",
        java_script_enabled=scripts,
        viewport={"width": 360, "height": 800},
    )

    page.get_by_label("File of readings").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("nothing is stored yet")).to_be_visible()
    expect(page.get_by_label("Column of the machine")).to_have_value("Asset")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Other column names").fill("Load = torque")
    page.get_by_role("button", name="Look again").click()
    table = page.get_by_role("region", name="Refused rows, table")
    expect(table).to_contain_text("torque: 999 is above the most allowed, 150 Nm")
    if scripts:
        assert seen_to_be_fine(page)
    assert SeriesReading.objects.count() == 0
    page.get_by_role("button", name="Take in").click()
    expect(page.get_by_role("heading", name="What became of them")).to_be_visible()
    assert SeriesReading.objects.count() == 5


@pytest.mark.parametrize("scripts", [True, False])
def test_failures_are_looked_at_on_a_phone_and_taken_in(
    open_page: OpenPage,
    workflow: Workflow,
    sam: User,
    tmp_path: Path,
    now: datetime,
    scripts: bool,
) -> None:
    start = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    send(workflow, hour_of(start, [40.0] * 40), now=now)
    at = (start + timedelta(hours=2)).isoformat()
    file = tmp_path / "stops.csv"
    file.write_text(
        f"machine_id,time,cause\nmill-1,{at},tool\nmill-9,{at},tool\n",
        encoding="utf-8",
    )
    page = open_page(
        sam,
        "/w/mills/alarms/",
        java_script_enabled=scripts,
        viewport={"width": 360, "height": 800},
    )

    page.get_by_role("link", name="Failures", exact=True).click()
    page.get_by_label("File of failures").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    table = page.get_by_role("region", name="Refused rows, table")
    expect(table).to_contain_text("machine: none of that name has sent a reading")
    if scripts:
        assert seen_to_be_fine(page)
    assert MachineFailure.objects.count() == 0
    page.get_by_role("button", name="Take in").click()
    expect(page.get_by_role("heading", name="What became of them")).to_be_visible()
    page.get_by_role("link", name="All failures").click()
    failures = page.get_by_role("region", name="Failures, table")
    expect(failures).to_contain_text("tool")
    if scripts:
        assert seen_to_be_fine(page)
    failures.get_by_text("Withdraw", exact=True).click()
    page.get_by_label("Why is it withdrawn?").fill("The mill beside it.")
    if scripts:
        assert seen_to_be_fine(page)
    page.get_by_role("button", name="Withdraw it").click()
    expect(failures).to_contain_text("The mill beside it.")
    if scripts:
        assert seen_to_be_fine(page)
