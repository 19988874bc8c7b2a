"""What the tests of the services share."""

from datetime import datetime

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case
from tests.reviewqueue.services.steps import claim, open_cases


@pytest.fixture
def held(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Case:
    """A case that alice holds; another one waits."""
    open_cases(workflow, 2, now=now)
    return claim(workflow, alice, now=now)


@pytest.fixture
def queue(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    """Four cases that wait, in the order in which they are claimed."""
    return open_cases(workflow, 4, now=now)
