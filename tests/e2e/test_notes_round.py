"""A round at the keyboard over notes: words that moved the score, and a marked name."""

import os
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Decision
from reviewqueue.services.pipeline import process_batch
from tests.browser import violations
from tests.e2e.conftest import OpenPage
from tests.factories.notes import (
    MISSED,
    NOTE,
    PLANTED,
    make_notes,
    make_notes_champion,
    note,
)
from tests.factories.predictions import set_policy, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/w/case-notes/review/"


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_notes(now=now)


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    return make_notes_champion(workflow, now=now)


def test_reader_marks_a_name_and_decides_with_keys_alone(
    open_page: OpenPage,
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, mode="all", blind_share=0, second_opinion_share=0)
    store(workflow, [note(1, now=now, text="\U0001f600\r\n" + NOTE)], now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    page = open_page(alice, DESK)
    text = page.locator("[data-passage=note]")
    expect(text.locator("mark.moved.for").first).to_be_visible()
    for secret in PLANTED.values():
        expect(page.locator("body")).not_to_contain_text(secret)
    if folder := os.environ.get("SHOTS"):
        for theme in ("light", "dark"):
            for width in (390, 1280):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(
                    path=Path(folder, f"desk-{theme}-{width}.png"), full_page=True
                )
    assert violations(page) == []

    page.keyboard.press("w")
    expect(page.locator(".moved-words")).to_be_hidden()
    page.keyboard.press("w")
    page.keyboard.press("b")
    expect(text).to_be_focused()
    said = page.locator("[data-span-said]")
    for _ in range(80):
        page.keyboard.press("ArrowRight")
        if said.inner_text() == MISSED:
            break
    page.keyboard.press("Enter")
    expect(said).to_contain_text(f"{MISSED}, person")
    page.keyboard.press("c")
    expect(page.locator("body")).to_contain_text("Every case is decided")

    decision = Decision.objects.get()
    assert (decision.verdict, decision.corrected) == ("override", ["personal"])
    sent = "\U0001f600\r\n" + NOTE
    spans = (decision.fields or {})["personal"]
    marked = {sent[one["start"] : one["end"]]: one["class"] for one in spans}
    assert marked == {value: key for key, value in PLANTED.items()} | {MISSED: "person"}

    page.goto(f"/w/case-notes/items/{decision.item_id}/")
    expect(page.locator("[data-passage=note]")).to_contain_text("chest pain")
    expect(page.locator("body")).not_to_contain_text(MISSED)
    assert violations(page) == []
