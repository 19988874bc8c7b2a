"""Images and sound over the API: sent, tied to items, and given back."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from predictions.media.terms import MediaRefused
from predictions.models import Item, ItemMedia, MediaFile, QuarantinedItem, Workflow
from predictions.services.media import keep_media
from predictions.services.media_archives import read_archive
from predictions.services.media_previews import make_previews
from tests.factories.media import (
    SECRET,
    image_file,
    make_media_workflow,
    sound_file,
)
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.api.contract import broken_promises

pytestmark = pytest.mark.django_db
Send = Callable[..., Any]
ITEM = {
    "external_id": "p-1",
    "occurred_at": "2026-01-02T08:00:00Z",
    "features": {"amount": 10.0},
}


@pytest.fixture
def live(db: None) -> Workflow:
    return make_media_workflow(now=datetime.now(UTC), slug="live")


@pytest.fixture
def send(client: Client, key: str) -> Send:
    """Send a file as a body, or parts of a form."""

    def request(
        path: str, body: object, content_type: str = "", *, method: str = "POST"
    ) -> Any:  # noqa: ANN401 -- a test response
        options = {"content_type": content_type} if content_type else {}
        answer = getattr(client, method.lower())(
            f"/api/v1/{path}",
            body,
            headers={"Authorization": f"Bearer {key}"},
            **options,
        )
        where = f"/api/v1/{path.partition('?')[0]}"
        assert broken_promises(method, where, answer) == []
        return answer

    return request


def part(data: bytes, name: str = "ada-lovelace.svg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/svg+xml")


def test_an_image_comes_with_its_item_and_is_given_back(send: Send, call: Call) -> None:
    form = {"item": json.dumps(ITEM), "image": part(image_file("JPEG"))}

    answer = send("workflows/live/items", form)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    story = call("GET", "workflows/live/items/p-1").json()
    [media] = story["media"]
    assert (media["slot"], media["kind"], media["status"]) == (
        "image",
        "image",
        "pending",
    )
    assert (media["width"], media["height"]) == (32, 20)
    got = call("GET", f"media/{media['id']}")
    data = b"".join(got)
    assert hashlib.sha256(data).hexdigest() == media["sha256"]
    assert SECRET not in data
    assert got["Content-Type"] == "image/jpeg"
    assert "ada" not in got["Content-Disposition"]


def test_a_worker_makes_smaller_ones(send: Send, call: Call) -> None:
    sent = send("workflows/live/media", image_file(width=200, height=100), "image/png")
    media_id = sent.json()["id"]
    assert call("GET", f"media/{media_id}/thumbnail").status_code == 404

    assert make_previews(clock=timezone.now)
    assert not make_previews(clock=timezone.now)

    small = call("GET", f"media/{media_id}/thumbnail")
    assert (small.status_code, small["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(small)[:2] == b"\xff\xd8"
    assert MediaFile.objects.get().status == "ready"


def test_items_name_what_was_sent_before(send: Send, call: Call) -> None:
    image = send("workflows/live/media", image_file(), "application/octet-stream")
    voice = send("workflows/live/media", {"file": part(sound_file())})
    media = {"image": image.json()["id"], "voice": voice.json()["id"]}

    answer = call("POST", "workflows/live/items", ITEM | {"media": media})

    assert answer.json()["accepted"] == 1
    found = {one.slot: str(one.media_id) for one in ItemMedia.objects.all()}
    assert found == media
    assert Item.objects.get().warnings == []


def test_the_same_content_is_kept_once(send: Send) -> None:
    first = send("workflows/live/media", image_file(), "image/png")
    again = send("workflows/live/media", image_file(), "image/png")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert MediaFile.objects.count() == 1


def test_another_image_under_the_same_external_id_is_a_conflict(
    send: Send, call: Call
) -> None:
    ids = [
        send("workflows/live/media", image_file(seed=seed), "image/png").json()["id"]
        for seed in (1, 2)
    ]
    items = [ITEM | {"media": {"image": pk}} for pk in (ids[0], ids[0], ids[1])]

    answer = call("POST", "workflows/live/items", items).json()

    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    [refused] = answer["quarantined"]
    assert refused["errors"][0]["rule"] == "conflict"
    kept = QuarantinedItem.objects.get().payload
    assert kept["media"] == {"image": ids[1]}


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "rule", "value"),
    [
        (SVG, "media_type", "SVG"),
        (b"<!DOCTYPE html><p>hi", "media_type", "HTML"),
        (sound_file(), "media_type", "WAV"),
        (image_file()[:-30], "unreadable", "it ends too early"),
        (image_file(width=300, height=200), "pixels", 60_000),
        (b"", "empty", 0),
    ],
)
def test_a_file_that_is_not_taken_sends_its_item_to_quarantine(
    send: Send, data: bytes, rule: str, value: object
) -> None:
    form = {"item": json.dumps(ITEM | {"features": {}}), "image": part(data)}

    answer = send("workflows/live/items", form).json()

    assert (answer["accepted"], answer["n_quarantined"]) == (0, 1)
    errors = answer["quarantined"][0]["errors"]
    assert [(one["field"], one["rule"]) for one in errors] == [
        ("amount", "missing"),
        ("media.image", rule),
    ]
    assert errors[1]["value"] == value
    assert errors[1]["detail"].startswith("media.image: ")
    assert MediaFile.objects.count() == 0


def test_sent_alone_it_is_refused_with_rule_and_value(send: Send) -> None:
    answer = send("workflows/live/media", SVG, "image/png")

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "file",
            "rule": "media_type",
            "value": "SVG",
            "detail": "file: this is SVG; the workflow takes audio, image",
        }
    ]


def test_a_slot_names_its_limits_and_what_is_too_large_is_refused(send: Send) -> None:
    assert send("workflows/live/media?slot=nope", b"x", "image/png").status_code == 422
    large = send("workflows/live/media?slot=image", b"x" * 200_001, "image/png")
    assert large.status_code == 413
    sound = send("workflows/live/media?slot=image", sound_file(), "audio/wav")
    assert sound.json()["errors"][0]["rule"] == "media_type"


def test_bad_references_are_named(send: Send, call: Call) -> None:
    voice = send("workflows/live/media", sound_file(), "audio/wav").json()["id"]
    elsewhere = "019a0000-0000-7000-8000-000000000000"
    cases = {
        "kind": {"image": voice},
        "unknown": {"image": elsewhere},
        "type": {"image": 7},
        "unknown_slot": {"nope": elsewhere},
    }

    for rule, media in cases.items():
        one = ITEM | {"external_id": rule, "media": media}
        answer = call("POST", "workflows/live/items", one).json()
        assert [e["rule"] for e in answer["quarantined"][0]["errors"]] == [rule]
    answer = call("POST", "workflows/live/items", ITEM | {"media": "x"}).json()
    assert answer["quarantined"][0]["errors"][0]["field"] == "media"


def test_files_of_another_workflow_are_unknown(send: Send, call: Call) -> None:
    other = make_media_workflow(now=datetime.now(UTC), slug="other")
    media = keep_media(
        workflow=other, data=image_file(), by=None, now=timezone.now()
    ).media
    mine = send("workflows/live/media", image_file(), "image/png")

    assert mine.status_code == 201
    assert call("GET", f"media/{media.pk}").status_code == 404
    one = ITEM | {"media": {"image": str(media.pk)}}
    answer = call("POST", "workflows/live/items", one).json()
    assert answer["quarantined"][0]["errors"][0]["rule"] == "unknown"


def test_scored_at_once_with_its_file(send: Send) -> None:
    form = {"item": json.dumps(ITEM), "image": part(image_file())}

    answer = send("workflows/live/items?wait=score", form)

    assert answer.status_code == 200
    assert answer.json()["results"][0]["status"] == "accepted"
    assert ItemMedia.objects.count() == 1


def test_an_archive_is_taken_in_and_told_of(send: Send, call: Call) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(
            "manifest.ndjson", json.dumps(ITEM | {"media": {"image": "a"}})
        )
        archive.writestr("a", image_file())

    sent = send("workflows/live/archives", target.getvalue(), "application/zip")
    assert (sent.status_code, sent.json()["status"]) == (202, "queued")
    assert read_archive(archive_id=UUID(sent.json()["id"]), clock=timezone.now)

    told = call("GET", f"archives/{sent.json()['id']}").json()
    assert (told["status"], told["accepted"], told["n_rows"]) == ("done", 1, 1)
    form = send("workflows/live/archives", {"file": part(target.getvalue())})
    assert form.status_code == 202


def test_a_removed_file_is_gone_and_says_why(send: Send, call: Call) -> None:
    pk = send("workflows/live/media", image_file(), "image/png").json()["id"]

    assert call("POST", f"media/{pk}/remove", {}).status_code == 422
    removed = call("POST", f"media/{pk}/remove", {"reason": "A face is on it."})
    assert removed.json()["status"] == "removed"
    assert call("POST", f"media/{pk}/remove", {"reason": "again"}).status_code == 409
    gone = call("GET", f"media/{pk}")
    assert gone.status_code == 410
    assert gone.json()["detail"].endswith("A face is on it.")


def test_a_storage_that_is_away_is_said_and_nothing_is_stored(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, content: object) -> str:
        raise OSError(5, "away")

    monkeypatch.setattr(default_storage, "save", away)
    form = {"item": json.dumps(ITEM), "image": part(image_file())}

    answer = send("workflows/live/items", form)

    assert answer.status_code == 503
    assert answer.json()["detail"] == "The media storage does not answer: try again."
    assert (Item.objects.count(), QuarantinedItem.objects.count()) == (0, 0)


def test_a_large_file_goes_on_where_it_stopped(
    client: Client, key: str, send: Send, call: Call
) -> None:
    data = image_file(width=150, height=100)
    begun = call("POST", "workflows/live/uploads", {"n_bytes": len(data)})
    assert begun.status_code == 201
    where = f"uploads/{begun.json()['id']}"

    def add(offset: str, body: bytes) -> Any:  # noqa: ANN401 -- a test response
        answer = client.patch(
            f"/api/v1/{where}",
            body,
            content_type="application/octet-stream",
            headers={"Authorization": f"Bearer {key}", "Upload-Offset": offset},
        )
        assert broken_promises("PATCH", f"/api/v1/{where}", answer) == []
        return answer

    assert add("0", data[:500]).json()["offset"] == 500
    wrong = add("0", data[:500])
    assert (wrong.status_code, wrong["Upload-Offset"]) == (409, "500")
    assert add("x", b"y").status_code == 422
    assert call("GET", where)["Upload-Offset"] == "500"
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.head(f"/api/v1/{where}", headers=bearer)["Upload-Offset"] == "500"
    assert call("POST", f"{where}/complete").status_code == 409
    assert add("500", data[500:]).status_code == 200

    done = call("POST", f"{where}/complete").json()

    assert done["media"] == str(MediaFile.objects.get().pk)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"n_bytes": "9"},
        {"n_bytes": True},
        {"n_bytes": 9, "purpose": "x"},
        {"n_bytes": 9, "sha256": "x"},
        {"n_bytes": 9, "other": 1},
    ],
)
def test_an_upload_that_breaks_rules_is_not_begun(
    call: Call, body: dict[str, object]
) -> None:
    assert call("POST", "workflows/live/uploads", body).status_code == 422


def test_a_file_that_is_there_is_held_against_the_slot_all_the_same() -> None:
    slots = """
[[media]]
name = "large"
kind = "image"

[[media]]
name = "small"
kind = "image"
max_pixels = 100
"""
    workflow = make_media_workflow(now=datetime.now(UTC), slug="sizes", slots=slots)
    media = keep_media(
        workflow=workflow, data=image_file(), by=None, now=timezone.now()
    ).media

    with pytest.raises(MediaRefused) as refused:
        keep_media(
            workflow=workflow,
            data=image_file(),
            by=None,
            now=timezone.now(),
            slot=workflow.declaration.media_slot("small"),
        )
    raw = raw_item(1, now=timezone.now()) | {"media": {"small": str(media.pk)}}
    result = store(workflow, [raw], now=timezone.now())

    assert refused.value.words == "640 pixels are more than the 100 allowed"
    [error] = result.quarantined[0].errors
    assert (error.field, error.rule, error.value) == ("media.small", "pixels", 640)
    assert error.detail == "media.small: 640 pixels are more than the 100 allowed"
