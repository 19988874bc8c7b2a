"""Items that a model decided alone, and putting them back."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Route
from reviewqueue.queries.repair import (
    RepairScope,
)
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.repair import PutBack, put_back
from reviewqueue.trust.sampling import expected_cost
from tests.factories.predictions import raw_item, set_policy, store

N = 12


def pass_items(workflow: Workflow, n: int, *, now: datetime) -> None:
    """Route items of which nearly all pass: amounts that make the model doubt."""
    set_policy(workflow, now=now, mode="above", low=1.0, audit_share=0.000001)
    rows = [
        raw_item(number, now=now, amount=100.0 + 70 * number, card_present="no")
        for number in range(n)
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


@pytest.fixture
def alone(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Route]:
    """Items that were decided alone, the riskiest first by the pure function."""
    pass_items(workflow, N, now=now)
    routes = Route.objects.filter(kind=RouteKind.AUTO).select_related("prediction")
    assert routes.count() == N
    return sorted(routes, key=lambda one: (-cost_of(one), one.pk))


def cost_of(route: Route) -> float:
    assert route.prediction is not None
    return expected_cost(
        confidence=route.prediction.confidence,
        error_cost=20 if route.label == "fraud" else 80,
        greatest=80,
    )


@pytest.fixture
def scope(workflow: Workflow, now: datetime) -> RepairScope:
    return RepairScope(workflow, since=now, until=now + timedelta(seconds=1))


def repaired(
    workflow: Workflow, routes: list[Route], sam: User, *, now: datetime
) -> PutBack:
    return put_back(
        workflow=workflow,
        item_ids=[one.pk for one in routes],
        by=sam,
        reason="the model was withdrawn",
        now=now,
    )
