"""Artifacts, snapshots and media in an S3-compatible store instead of a folder."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import Settings

from predictions.models import ModelVersion, Workflow
from predictions.services.artifacts import local_artifact
from predictions.services.media_previews import STORAGE_PAUSE, make_previews
from predictions.services.media_removal import erase_removed, remove_media
from predictions.services.media_storage import MediaUnavailable, opened, read
from reviewqueue.enums import RouteReason, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    build_snapshot,
    read_labelled_rows,
    request_snapshot,
    stream_snapshot,
)
from tests.factories.accounts import UserFactory
from tests.factories.media import image_file, make_media_workflow
from tests.factories.media import stored as keep_image
from tests.factories.predictions import make_champion, make_items
from tests.object_store import BUCKET, Store, running_store

pytestmark = pytest.mark.django_db
PREFIX = f"/{BUCKET}/production"


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Iterator[Store]:
    """Everything goes to the store; the folder of media is there no more."""
    settings.MEDIA_ROOT = tmp_path / "nowhere"
    settings.ARTIFACT_CACHE_DIR = tmp_path / "cache"
    with running_store() as running:
        settings.STORAGES = {**settings.STORAGES, **running.storages()}
        yield running
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def stored(store: Store, workflow: Workflow, now: datetime) -> ModelVersion:
    """A champion whose artifact is in the store alone."""
    return make_champion(workflow, now=now)


def reasons(workflow: Workflow, *, now: datetime) -> set[str]:
    make_items(workflow, 2, now=now)
    routed = process_batch(workflow=workflow, limit=10, now=now)
    return {one.reason for one in routed}


def test_artifact_is_fetched_from_the_store(
    store: Store, stored: ModelVersion, workflow: Workflow, now: datetime
) -> None:
    data = store.objects[f"{PREFIX}/artifacts/{stored.sha256}.skops"]
    assert hashlib.sha256(data).hexdigest() == stored.sha256

    assert RouteReason.MODEL_FAILED not in reasons(workflow, now=now)
    assert local_artifact(stored).read_bytes() == data


@pytest.mark.parametrize("refusal", [403, 404, 500])
def test_store_that_refuses_sends_items_to_people(
    store: Store, stored: ModelVersion, workflow: Workflow, now: datetime, refusal: int
) -> None:
    store.refusal = refusal

    assert reasons(workflow, now=now) == {RouteReason.MODEL_FAILED}
    assert stored.events.filter(reason="artifact_missing").exists()


def test_store_that_is_away_sends_items_to_people(
    settings: Settings, stored: ModelVersion, workflow: Workflow, now: datetime
) -> None:
    away = Store(url="http://127.0.0.1:9")
    settings.STORAGES = {**settings.STORAGES, **away.storages()}

    assert reasons(workflow, now=now) == {RouteReason.MODEL_FAILED}
    assert stored.events.filter(reason="artifact_missing").exists()


def requested(workflow: Workflow, *, now: datetime) -> Snapshot:
    return request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now
    )


def test_snapshot_is_the_same_as_in_a_folder(
    decided: Workflow, now: datetime, settings: Settings
) -> None:
    in_folder = requested(decided, now=now)
    assert build_snapshot(snapshot_id=in_folder.pk, clock=lambda: now)
    in_folder.refresh_from_db()
    wanted = {
        name: b"".join(stream_snapshot(in_folder, name))
        for name in ("parquet", "csv", "jsonl")
    }
    with running_store() as store:
        settings.STORAGES = {**settings.STORAGES, **store.storages()}
        in_store = requested(decided, now=now)
        assert build_snapshot(snapshot_id=in_store.pk, clock=lambda: now)
        in_store.refresh_from_db()

        assert list(store.objects) == [f"{PREFIX}/snapshots/{in_store.sha256}.parquet"]
        assert in_store.sha256 == in_folder.sha256
        for name, data in wanted.items():
            assert b"".join(stream_snapshot(in_store, name)) == data
        assert len(read_labelled_rows(in_store).labels) == in_store.n_rows > 0


def test_snapshot_that_the_store_refuses_says_so(
    store: Store, decided: Workflow, now: datetime
) -> None:
    snapshot = requested(decided, now=now)
    store.refusal = 403

    assert not build_snapshot(snapshot_id=snapshot.pk, clock=lambda: now)

    snapshot.refresh_from_db()
    assert snapshot.status == SnapshotStatus.FAILED
    assert "the object store refused it (403)" in snapshot.failure


def test_files_are_kept_under_their_own_names(store: Store) -> None:
    for _ in range(2):
        assert default_storage.save("a/b.bin", ContentFile(b"same")) == "a/b.bin"

    assert list(store.objects) == [f"{PREFIX}/a/b.bin"]
    assert default_storage.exists("a/b.bin")
    assert not default_storage.exists("a/c.bin")
    with pytest.raises(FileNotFoundError):
        default_storage.open("a/c.bin")


def test_media_lies_in_the_store_and_goes_from_it(store: Store, now: datetime) -> None:
    workflow = make_media_workflow(now=now)
    media = keep_image(workflow, now=now)
    assert make_previews(clock=lambda: now)
    made = [one.storage_name for one in media.derivatives.all()]
    names = [f"{PREFIX}/{name}" for name in (media.storage_name, *made)]
    assert sorted(store.objects) == sorted(names)
    data = store.objects[names[0]]
    assert hashlib.sha256(data).hexdigest() == media.sha256
    with opened(media.storage_name) as source:
        source.seek(10)
        assert source.read(5) == data[10:15]

    by = UserFactory.create(username="sam")
    remove_media(media_id=media.pk, by=by, reason="why", now=now)
    assert erase_removed(now=now) == 1

    assert store.objects == {}


@pytest.mark.parametrize("refusal", [403, 404, 500])
def test_a_store_that_refuses_media_is_said_to_be_away(
    store: Store, now: datetime, refusal: int
) -> None:
    workflow = make_media_workflow(now=now)
    media = keep_image(workflow, now=now)
    store.refusal = refusal

    with pytest.raises(MediaUnavailable):
        keep_image(workflow, image_file(seed=2), now=now)
    with pytest.raises(MediaUnavailable):
        read(media.storage_name)
    assert make_previews(clock=lambda: now)
    media.refresh_from_db()
    assert (media.status, media.worked_until) == ("pending", now + STORAGE_PAUSE)
