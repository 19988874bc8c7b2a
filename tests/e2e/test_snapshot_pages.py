"""Snapshots in a real browser: counts in place, a build that is watched, a file."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Snapshot
from reviewqueue.services import snapshots
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import build_snapshot
from tests.factories.predictions import make_items

# Playwright keeps an event loop in this thread, where Django would refuse to query.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def opened(
    chromium: Browser,
    live_server: LiveServer,
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    sam: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Page]:
    """Three labelled items, and a browser in which the supervisor is signed in."""
    monkeypatch.setattr(snapshots, "SETTLE_SECONDS", 0.0)
    make_items(workflow, 3, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    news = [OutcomeRow(f"tx-{number}", "fraud", now) for number in range(3)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    client.force_login(sam)
    cookie = client.cookies["sessionid"].value

    def open_page(*, scripts: bool) -> Page:
        context = chromium.new_context(java_script_enabled=scripts)
        context.add_cookies(
            [{"name": "sessionid", "value": cookie, "url": live_server.url}]
        )
        page = context.new_page()
        page.goto(f"{live_server.url}/w/cards/snapshots/new/")
        return page

    return open_page


def build_the_only_one() -> None:
    snapshot = Snapshot.objects.get()
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: datetime.now(UTC))


@pytest.mark.parametrize("scripts", [True, False])
def test_from_counts_to_a_file(
    opened: Callable[..., Page], scripts: bool, tmp_path: Path
) -> None:
    page = opened(scripts=scripts)
    page.get_by_role("button", name="Show counts").click()
    expect(page.get_by_role("heading", name="What it would hold")).to_be_visible()
    assert not Snapshot.objects.exists()
    page.get_by_role("button", name="Build 3 rows").click()
    expect(page.get_by_role("heading", name="Waiting for a worker")).to_be_visible()

    build_the_only_one()
    if not scripts:
        page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="Datasheet")).to_be_visible()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []  # it no longer looks
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 4
    page.context.close()
