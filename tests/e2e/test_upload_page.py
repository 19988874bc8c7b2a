"""The upload page in a real browser: a file goes in, the answer comes back."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from predictions.models import Item
from predictions.services.intake import IntakeResult, store_in_steps
from predictions.views import upload

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


def test_page_tells_what_is_stored_while_the_server_works(
    chromium: Browser,
    live_server: LiveServer,
    client: Client,
    sam: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()

    def slowly(**asked: Any) -> Iterator[IntakeResult]:  # noqa: ANN401 -- as it came
        for result in store_in_steps(**asked):
            yield result
            go_on.wait(20)

    monkeypatch.setattr(upload, "store_in_steps", slowly)
    file = tmp_path / "payments.csv"
    rows = "".join(f"tx-{n},{AT},{5 if n else -5}\n" for n in range(2500))
    file.write_text(f"external_id,occurred_at,amount\n{rows}", encoding="utf-8")
    client.force_login(sam)
    cookie = client.cookies["sessionid"].value
    page = chromium.new_context(viewport={"width": 360, "height": 900}).new_page()
    page.context.add_cookies(
        [{"name": "sessionid", "value": cookie, "url": live_server.url}]
    )

    page.goto(f"{live_server.url}/w/cards/upload/")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()

    expect(page.get_by_text("Stored 1,999, refused 1 so far.")).to_be_visible()
    go_on.set()
    expect(page.get_by_role("heading", name="What became of them")).to_be_visible()
    expect(page.get_by_text("2,499")).to_be_visible()
    assert Item.objects.count() == 2499
    page.context.close()
