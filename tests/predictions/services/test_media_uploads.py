"""Large files in parts: where they go on, what they become, and when they go."""

import hashlib
import io
import zipfile
from datetime import datetime, timedelta

import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage

from predictions.enums import UploadPurpose
from predictions.models import (
    MediaArchive,
    MediaUpload,
    MediaUploadPart,
    QuarantinedItem,
    Workflow,
)
from predictions.services import media_storage
from predictions.services.media_archives import (
    erase_read,
    read_archive,
    waiting_archives,
)
from predictions.services.media_uploads import (
    UploadRefused,
    UploadTerms,
    WrongOffset,
    add_part,
    begin_upload,
    complete_upload,
    drop_expired,
)
from tests.factories.media import image_file, make_media_workflow

pytestmark = pytest.mark.django_db
IMAGE = image_file(width=150, height=100)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_media_workflow(now=now)


def begin(
    workflow: Workflow, data: bytes = IMAGE, *, now: datetime, sha256: str = ""
) -> MediaUpload:
    terms = UploadTerms(UploadPurpose.MEDIA, len(data), sha256, "image")
    return begin_upload(workflow=workflow, terms=terms, by=None, now=now)


def lying() -> list[bool]:
    names = [part.storage_name for part in MediaUploadPart.objects.all()]
    return [default_storage.exists(name) for name in names]


def test_parts_become_the_file(workflow: Workflow, now: datetime) -> None:
    upload = begin(workflow, now=now, sha256=hashlib.sha256(IMAGE).hexdigest())
    for offset in range(0, len(IMAGE), 1000):
        part = IMAGE[offset : offset + 1000]
        upload = add_part(upload=upload, offset=offset, data=part)
    assert all(lying())

    whole = complete_upload(upload=upload, by=None, now=now)

    assert whole.media is not None
    assert (whole.media.width, whole.media.source_sha256) == (150, upload.sha256)
    assert MediaUploadPart.objects.count() == 0
    assert complete_upload(upload=whole, by=None, now=now).media_id == whole.media_id


def test_a_part_begins_where_the_upload_ends(workflow: Workflow, now: datetime) -> None:
    upload = add_part(upload=begin(workflow, now=now), offset=0, data=IMAGE[:100])

    for offset in (0, 99, 101):
        with pytest.raises(WrongOffset) as refused:
            add_part(upload=upload, offset=offset, data=b"x")
        assert refused.value.offset == 100
    with pytest.raises(WrongOffset):
        complete_upload(upload=upload, by=None, now=now)
    for data in (b"", IMAGE):
        with pytest.raises(UploadRefused):
            add_part(upload=upload, offset=100, data=data)


def test_of_two_that_add_the_same_part_one_counts(
    workflow: Workflow, now: datetime
) -> None:
    first = begin(workflow, now=now)
    stale = MediaUpload.objects.get()
    add_part(upload=first, offset=0, data=IMAGE[:100])

    with pytest.raises(WrongOffset) as refused:
        add_part(upload=stale, offset=0, data=IMAGE[:100])

    assert refused.value.offset == 100
    assert lying() == [True]


def test_another_hash_than_was_said_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    upload = begin(workflow, now=now, sha256="0" * 64)
    upload = add_part(upload=upload, offset=0, data=IMAGE)

    with pytest.raises(UploadRefused) as refused:
        complete_upload(upload=upload, by=None, now=now)

    [error] = refused.value.errors
    assert (error.rule, error.value) == ("mismatch", hashlib.sha256(IMAGE).hexdigest())


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (UploadTerms(UploadPurpose.MEDIA, 0), "n_bytes"),
        (UploadTerms(UploadPurpose.MEDIA, 200_001, slot="image"), "n_bytes"),
        (UploadTerms(UploadPurpose.ARCHIVE, 2**31), "n_bytes"),
        (UploadTerms(UploadPurpose.MEDIA, 9, slot="nope"), "slot"),
    ],
)
def test_terms_that_break_rules(
    workflow: Workflow, now: datetime, terms: UploadTerms, field: str
) -> None:
    with pytest.raises(UploadRefused) as refused:
        begin_upload(workflow=workflow, terms=terms, by=None, now=now)
    assert [error.field for error in refused.value.errors] == [field]


def test_an_archive_comes_in_parts_too(workflow: Workflow, now: datetime) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.ndjson", "")
    data = target.getvalue()
    terms = UploadTerms(UploadPurpose.ARCHIVE, len(data))
    upload = begin_upload(workflow=workflow, terms=terms, by=None, now=now)
    upload = add_part(upload=upload, offset=0, data=data)

    whole = complete_upload(upload=upload, by=None, now=now)

    assert whole.archive is not None
    with default_storage.open(whole.archive.storage_name) as stored:
        assert stored.read() == data


def archive_in_parts(workflow: Workflow, *, now: datetime) -> MediaUpload:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.ndjson", "{}\n")
    data = target.getvalue()
    terms = UploadTerms(UploadPurpose.ARCHIVE, len(data))
    upload = begin_upload(workflow=workflow, terms=terms, by=None, now=now)
    upload = add_part(upload=upload, offset=0, data=data[:50])
    return add_part(upload=upload, offset=50, data=data[50:])


def test_of_two_that_complete_it_at_once_one_archive_is_read(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = archive_in_parts(workflow, now=now)
    other = MediaUpload.objects.get(pk=upload.pk)
    real, told = media_storage.write_file, []

    def and_meanwhile(name: str, content: "File[bytes]") -> None:
        monkeypatch.setattr(media_storage, "write_file", real)
        told.append(complete_upload(upload=other, by=None, now=now))
        real(name, content)

    monkeypatch.setattr(media_storage, "write_file", and_meanwhile)
    whole = complete_upload(upload=upload, by=None, now=now)

    assert whole.archive_id == told[0].archive_id
    assert waiting_archives(now=now) == [whole.archive_id]
    assert read_archive(archive_id=whole.archive_id, clock=lambda: now)
    assert QuarantinedItem.objects.count() == 1
    erase_read(now=now + timedelta(hours=2))
    assert MediaArchive.objects.count() == 1


def test_who_completes_it_while_its_parts_go_is_told_what_it_became(
    workflow: Workflow, now: datetime
) -> None:
    upload = archive_in_parts(workflow, now=now)
    other = MediaUpload.objects.get(pk=upload.pk)
    whole = complete_upload(upload=upload, by=None, now=now)

    told = complete_upload(upload=other, by=None, now=now)

    assert told.archive_id == whole.archive_id
    assert MediaArchive.objects.count() == 1


def test_what_is_not_finished_goes_after_a_day(
    workflow: Workflow, now: datetime
) -> None:
    upload = add_part(upload=begin(workflow, now=now), offset=0, data=IMAGE[:100])
    name = MediaUploadPart.objects.get().storage_name

    assert drop_expired(now=now + timedelta(days=1)) == 0
    assert drop_expired(now=now + timedelta(days=1, seconds=1)) == 1

    assert not MediaUpload.objects.filter(pk=upload.pk).exists()
    assert not default_storage.exists(name)
