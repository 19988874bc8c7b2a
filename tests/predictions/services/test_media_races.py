"""Two at once: real threads, real commits."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Event

import pytest
from django.conf import LazySettings
from django.db import connection

from accounts.models import User
from predictions.models import ItemMedia, MediaDerivative, MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media import Kept, keep_media
from predictions.services.media_previews import make_previews
from predictions.services.media_removal import drop_unfinished, remove_media, remove_old
from predictions.services.media_storage import opened
from tests.factories.media import image_file, make_media_workflow, stored
from tests.factories.predictions import raw_item, store

pytestmark = pytest.mark.django_db(transaction=True)
N = 6


@pytest.fixture
def workflow(transactional_db: None, now: datetime) -> Workflow:
    return make_media_workflow(now=now)


def at_once[R](work: Callable[[int], R], n: int = N) -> list[R]:
    """Run it in so many threads that begin together, each with its own connection."""
    barrier = Barrier(n)

    def run(number: int) -> R:
        try:
            barrier.wait(timeout=30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


def test_the_same_bytes_at_once_are_kept_once(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = Barrier(N)
    write = media_storage.write

    def together(name: str, data: bytes) -> None:
        meet.wait(timeout=30)  # nobody has found the others' row
        write(name, data)

    monkeypatch.setattr(media_storage, "write", together)

    def send(number: int) -> Kept:
        return keep_media(workflow=workflow, data=image_file(), by=None, now=now)

    kept = at_once(send)

    assert len({one.media.pk for one in kept}) == 1
    assert [one.is_new for one in kept].count(True) == 1
    statuses = sorted(MediaFile.objects.values_list("status", flat=True))
    assert statuses == ["pending", *["storing"] * (N - 1)]
    assert drop_unfinished(now=now + timedelta(hours=2)) == N - 1
    assert MediaFile.objects.get().pk == kept[0].media.pk


def test_items_may_name_the_same_file_at_once(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)

    def send(number: int) -> int:
        raw = raw_item(number, now=now) | {"media": {"image": str(media.pk)}}
        return store(workflow, [raw], now=now).accepted

    assert at_once(send) == [1] * N
    assert ItemMedia.objects.filter(media=media).count() == N


@pytest.mark.parametrize("round_", range(3))
def test_an_item_and_the_sweep_meet_at_an_unused_file(
    workflow: Workflow, now: datetime, round_: int
) -> None:
    later = now + timedelta(days=2)
    media = stored(workflow, now=now)

    def meet(number: int) -> int:
        if number:
            return remove_old(workflow=workflow, now=later)
        raw = raw_item(1, now=now) | {"media": {"image": str(media.pk)}}
        return store(workflow, [raw], now=now).accepted

    accepted, removed = at_once(meet, 2)

    media.refresh_from_db()
    assert accepted + removed == 1
    assert (media.status == "removed") == bool(removed)
    assert ItemMedia.objects.count() == accepted


def test_previews_are_made_once_by_many_workers(
    workflow: Workflow, now: datetime
) -> None:
    for seed in range(4):
        stored(workflow, image_file(seed=seed), now=now)

    def work(number: int) -> int:
        return sum(1 for _ in iter(lambda: make_previews(clock=lambda: now), False))

    assert sum(at_once(work, 3)) == 4
    assert MediaDerivative.objects.count() == 8
    assert set(MediaFile.objects.values_list("attempts", flat=True)) == {1}


def test_who_reads_a_file_that_is_removed_reads_it_to_its_end(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)
    whole = media_storage.read(media.storage_name)
    by = User.objects.create(username="sam")

    with opened(media.storage_name) as source:
        first = source.read(10)
        remove_media(media_id=media.pk, by=by, reason="why", now=now)
        media.refresh_from_db()
        assert media.erased_at == now
        assert first + source.read() == whole


def test_previews_of_a_file_removed_meanwhile_leave_nothing(
    workflow: Workflow,
    now: datetime,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    media = stored(workflow, now=now)
    by = User.objects.create(username="sam")
    begun, removed = Event(), Event()
    read = media_storage.read

    def slowly(name: str) -> bytes:
        data = read(name)
        begun.set()
        assert removed.wait(timeout=30)
        return data

    monkeypatch.setattr(media_storage, "read", slowly)

    def meet(number: int) -> None:
        if number:
            make_previews(clock=lambda: now)
            return
        assert begun.wait(timeout=30)
        remove_media(media_id=media.pk, by=by, reason="why", now=now)
        removed.set()

    at_once(meet, 2)

    assert not MediaDerivative.objects.exists()
    folder = Path(settings.MEDIA_ROOT, media.storage_name).parent
    assert [one.name for one in folder.glob(f"{media.sha256}-{media.id.hex}-*")] == []
