"""What the database refuses of readings, whatever the code above it does."""

from datetime import datetime
from functools import partial

import pytest

from predictions.models import Workflow
from tests.factories.predictions import make_items
from tests.predictions.models.series_rules import REFUSED, SeriesWorld
from tests.reviewqueue.models.constraint_world import refusals

pytestmark = pytest.mark.django_db


def test_database_refuses(workflow: Workflow, now: datetime) -> None:
    item, other = make_items(workflow, 2, now=now)
    world = SeriesWorld(workflow, item, other, now)

    found = refusals(partial(break_it, world) for _, break_it in REFUSED)

    assert found == [name for name, _ in REFUSED]
