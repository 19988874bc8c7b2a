"""What the tests of this app share beside the people and the workflow."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from tests.reviewqueue.services.snapshot_steps import label_next
from tests.reviewqueue.services.steps import open_cases


@pytest.fixture
def decided(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Workflow:
    """Five items, three of them decided: two frauds and one that is none."""
    open_cases(workflow, 5, now=now)
    for second, label in enumerate(("fraud", "legitimate", "fraud")):
        label_next(workflow, alice, label, now=now + timedelta(seconds=second))
    return workflow
