"""The file for pages: who gets it, in parts, from the cache, and when it is gone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.enums import Role
from accounts.models import User
from predictions.models import (
    Item,
    ItemMedia,
    MediaFile,
    QuarantinedItem,
    Workflow,
)
from predictions.services.media_storage import read
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import member
from tests.factories.media import (
    image_file,
    make_media_workflow,
    media_row,
    sound_file,
    stored,
)
from tests.factories.predictions import raw_item, store

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def workflow(db: None) -> Workflow:
    return make_media_workflow(now=AT)


@pytest.fixture
def media(workflow: Workflow) -> MediaFile:
    return media_row(workflow, now=AT)


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def url(media: MediaFile, rest: str = "") -> str:
    return f"/w/parts/media/{media.pk}/{rest}"


def body(answer: HttpResponse) -> bytes:
    return b"".join(answer)


def test_whole_file_with_headers_that_keep_it_private(
    as_alice: Client, media: MediaFile
) -> None:
    answer = as_alice.get(url(media))

    assert body(answer) == read(media.storage_name)
    assert answer["Content-Length"] == str(media.n_bytes)
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy
    assert policy.endswith("; sandbox")
    assert answer["Content-Disposition"] == f'inline; filename="{media.pk}.png"'
    assert answer["ETag"] == f'"{media.sha256}"'
    assert answer["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-9", slice(0, 10), "bytes 0-9/{n}"),
        ("bytes=10-", slice(10, None), "bytes 10-{last}/{n}"),
        ("bytes=-7", slice(-7, None), "bytes {minus7}-{last}/{n}"),
        ("bytes=5-999999", slice(5, None), "bytes 5-{last}/{n}"),
    ],
)
def test_a_part_of_it(
    as_alice: Client, media: MediaFile, asked: str, part: slice, told: str
) -> None:
    answer = as_alice.get(url(media), headers={"Range": asked})

    n = media.n_bytes
    assert answer.status_code == 206
    assert answer["Content-Range"] == told.format(n=n, last=n - 1, minus7=n - 7)
    expected = read(media.storage_name)[part]
    assert body(answer) == expected
    assert answer["Content-Length"] == str(len(expected))


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=-", "items=0-1", "bytes=9-3", "bytes=a-b"]
)
def test_parts_that_are_not_read_give_the_whole(
    as_alice: Client, media: MediaFile, asked: str
) -> None:
    answer = as_alice.get(url(media), headers={"Range": asked})

    assert (answer.status_code, len(body(answer))) == (200, media.n_bytes)


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
def test_a_part_beyond_the_end_is_416(
    as_alice: Client, media: MediaFile, asked: str
) -> None:
    answer = as_alice.get(url(media), headers={"Range": asked})

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{media.n_bytes}"


def test_what_the_browser_has_is_not_sent_again(
    as_alice: Client, media: MediaFile
) -> None:
    tag = f'"{media.sha256}"'
    same = as_alice.get(url(media), headers={"If-None-Match": f'"x", {tag}'})
    assert (same.status_code, same.content) == (304, b"")

    asked = {"Range": "bytes=0-1", "If-Range": tag}
    assert len(body(as_alice.get(url(media), headers=asked))) == 2
    asked["If-Range"] = '"of another file"'
    assert len(body(as_alice.get(url(media), headers=asked))) == media.n_bytes


def test_smaller_ones_and_the_peaks_of_a_sound(
    as_alice: Client, workflow: Workflow, media: MediaFile
) -> None:
    sound = media_row(workflow, sound_file(), now=AT)

    preview = as_alice.get(url(media, "preview/"))
    peaks = as_alice.get(url(sound, "waveform/"))

    assert (preview["Content-Type"], preview.status_code) == ("image/jpeg", 200)
    assert body(preview)[:2] == b"\xff\xd8"
    assert max(peaks.json()["peaks"]) == pytest.approx(0.5, abs=0.01)
    assert as_alice.get(url(media, "waveform/")).status_code == 404
    assert as_alice.get(url(media, "other/")).status_code == 404


def test_nobody_else_learns_that_it_is_there(
    client: Client, mallory: User, media: MediaFile
) -> None:
    assert client.get(url(media)).status_code == 302
    client.force_login(mallory)
    assert client.get(url(media)).status_code == 404


def test_a_role_in_one_workflow_opens_no_file_of_another(
    client: Client, media: MediaFile
) -> None:
    other = make_media_workflow(now=AT, slug="others")
    stranger = member(other.scope, Role.SUPERVISOR, username="stranger")
    client.force_login(stranger)

    assert client.get(url(media)).status_code == 404
    assert client.get(f"/w/others/media/{media.pk}/").status_code == 404


def test_what_is_on_its_way_is_not_there(as_alice: Client, media: MediaFile) -> None:
    MediaFile.objects.filter(pk=media.pk).update(status="storing", file="")

    assert as_alice.get(url(media)).status_code == 404


def test_what_was_removed_says_when_and_why(as_alice: Client, media: MediaFile) -> None:
    MediaFile.objects.filter(pk=media.pk).update(
        status="removed", file="", removed_at=AT, removed_why="A face is on it."
    )

    answer = as_alice.get(url(media))

    assert answer.status_code == 410
    assert answer.content.decode() == (
        "It was removed on 2026-03-02 09:00 UTC: A face is on it."
    )


def test_a_storage_that_is_away_is_a_503(
    as_alice: Client, media: MediaFile, settings: LazySettings
) -> None:
    Path(settings.MEDIA_ROOT, media.storage_name).unlink()

    answer = as_alice.get(url(media))

    assert answer.status_code == 503


def test_a_removal_by_a_page_needs_the_right_and_leads_back(
    client: Client, alice: User, sam: User, workflow: Workflow, media: MediaFile
) -> None:
    raw = raw_item(1, now=AT) | {"media": {"image": str(media.pk)}}
    store(workflow, [raw], now=AT)
    item = Item.objects.get()
    form = {"reason": "A face is on it.", "item": str(item.pk)}
    client.force_login(alice)
    assert client.post(url(media, "remove/"), form).status_code == 403
    assert b"Remove it for good" not in client.get(f"/w/parts/items/{item.pk}/").content

    client.force_login(sam)
    page = client.get(f"/w/parts/items/{item.pk}/").content.decode()
    assert "Remove it for good" in page
    answer = client.post(url(media, "remove/"), form)

    assert answer["Location"] == f"/w/parts/items/{item.pk}/"
    media.refresh_from_db()
    assert (media.status, media.removed_by) == ("removed", sam)
    page = client.get(f"/w/parts/items/{item.pk}/").content.decode()
    assert "A face is on it." in page
    assert "<img" not in page.partition("<main")[2]
    again = client.post(url(media, "remove/"), {"reason": "x", "item": "no id"})
    assert again["Location"] == "/w/parts/items/"


def test_pages_show_the_image_with_words_and_the_sound_with_controls(
    as_alice: Client, workflow: Workflow, media: MediaFile
) -> None:
    sound = media_row(workflow, sound_file(), now=AT)
    has = {"image": str(media.pk), "voice": str(sound.pk)}
    store(workflow, [raw_item(1, now=AT) | {"media": has}], now=AT)
    process_batch(workflow=workflow, limit=9, now=AT)
    item = Item.objects.get()

    for page in (f"/w/parts/items/{item.pk}/", "/w/parts/review/"):
        html = as_alice.get(page).content.decode()
        assert f'src="{url(media)}preview/" alt="Part of tx-1"' in html
        assert f'href="{url(media)}"' in html
        assert f'<audio controls preload="metadata" src="{url(sound)}"' in html
        assert "WAV, 0.5 s, 8 kHz, mono, 8.0 kB" in html
        assert 'data-media-slot="image"' in html
    listed = as_alice.get("/w/parts/items/").content.decode()
    assert f'src="{url(media)}thumbnail/"' in listed


def test_before_there_is_a_preview_the_file_stands_in(
    as_alice: Client, workflow: Workflow
) -> None:
    media = stored(workflow, now=AT)
    raw = raw_item(1, now=AT) | {"media": {"image": str(media.pk)}}
    store(workflow, [raw], now=AT)

    html = as_alice.get(f"/w/parts/items/{Item.objects.get().pk}/").content.decode()

    assert f'src="{url(media)}" alt="Part of tx-1" width="32" height="20"' in html


def test_lists_ask_as_often_for_three_as_for_one(
    as_alice: Client,
    workflow: Workflow,
    media: MediaFile,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    has = {"media": {"image": str(media.pk)}}
    store(workflow, [raw_item(0, now=AT) | has], now=AT)
    with CaptureQueriesContext(connection) as one:
        as_alice.get("/w/parts/items/")
    store(workflow, [raw_item(n, now=AT) | has for n in (1, 2)], now=AT)

    with django_assert_num_queries(len(one)):
        as_alice.get("/w/parts/items/")


def test_a_refused_file_is_replaced_in_quarantine(
    client: Client, sam: User, workflow: Workflow
) -> None:
    client.force_login(sam)
    raw = raw_item(1, now=AT) | {"media": {"nope": "x"}}
    store(workflow, [raw], now=AT)
    one = QuarantinedItem.objects.get()
    where = f"/w/parts/quarantine/{one.pk}/"
    assert 'name="m-image"' in client.get(where).content.decode()
    form = {
        "external_id": "tx-1",
        "occurred_at": AT.isoformat(),
        "f-amount": "5",
    }

    bad = SimpleUploadedFile("x.png", b"<svg/>")
    refused = client.post(where, form | {"m-image": bad})
    assert refused.status_code == 422
    assert "this is SVG" in refused.content.decode()
    QuarantinedItem.objects.filter(pk=one.pk).update(
        payload=raw_item(1, now=AT) | {"media": {}}
    )
    good = SimpleUploadedFile("x.png", image_file())
    answer = client.post(where, form | {"m-image": good})

    assert answer.status_code == 302
    assert ItemMedia.objects.get().slot == "image"
