"""The upload page in a real browser: a file goes in, the answer comes back."""

import os
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from predictions.models import Item

# Playwright keeps an event loop in this thread, where Django would refuse to query.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AT = "2026-03-02T08:00:00+00:00"


def test_file_is_sent_with_progress_and_answered_in_place(
    chromium: Browser,
    live_server: LiveServer,
    client: Client,
    sam: User,
    tmp_path: Path,
) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(
        f"external_id,occurred_at,amount\ntx-1,{AT},5\ntx-2,{AT},-5\n", encoding="utf-8"
    )
    client.force_login(sam)
    cookie = client.cookies["sessionid"].value
    page = chromium.new_context(viewport={"width": 1100, "height": 900}).new_page()
    page.context.add_cookies(
        [{"name": "sessionid", "value": cookie, "url": live_server.url}]
    )
    problems: list[str] = []
    page.on("console", lambda one: problems.append(one.text))

    page.goto(f"{live_server.url}/w/cards/upload/")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()

    expect(page.get_by_role("heading", name="What became of them")).to_be_visible()
    expect(page.get_by_role("cell", name="tx-2")).to_be_visible()
    assert Item.objects.count() == 1
    assert problems == []
    page.context.close()
