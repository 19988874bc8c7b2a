"""Previews: made once, by whoever took the file last; given up after five deaths."""

from datetime import datetime, timedelta

import pytest
from django.core.files.storage import default_storage

from predictions import tasks_media
from predictions.models import MediaDerivative, MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media_previews import (
    MAX_ATTEMPTS,
    make_previews,
    previews_wait,
)
from predictions.services.media_storage import MediaUnavailable
from tests.factories.media import (
    image_file,
    make_media_workflow,
    sound_file,
    stored,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(seconds=61)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_media_workflow(now=now)


class Died(BaseException):
    """What no code of ours catches."""


def die(name: str) -> bytes:
    raise Died


def test_images_get_two_and_sounds_their_peaks(
    workflow: Workflow, now: datetime
) -> None:
    image = stored(workflow, image_file(width=100, height=50), now=now)
    sound = stored(workflow, sound_file(), now=now)
    assert previews_wait(now=now)

    assert [make_previews(clock=lambda: now) for _ in range(3)] == [True, True, False]

    assert not previews_wait(now=now)
    made = {one.name: one for one in image.derivatives.all()}
    assert {name: (one.width, one.height) for name, one in made.items()} == {
        "thumbnail": (100, 50),
        "preview": (100, 50),
    }
    for one in made.values():
        assert default_storage.size(one.storage_name) == one.n_bytes
    [wave] = sound.derivatives.all()
    assert wave.peaks is not None
    assert len(wave.peaks) == 400


def test_a_worker_that_dies_is_followed_by_another_after_a_minute(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    with monkeypatch.context() as patched:
        patched.setattr(media_storage, "read", die)
        with pytest.raises(Died):
            make_previews(clock=lambda: now)

    assert not previews_wait(now=now)
    assert not make_previews(clock=lambda: now)
    assert make_previews(clock=lambda: now + MINUTE)

    media.refresh_from_db()
    assert (media.status, media.attempts) == ("ready", 2)


def test_after_five_deaths_it_is_given_up_and_the_file_stays(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    monkeypatch.setattr(media_storage, "read", die)
    for number in range(MAX_ATTEMPTS):
        moment = now + number * MINUTE
        with pytest.raises(Died):
            make_previews(clock=lambda moment=moment: moment)

    assert not make_previews(clock=lambda: now + timedelta(hours=1))

    media.refresh_from_db()
    assert (media.status, media.is_live) == ("failed", True)
    assert media.failure == "Workers that tried to make previews died at it."


def test_one_that_was_overtaken_writes_nothing(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    read = media_storage.read

    def overtaken(name: str) -> bytes:
        monkeypatch.setattr(media_storage, "read", read)
        assert make_previews(clock=lambda: now + MINUTE)
        return read(name)

    monkeypatch.setattr(media_storage, "read", overtaken)

    assert make_previews(clock=lambda: now)

    assert {one.attempt for one in MediaDerivative.objects.all()} == {2}
    assert not default_storage.exists(media.derivative_name("preview", 1))
    assert default_storage.exists(media.derivative_name("preview", 2))


def test_a_file_that_cannot_be_read_has_none_and_says_why(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    monkeypatch.setattr(media_storage, "read", lambda name: b"\x89PNG\r\n\x1a\n")

    assert make_previews(clock=lambda: now)

    media.refresh_from_db()
    assert media.status == "failed"
    assert media.failure.startswith("the file is broken")


def test_a_storage_that_is_away_is_waited_for(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)

    def away(name: str) -> bytes:
        raise MediaUnavailable

    moment = now
    with monkeypatch.context() as patched:
        patched.setattr(media_storage, "read", away)
        for _ in range(2 * MAX_ATTEMPTS):
            assert make_previews(clock=lambda at=moment: at)
            assert not make_previews(clock=lambda at=moment: at + MINUTE)
            moment += timedelta(minutes=11)
    assert make_previews(clock=lambda: moment)

    media.refresh_from_db()
    assert media.status == "ready"


def test_tasks_find_what_waits(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(tasks_media, "wake_previews", lambda: woken.append("previews"))
    for seed in range(2):
        stored(workflow, image_file(seed=seed), now=now)

    tasks_media.sweep_previews()
    assert woken == ["previews"]
    assert tasks_media.make_previews() == 2
    tasks_media.sweep_previews()
    assert woken == ["previews"]

    tasks_media.tidy_media()
    why = set(MediaFile.objects.values_list("status", "removed_why"))
    assert why == {("removed", "No item referred to it within a day.")}
    assert not MediaFile.objects.filter(erased_at=None).exists()


def test_one_that_is_being_overtaken_leaves_the_file_to_the_other(
    workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = stored(workflow, now=now)
    read = media_storage.read

    def taken_over(name: str) -> bytes:
        MediaFile.objects.filter(pk=media.pk).update(attempts=2)
        return read(name)

    monkeypatch.setattr(media_storage, "read", taken_over)

    assert make_previews(clock=lambda: now)

    media.refresh_from_db()
    assert (media.status, media.attempts) == ("pending", 2)
    assert not MediaDerivative.objects.exists()
    assert not default_storage.exists(media.derivative_name("preview", 1))
