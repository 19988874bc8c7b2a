"""Media that goes: by a person, by retention, or because nothing refers to it."""

from datetime import datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from predictions.models import ItemMedia, MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media_previews import make_previews
from predictions.services.media_removal import (
    AlreadyRemoved,
    ReasonNeeded,
    drop_unfinished,
    erase_removed,
    remove_media,
    remove_old,
)
from predictions.services.media_storage import MediaUnavailable
from tests.factories.media import (
    SLOTS,
    image_file,
    make_media_workflow,
    sound_file,
    stored,
)
from tests.factories.predictions import raw_item, store

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    """A workflow that keeps media for 30 days."""
    slots = SLOTS + "\n[retention]\nmedia_days = 30\n"
    return make_media_workflow(now=now, slots=slots)


def with_item(workflow: Workflow, media: MediaFile, *, now: datetime) -> None:
    raw = raw_item(1, now=now) | {"media": {"image": str(media.pk)}}
    assert store(workflow, [raw], now=now).accepted == 1


def names(media: MediaFile) -> list[str]:
    made = [one.storage_name for one in media.derivatives.exclude(name="waveform")]
    return [media.storage_name, *made]


def test_a_supervisor_removes_a_file_and_what_was_made_of_it(
    workflow: Workflow,
    sam: User,
    now: datetime,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    media = stored(workflow, now=now)
    make_previews(clock=lambda: now)
    with_item(workflow, media, now=now)
    lying = names(media)
    assert len(lying) == 3
    assert all(map(default_storage.exists, lying))

    with django_capture_on_commit_callbacks(execute=True):
        remove_media(media_id=media.pk, by=sam, reason=" A face. ", now=now)

    media.refresh_from_db()
    assert (media.status, media.removed_at, media.removed_by, media.removed_why) == (
        "removed",
        now,
        sam,
        "A face.",
    )
    assert media.erased_at == now
    assert not any(map(default_storage.exists, lying))
    assert ItemMedia.objects.get().media == media


def test_a_removal_needs_a_reason_and_happens_once(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    media = stored(workflow, now=now)

    for reason in ("", "  ", "x" * 501, "a\x00b"):
        with pytest.raises(ReasonNeeded):
            remove_media(media_id=media.pk, by=sam, reason=reason, now=now)
    remove_media(media_id=media.pk, by=sam, reason="first", now=now)
    with pytest.raises(AlreadyRemoved):
        remove_media(media_id=media.pk, by=sam, reason="second", now=now)

    media.refresh_from_db()
    assert media.removed_why == "first"


def test_what_no_item_refers_to_goes_after_a_day(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)

    assert remove_old(workflow=workflow, now=now + DAY) == 0
    assert remove_old(workflow=workflow, now=now + DAY + timedelta(seconds=1)) == 1

    media.refresh_from_db()
    assert media.removed_why == "No item referred to it within a day."
    assert media.removed_by is None


def test_what_an_open_entry_in_quarantine_names_stays(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)
    raw = raw_item(1, now=now) | {"media": {"image": str(media.pk)}, "features": {}}
    assert store(workflow, [raw], now=now).n_quarantined == 1

    assert remove_old(workflow=workflow, now=now + 2 * DAY) == 0
    workflow.quarantined.update(status="discarded", resolved_at=now)
    assert remove_old(workflow=workflow, now=now + 2 * DAY) == 1


def test_retention_counts_from_the_newest_item(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)
    with_item(workflow, media, now=now)
    later = now + 20 * DAY
    raw = raw_item(2, now=later) | {"media": {"image": str(media.pk)}}
    store(workflow, [raw], now=later)

    assert remove_old(workflow=workflow, now=now + 31 * DAY) == 0
    assert remove_old(workflow=workflow, now=later + 30 * DAY) == 0
    assert remove_old(workflow=workflow, now=later + 31 * DAY) == 1

    media.refresh_from_db()
    assert media.removed_why == "It was kept for 30 days, as the workflow file says."


def test_without_retention_what_an_item_has_stays_for_ever(now: datetime) -> None:
    workflow = make_media_workflow(now=now, slug="kept")
    with_item(workflow, stored(workflow, now=now), now=now)

    assert remove_old(workflow=workflow, now=now + 10_000 * DAY) == 0


def test_an_item_may_not_name_what_was_removed_and_may_bring_it_again(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    media = stored(workflow, now=now)
    remove_media(media_id=media.pk, by=sam, reason="why", now=now)
    raw = raw_item(1, now=now) | {"media": {"image": str(media.pk)}}

    refused = store(workflow, [raw], now=now).quarantined[0]
    again = stored(workflow, now=now)

    assert [(e.field, e.rule) for e in refused.errors] == [("media.image", "removed")]
    assert again.pk != media.pk
    assert again.sha256 == media.sha256
    with_item(workflow, again, now=now)


def test_bytes_that_could_not_be_erased_are_erased_by_the_sweep(
    workflow: Workflow, sam: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    remove_media(media_id=media.pk, by=sam, reason="why", now=now)

    def away(name: str) -> None:
        raise MediaUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(media_storage, "erase", away)
        assert erase_removed(now=now) == 0
    assert erase_removed(now=now + DAY) == 1
    assert erase_removed(now=now + DAY) == 0

    media.refresh_from_db()
    assert media.erased_at == now + DAY
    assert not default_storage.exists(media.storage_name)


def test_previews_that_are_being_made_are_waited_for(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    media = stored(workflow, now=now)
    MediaFile.objects.filter(pk=media.pk).update(
        attempts=1, worked_until=now + timedelta(seconds=60)
    )
    remove_media(media_id=media.pk, by=sam, reason="why", now=now)

    assert erase_removed(now=now) == 0
    assert erase_removed(now=now + timedelta(seconds=61)) == 1


def test_what_a_crash_left_between_file_and_row_is_dropped(
    workflow: Workflow, now: datetime
) -> None:
    media = stored(workflow, now=now)
    finished = stored(workflow, sound_file(), now=now)
    MediaFile.objects.filter(pk=media.pk).update(status="storing", file="")

    assert drop_unfinished(now=now + timedelta(minutes=60)) == 0
    assert drop_unfinished(now=now + timedelta(minutes=61)) == 1

    assert list(MediaFile.objects.all()) == [finished]
    assert not default_storage.exists(media.storage_name)


def test_a_storage_that_is_away_leaves_nothing_that_is_seen(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, content: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(default_storage, "save", full)
        with pytest.raises(MediaUnavailable):
            stored(workflow, image_file(seed=9), now=now)

    assert [one.status for one in MediaFile.objects.all()] == ["storing"]
    kept = stored(workflow, image_file(seed=9), now=now)
    assert kept.status == "pending"
    assert drop_unfinished(now=now + DAY) == 1
