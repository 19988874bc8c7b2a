"""What the tests of the services share."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from pytest_django import Settings

from predictions.models import ModelVersion, Workflow
from predictions.services import model_health
from tests.predictions.learning import hanging
from tests.predictions.services.misbehaving import register_misbehaving


@pytest.fixture(autouse=True)
def _no_failures_from_before() -> Iterator[None]:
    model_health.forget_all()
    yield
    model_health.forget_all()


@pytest.fixture
def version(workflow: Workflow, now: datetime, settings: Settings) -> ModelVersion:
    """The model that misbehaves on demand, in force."""
    settings.TRUSTED_MODEL_TYPES = [hanging.TYPE_NAME]
    return register_misbehaving(workflow, now=now)
