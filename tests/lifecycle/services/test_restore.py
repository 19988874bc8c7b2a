"""A restore that is really made, and what it finds."""

import os
import shutil
from datetime import datetime
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from lifecycle.enums import ProofKind
from lifecycle.models import Proof
from lifecycle.services import restore, stored_files
from lifecycle.services.restore import Contents, RestoreImpossible, compare, try_restore
from lifecycle.services.stored_files import check_files, named_files
from predictions.models import Item, ModelVersion
from predictions.services.media_removal import remove_media
from tests.factories.accounts import UserFactory
from tests.factories.media import image_file, make_media_workflow, media_row
from tests.factories.predictions import make_champion, make_items, make_workflow


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_restore_is_made_compared_and_recorded(now: datetime) -> None:
    workflow = make_workflow(now=now)
    make_items(workflow, 5, now=now)
    before = databases()
    told = StringIO()

    call_command("restore_check", stdout=told)

    proof = Proof.objects.get(kind=ProofKind.RESTORE)
    assert proof.has_passed
    assert proof.workflow is None
    assert proof.data["tables"]["predictions_item"][0] == 5
    assert proof.data["differing"] == []
    assert proof.note in told.getvalue()
    assert "A backup of the files was not tried." in proof.note
    assert proof.data["files"]["n_files"] == 0
    assert databases() == before


@pytest.mark.django_db(transaction=True)
def test_what_was_lost_on_the_way_is_found(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_items(make_workflow(now=now), 5, now=now)
    whole = restore._restore

    def losing(program: str, copy: object, name: str) -> None:
        whole(program, copy, name)
        database = settings.DATABASES["default"]
        with psycopg.connect(
            dbname=name,
            host=database["HOST"],
            user=database["USER"],
            password=database["PASSWORD"],
        ) as broken:
            broken.execute("SET session_replication_role = replica")
            broken.execute("UPDATE predictions_item SET subject = 'another'")

    monkeypatch.setattr(restore, "_restore", losing)

    with pytest.raises(CommandError, match=r"1 of .* predictions_item"):
        call_command("restore_check")

    assert not Proof.objects.get().has_passed
    assert Item.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_scratch_database_is_dropped_when_the_restore_fails(
    monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    def fails(*args: object) -> None:
        raise RestoreImpossible("pg_restore failed: no room")

    monkeypatch.setattr(restore, "_restore", fails)
    before = databases()

    with pytest.raises(RestoreImpossible):
        try_restore(clock=lambda: now)

    assert databases() == before
    assert not Proof.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_missing_program_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(restore, "postgres_binary", lambda _: Path("nowhere"))

    with pytest.raises(CommandError, match="pg_dump is not here"):
        call_command("restore_check")


@pytest.mark.parametrize(
    ("theirs", "differing"),
    [
        ({"a": Contents(2, "7"), "b": Contents(1, "3")}, ()),
        ({"a": Contents(2, "8"), "b": Contents(1, "3")}, ("a",)),
        ({"a": Contents(3, "7"), "b": Contents(1, "3")}, ("a",)),
        ({"a": Contents(2, "7")}, ("b",)),
        ({"a": Contents(2, "7"), "b": Contents(1, "3"), "c": Contents(0, "0")}, ("c",)),
    ],
)
def test_any_difference_is_named(
    theirs: dict[str, Contents], differing: tuple[str, ...]
) -> None:
    ours = {"a": Contents(2, "7"), "b": Contents(1, "3")}

    found = compare(ours, theirs, n_bytes=10, seconds=1)

    assert found.differing == differing
    assert found.has_passed is not bool(differing)


def test_nothing_restored_is_no_success() -> None:
    assert not compare({}, {}, n_bytes=0, seconds=1).has_passed


@pytest.fixture
def stored(
    tmp_path: Path, settings: Settings, now: datetime
) -> tuple[ModelVersion, Path]:
    """A version with its artifact in a folder of its own."""
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = str(folder)
    version = make_champion(make_workflow(now=now), now=now)
    return version, folder / str(version.artifact.name)


@pytest.mark.django_db
def test_files_that_rows_name_are_held_against_their_hash(
    stored: tuple[ModelVersion, Path], tmp_path: Path
) -> None:
    version, path = stored
    whole = check_files()
    assert (whole.n_files, whole.wrong) == (len(list(named_files())), ())
    assert whole.n_files >= 1
    assert whole.n_bytes >= path.stat().st_size

    restored = tmp_path / "restored"
    shutil.copytree(tmp_path / "media", restored)
    assert "in the restored folder, each with its hash." in check_files(restored).words

    name = str(version.artifact.name)
    (restored / name).unlink()
    assert check_files(restored).wrong == (f"{name} (lost)",)
    assert check_files(restored).n_newer == 0
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))  # as if it was stored after the backup
    newer = check_files(restored)
    assert (newer.wrong, newer.n_newer) == ((), 1)
    assert "Newer than the backup: 1 more." in newer.words

    path.write_bytes(b"another")
    assert check_files().wrong == (f"{name} (altered)",)
    path.unlink()
    assert check_files().wrong == (f"{name} (lost)",)


@pytest.mark.django_db
def test_a_file_that_is_removed_meanwhile_is_not_lost(
    stored: tuple[ModelVersion, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = check_files()
    stored[1].unlink()
    assert len(check_files().wrong) == 1
    monkeypatch.setattr(stored_files, "_is_named", lambda *_: False)

    found = check_files()

    assert (found.n_files, found.wrong) == (whole.n_files - 1, ())


@pytest.mark.django_db(transaction=True)
def test_a_lost_file_is_no_success(stored: tuple[ModelVersion, Path]) -> None:
    stored[1].unlink()

    with pytest.raises(CommandError, match=r"1 of \d+ files .* \(lost\)"):
        call_command("restore_check")
    assert not Proof.objects.get().has_passed

    told = StringIO()
    call_command("restore_check", "--without-files", stdout=told)
    assert "Files were not looked at." in told.getvalue()
    assert Proof.objects.order_by("pk").last().data["files"] is None  # type: ignore[union-attr]


def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="is no folder"):
        call_command("restore_check", "--files", "nowhere")


@pytest.mark.django_db
def test_images_that_are_kept_are_looked_for_and_removed_ones_are_not(
    now: datetime,
) -> None:
    workflow = make_media_workflow(now=now)
    kept = media_row(workflow, image_file(seed=1), now=now)
    altered = media_row(workflow, image_file(seed=2), now=now)
    gone = media_row(workflow, image_file(seed=3), now=now)
    by = UserFactory.create(username="sam")
    remove_media(media_id=gone.pk, by=by, reason="why", now=now)
    Path(settings.MEDIA_ROOT, altered.storage_name).write_bytes(b"something else")

    found = check_files()

    assert (found.n_files, found.n_unhashed) == (2, 0)
    assert found.wrong == (f"{altered.storage_name} (altered)",)
    assert kept.storage_name in {name for _, name in named_files()}
