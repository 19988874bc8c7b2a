"""What waits, as Prometheus reads it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from predictions.models import ModelVersion, Workflow
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.workers import leave_sign
from tests.factories.predictions import make_items

pytestmark = pytest.mark.django_db
HERE = {"Host": "localhost"}


def test_backlog_of_a_workflow_is_told(
    client: Client, workflow: Workflow, champion: ModelVersion
) -> None:
    now = datetime.now(UTC)
    make_items(workflow, 3, now=now)
    process_batch(workflow=workflow, limit=10, now=now)

    told = client.get("/metrics", headers=HERE).content.decode()

    assert 'countersign_cases_waiting{workflow="cards"} 3.0' in told
    assert 'countersign_items_unscored{workflow="cards"} 0.0' in told
    assert 'countersign_oldest_case_seconds{workflow="cards"}' in told


@pytest.fixture
def own_keys(settings: Settings, tmp_path: Path) -> None:
    own = {**settings.CACHES["default"], "KEY_PREFIX": str(tmp_path)}
    settings.CACHES = {"default": own}


@pytest.mark.usefixtures("own_keys")
def test_silence_of_the_workers_is_told(client: Client) -> None:
    leave_sign(now=datetime.now(UTC) - timedelta(seconds=90))

    told = client.get("/metrics", headers=HERE).content.decode()

    [seconds] = re.findall(r"^countersign_worker_silent_seconds (\S+)$", told, re.M)
    assert 90 <= float(seconds) < 120


@pytest.mark.usefixtures("own_keys")
def test_workers_that_were_never_there_are_infinitely_silent(client: Client) -> None:
    told = client.get("/metrics", headers=HERE).content.decode()

    assert "countersign_worker_silent_seconds +Inf" in told


def test_what_is_unknown_is_not_told(client: Client, settings: Settings) -> None:
    nowhere = {**settings.CACHES["default"], "LOCATION": "redis://localhost:1"}
    settings.CACHES = {"default": nowhere}

    answer = client.get("/metrics", headers=HERE)

    assert answer.status_code == 200
    assert "countersign_worker_silent_seconds " not in answer.content.decode()
