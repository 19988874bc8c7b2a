"""An artifact that is gone or changed is never loaded; its items go to people."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from predictions.learning.scorer import shared_scorer
from predictions.models import ModelVersion, Workflow
from tests.predictions.services.misbehaving import (
    FINE,
    GOOD,
    TO_PEOPLE,
    failures,
    run,
)

pytestmark = pytest.mark.django_db


def _copy_of(version: ModelVersion) -> Path:
    return Path(django_settings.ARTIFACT_CACHE_DIR) / f"{version.sha256}.skops"


@pytest.fixture
def unloaded(version: ModelVersion) -> Iterator[ModelVersion]:
    """A version that is in the storage only: no local copy, not in the scorer."""
    shared_scorer().close()
    local, stored = _copy_of(version), Path(version.artifact.path)
    local.unlink(missing_ok=True)
    content = stored.read_bytes()
    yield version
    stored.write_bytes(content)
    local.unlink(missing_ok=True)


def test_missing_artifact_goes_to_people_until_it_is_there_again(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    path = Path(unloaded.artifact.path)
    content = path.read_bytes()
    path.unlink()

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_missing", 1)]

    path.write_bytes(content)
    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(unloaded)[1:] == [("recovered", "", 1)]


def test_changed_artifact_is_never_loaded_nor_copied(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    path = Path(unloaded.artifact.path)
    content = path.read_bytes()
    path.write_bytes(content + b"more")

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_changed", 1)]
    assert not _copy_of(unloaded).exists()

    path.write_bytes(content)
    assert run(workflow, GOOD, now=now) == [FINE]


def test_spoilt_local_copy_is_fetched_again(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    _copy_of(unloaded).parent.mkdir(exist_ok=True)
    _copy_of(unloaded).write_bytes(b"half a file")

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_changed", 1)]

    assert run(workflow, GOOD, now=now) == [FINE]


def test_copy_that_cannot_be_written_sends_items_to_people(
    workflow: Workflow,
    unloaded: ModelVersion,
    now: datetime,
    settings: Settings,
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    settings.ARTIFACT_CACHE_DIR = in_the_way / "cache"

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_missing", 1)]
