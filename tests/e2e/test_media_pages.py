"""Images, sound and archives in a real browser."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from predictions.models import Item, MediaArchive, Workflow
from predictions.services.media_archives import read_archive
from tests.factories.accounts import member
from tests.factories.media import (
    image_file,
    make_media_workflow,
    media_row,
    sound_file,
)
from tests.factories.predictions import raw_item, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PLAYED_FROM_ITS_MIDDLE = """one => new Promise((done, fail) => {
  one.muted = true;
  one.addEventListener("ended", () => done(one.duration));
  one.addEventListener("error", () => fail(one.error));
  one.currentTime = 1.2;
  one.play().catch(fail);
})"""
Open = Callable[..., Page]


@pytest.fixture
def parts(transactional_db: None) -> Workflow:
    return make_media_workflow(now=datetime.now(UTC))


@pytest.fixture
def chief(parts: Workflow) -> User:
    """A supervisor."""
    return member(parts.scope, Role.SUPERVISOR, username="chief")


def archive(folder: Path) -> Path:
    target = io.BytesIO()
    now = datetime.now(UTC)
    rows = [raw_item(n, now=now) | {"media": {"image": f"{n}.png"}} for n in (1, 2)]
    with zipfile.ZipFile(target, "w") as zipped:
        zipped.writestr("manifest.ndjson", b"\n".join(map(orjson.dumps, rows)))
        zipped.writestr("1.png", image_file())
    file = folder / "parts.zip"
    file.write_bytes(target.getvalue())
    return file


@pytest.mark.parametrize("scripts", [True, False])
def test_an_archive_is_sent_and_its_page_tells_how_far_it_is(
    open_page: Open, chief: User, tmp_path: Path, scripts: bool
) -> None:
    page = open_page(chief, "/w/parts/upload/", java_script_enabled=scripts)
    page.get_by_label("File", exact=True).set_input_files(archive(tmp_path))
    page.get_by_role("button", name="Upload", exact=True).click()

    expect(page.get_by_role("heading", name="Waiting for a worker")).to_be_visible()
    sent = MediaArchive.objects.get()
    assert page.url.endswith(f"/w/parts/archives/{sent.pk}/")
    assert read_archive(archive_id=sent.pk, clock=timezone.now)
    if not scripts:
        page.get_by_role("link", name="Refresh").click()

    expect(page.get_by_role("heading", name="What became of its rows")).to_be_visible()
    expect(page.get_by_text("“2.png” is not in the archive")).to_be_visible()
    assert Item.objects.get().media.count() == 1


def test_images_are_drawn_and_sound_can_be_played(
    open_page: Open, parts: Workflow, chief: User
) -> None:
    now = datetime.now(UTC)
    image = media_row(parts, image_file(width=180, height=120), now=now)
    sound = media_row(parts, sound_file(1.5), now=now)
    has = {"image": str(image.pk), "voice": str(sound.pk)}
    store(parts, [raw_item(1, now=now) | {"media": has}], now=now)
    page = open_page(chief, f"/w/parts/items/{Item.objects.get().pk}/")

    picture = page.get_by_role("img", name="Part of tx-1")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 180
    player = page.get_by_label("Voice of tx-1")
    assert player.evaluate(PLAYED_FROM_ITS_MIDDLE) == 1.5

    page.get_by_role("link", name="full size").click()
    assert page.url.endswith(f"/w/parts/media/{image.pk}/")
