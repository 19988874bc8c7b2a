"""Archives of items with their files: read row by row, by worker after worker."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import IO, Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from predictions.models import (
    Item,
    ItemMedia,
    MediaArchive,
    MediaFile,
    QuarantinedItem,
    Workflow,
)
from predictions.services import media_archives, media_storage
from predictions.services.intake import store_chunk
from predictions.services.media_archives import (
    MAX_ATTEMPTS,
    erase_read,
    keep_archive,
    read_archive,
    waiting_archives,
)
from predictions.services.media_storage import MediaUnavailable
from tests.factories.media import image_file, make_media_workflow, sound_file
from tests.factories.predictions import raw_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_media_workflow(now=now)


def rows(*media: object, now: datetime) -> str:
    items = [
        raw_item(number, now=now) | ({"media": one} if one else {})
        for number, one in enumerate(media)
    ]
    return "\n".join(json.dumps(one) for one in items)


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def read(
    workflow: Workflow, data: bytes, *, now: datetime, expect: str = "done"
) -> MediaArchive:
    archive = keep_archive(
        workflow=workflow, content=ContentFile(data, name="x"), by=None, now=now
    )
    assert default_storage.exists(archive.storage_name)
    assert read_archive(archive_id=archive.pk, clock=lambda: now)
    archive.refresh_from_db()
    assert archive.status == expect, archive.failure
    assert not default_storage.exists(archive.storage_name)
    return archive


def rules(number: int) -> list[tuple[str, str]]:
    entry = QuarantinedItem.objects.get(external_id=f"tx-{number}")
    return [(one["field"], one["rule"]) for one in entry.errors]


def test_items_come_with_their_files(workflow: Workflow, now: datetime) -> None:
    media = [{"image": "a/1.png", "voice": "1.wav"}, {"image": "a/1.png"}, None]
    files = {
        "manifest.ndjson": rows(*media, now=now),
        "a/1.png": image_file(),
        "1.wav": sound_file(),
        "not-named.svg": "<svg/>",
    }

    archive = read(workflow, zipped(files), now=now)

    assert (archive.n_rows, archive.n_done, archive.accepted) == (3, 3, 3)
    assert ItemMedia.objects.count() == 3
    assert MediaFile.objects.count() == 2
    assert set(Item.objects.values_list("source", flat=True)) == {"archive"}


def test_a_table_has_a_column_for_each_slot(workflow: Workflow, now: datetime) -> None:
    at = (now - timedelta(minutes=1)).isoformat()
    table = (
        f"external_id,occurred_at,amount,image,media.voice\n"
        f"tx-1,{at},5,1.png,1.wav\ntx-2,{at},6,,\n"
    )
    files = {"manifest.csv": table, "1.png": image_file(), "1.wav": sound_file()}

    archive = read(workflow, zipped(files), now=now)

    assert archive.accepted == 2
    item = Item.objects.get(external_id="tx-1")
    assert {one.slot for one in item.media.all()} == {"image", "voice"}
    assert item.warnings == []


def test_each_row_answers_for_its_own_files(workflow: Workflow, now: datetime) -> None:
    media = [
        {"image": "missing.png"},
        {"image": "../../etc/passwd"},
        {"image": "script.svg"},
        {"image": "big.png"},
        {"image": 7},
        {"nope": "fine.png"},
        {"image": "fine.png"},
    ]
    files = {
        "manifest.ndjson": rows(*media, now=now),
        "script.svg": "<svg/>",
        "big.png": b"\x89PNG\r\n\x1a\n" + bytes(50_000_000),
        "fine.png": image_file(),
    }
    data = zipped(files)
    assert len(data) < 100_000

    archive = read(workflow, data, now=now)

    assert (archive.accepted, archive.n_quarantined) == (1, 6)
    assert [rules(number)[0][1] for number in range(6)] == [
        "no_file",
        "no_file",
        "media_type",
        "bytes",
        "type",
        "unknown_slot",
    ]
    assert [one["index"] for one in archive.refused] == list(range(6))
    assert archive.refused[0]["errors"][0]["detail"] == (
        "media.image: “missing.png” is not in the archive"
    )


def test_a_name_that_stands_twice_is_refused(workflow: Workflow, now: datetime) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.ndjson", rows({"image": "1.png"}, now=now))
        archive.writestr("1.png", image_file(seed=1))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("1.png", image_file(seed=2))

    read(workflow, target.getvalue(), now=now)

    assert rules(0) == [("media.image", "twice")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 and nothing else", "no ZIP"),
        (zipped({"a.png": b""}), "needs one manifest"),
        (zipped({"manifest.csv": "", "manifest.ndjson": ""}), "needs one manifest"),
        (zipped({"manifest.csv": "a,b\n1,2\n"}), "external_id"),
    ],
)
def test_what_is_no_archive_fails_and_says_why(
    workflow: Workflow, now: datetime, data: bytes, words: str
) -> None:
    archive = read(workflow, data, now=now, expect="failed")

    assert words in archive.failure


def test_a_directory_too_large_for_memory_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    data = bytearray(zipped({"manifest.ndjson": ""}))
    data[-10:-6] = (2**31).to_bytes(4, "little")  # the directory's size

    archive = read(workflow, bytes(data), now=now, expect="failed")

    assert "more than 100,000 files" in archive.failure


def test_a_large_directory_that_the_end_does_not_own_up_to_is_refused(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of ZIP64 believes a second record, whatever the first one says."""
    data = zipped({"manifest.ndjson": ""})
    end = data.rindex(b"PK\5\6")
    n_bytes, offset = struct.unpack("<II", data[end + 12 : end + 20])
    n_more = 5_000_000
    record = struct.pack(
        "<IQHHIIQQQQ",
        0x06064B50,
        44,
        45,
        45,
        0,
        0,
        1,
        1,
        n_bytes + n_more,
        offset,
    )
    locator = struct.pack("<IIQI", 0x07064B50, 0, end + n_more, 1)
    forged = data[:end] + bytes(n_more) + record + locator + data[end:]
    monkeypatch.setattr("predictions.intake.archives.MAX_DIRECTORY_BYTES", n_more)

    archive = read(workflow, forged, now=now, expect="failed")

    assert "more than 100,000 files" in archive.failure


def test_more_files_than_the_end_owns_up_to_are_refused(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictions.intake.archives.MAX_FILES", 3)
    data = bytearray(zipped({"manifest.ndjson": "", "1": "", "2": "", "3": ""}))
    end = data.rindex(b"PK\5\6")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)

    archive = read(workflow, bytes(data), now=now, expect="failed")

    assert "more than 3 files" in archive.failure


def test_the_same_again_stores_nothing_twice(workflow: Workflow, now: datetime) -> None:
    files = {
        "manifest.ndjson": rows({"image": "1.png"}, now=now),
        "1.png": image_file(),
    }

    read(workflow, zipped(files), now=now)
    again = read(workflow, zipped(files), now=now)

    assert (again.accepted, again.duplicates) == (0, 1)


class Died(BaseException):
    """What no code of ours catches."""


def test_another_worker_goes_on_where_the_first_one_died(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictions.intake.archives.CHUNK_ROWS", 2)
    files = {"manifest.ndjson": rows(*[None] * 7, now=now)}
    archive = keep_archive(
        workflow=workflow, content=ContentFile(zipped(files)), by=None, now=now
    )
    real, calls = store_chunk, []

    def third_kills(**options: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Died
        real(**options)

    monkeypatch.setattr(media_archives, "store_chunk", third_kills)
    with pytest.raises(Died):
        read_archive(archive_id=archive.pk, clock=lambda: now)
    assert waiting_archives(now=now) == []
    assert not read_archive(archive_id=archive.pk, clock=lambda: now)
    later = now + timedelta(minutes=4)
    assert waiting_archives(now=later) == [archive.pk]
    assert read_archive(archive_id=archive.pk, clock=lambda: later)

    archive.refresh_from_db()
    assert (archive.status, archive.n_done, archive.accepted) == ("done", 7, 7)
    assert (archive.duplicates, Item.objects.count()) == (0, 7)


def test_storage_that_is_away_for_a_day_costs_no_archive(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"manifest.ndjson": rows(None, None, now=now)}
    archive = keep_archive(
        workflow=workflow, content=ContentFile(zipped(files)), by=None, now=now
    )
    opened = media_storage.opened

    def away(name: str) -> IO[Any]:
        raise MediaUnavailable

    monkeypatch.setattr(media_storage, "opened", away)
    moment = now
    for _ in range(2 * MAX_ATTEMPTS):
        moment += timedelta(minutes=30)
        assert not read_archive(archive_id=archive.pk, clock=lambda at=moment: at)
    monkeypatch.setattr(media_storage, "opened", opened)
    moment += timedelta(minutes=30)

    assert waiting_archives(now=moment) == [archive.pk]
    assert read_archive(archive_id=archive.pk, clock=lambda: moment)
    archive.refresh_from_db()
    assert (archive.status, archive.accepted) == ("done", 2)


def test_what_never_came_whole_is_erased(workflow: Workflow, now: datetime) -> None:
    archive = keep_archive(
        workflow=workflow, content=ContentFile(b"x"), by=None, now=now
    )
    MediaArchive.objects.filter(pk=archive.pk).update(status="storing", file="")

    assert erase_read(now=now) == 0
    assert erase_read(now=now + timedelta(hours=2)) == 1

    assert not MediaArchive.objects.exists()
    assert not default_storage.exists(archive.storage_name)
