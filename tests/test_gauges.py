"""What waits, as Prometheus reads it."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from predictions.models import ModelVersion, Workflow
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_items

pytestmark = pytest.mark.django_db


def test_backlog_of_a_workflow_is_told(
    client: Client, workflow: Workflow, champion: ModelVersion
) -> None:
    now = datetime.now(UTC)
    make_items(workflow, 3, now=now)
    process_batch(workflow=workflow, limit=10, now=now)

    told = client.get("/metrics").content.decode()

    assert 'countersign_cases_waiting{workflow="cards"} 3.0' in told
    assert 'countersign_items_unscored{workflow="cards"} 0.0' in told
    assert 'countersign_oldest_case_seconds{workflow="cards"}' in told
