"""What the database refuses of media, whatever the code above it does."""

from datetime import datetime
from functools import partial

import pytest
from django.db import DatabaseError, transaction

from predictions.models import MediaFile, Workflow
from tests.factories.predictions import make_items
from tests.predictions.models.media_rules import REFUSED, MediaWorld
from tests.reviewqueue.models.constraint_world import refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(workflow: Workflow, now: datetime) -> MediaWorld:
    return MediaWorld(workflow, make_items(workflow, 1, now=now)[0], now)


def test_database_refuses(world: MediaWorld) -> None:
    found = refusals(partial(break_it, world) for _, break_it in REFUSED)

    assert found == [name for name, _ in REFUSED]


@pytest.mark.parametrize(
    "column",
    [
        {"sha256": "b" * 64},
        {"source_sha256": "b" * 64},
        {"content_type": "text/html"},
        {"n_bytes": 1},
        {"width": 1},
        {"uploaded_at": datetime(2020, 1, 1)},  # noqa: DTZ001 -- as it is compared
    ],
)
@pytest.mark.filterwarnings("ignore:DateTimeField")
def test_content_never_changes(world: MediaWorld, column: dict[str, object]) -> None:
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        world.change(**column)


def test_a_row_that_was_stored_is_never_deleted(world: MediaWorld) -> None:
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        MediaFile.objects.filter(pk=world.image.pk)._raw_delete("default")
    world.another(status="storing", file="")
    assert MediaFile.objects.filter(status="storing")._raw_delete("default") == 1


def test_a_removal_is_said_once_and_for_good(world: MediaWorld) -> None:
    world.remove(removed_at=world.now, removed_why="asked for")

    for change in (
        {"status": "ready", "file": "x", "removed_at": None, "removed_why": ""},
        {"removed_why": "something else"},
        {"removed_at": datetime(2020, 1, 1).astimezone()},
    ):
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            world.change(**change)
    world.change(erased_at=world.now)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        world.change(erased_at=None)


def test_what_was_removed_makes_room_for_the_same_again(world: MediaWorld) -> None:
    world.remove(removed_at=world.now, removed_why="asked for")

    world.another(sha256=world.image.sha256)

    assert MediaFile.objects.filter(sha256=world.image.sha256).count() == 2
