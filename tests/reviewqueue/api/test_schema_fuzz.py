"""Generated requests against the schema: no 5xx, no answer that is not documented."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, pairwise
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.enums import Role
from accounts.models import Scope
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_api_key, create_service_account, grant_role
from config.wsgi import application
from predictions.enums import IntakeSource
from predictions.models import QuarantinedItem
from predictions.services.intake import store_items
from reviewqueue.enums import Queue
from reviewqueue.models import Case
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import request_snapshot
from tests.factories.predictions import make_champion, make_items, make_workflow

N_EXAMPLES = 30


@dataclass(frozen=True)
class World:
    """A key that may do everything, and what there is to ask for."""

    key: str
    ids: Mapping[str, str]  # by the part of the path that they follow
    lease_token: str


@pytest.fixture
def world(transactional_db: None) -> World:
    """A workflow with a model, a held case, a decision, a snapshot, a refused item."""
    now = datetime.now(UTC)
    workflow = make_workflow(now=now, slug="live")
    model = make_champion(workflow, now=now)
    make_items(workflow, 8, now=now)
    store_items(
        workflow=workflow,
        chunks=[[{"external_id": "bad"}]],
        source=IntakeSource.API,
        now=now,
    )
    process_batch(workflow=workflow, limit=10, now=now)
    scope = Scope.objects.get(pk=workflow.pk)
    owner = create_service_account(username="fuzz", name="", actor=None, now=now)
    for role in Role:
        grant_role(user=owner, scope=scope, role=role, actor=None, now=now)
    _, plaintext = create_api_key(
        owner=owner, scope=scope, name="k", verbs=KEY_PERMISSIONS, actor=None, now=now
    )

    def claimed() -> Case:
        case = claim_next_case(
            workflow=workflow, reviewer=owner, queues=[Queue.REVIEW], now=now
        )
        assert case is not None
        assert case.lease_token is not None
        return case

    first, held = claimed(), claimed()
    assert first.lease_token is not None
    decision = record_decision(
        case_id=first.pk,
        reviewer=owner,
        lease_token=first.lease_token,
        judgement=Judgement(verdict="confirm"),
        now=now,
    ).decision
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=owner, now=now
    )
    refused = QuarantinedItem.objects.get()
    ids = {
        "cases": held.pk,
        "decisions": decision.pk,
        "models": model.pk,
        "snapshots": snapshot.pk,
        "quarantine": refused.pk,
    }
    return World(
        key=plaintext,
        ids={part: str(pk) for part, pk in ids.items()},
        lease_token=str(held.lease_token),
    )


def operations() -> dict[str, Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in found}


OPERATIONS = operations()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # every request ends its connection
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_operation_answers_as_documented(label: str, world: World) -> None:
    asks_for_what_is_there = cycle([True, True, False])

    @settings(
        max_examples=N_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def holds(case: Any) -> None:  # noqa: ANN401 -- schemathesis' case
        if next(asks_for_what_is_there):
            _aim(case, world)
        response = case.call(headers={"Authorization": f"Bearer {world.key}"})
        assert response.status_code < 500, response.text
        case.validate_response(
            response,
            checks=[
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    holds()


def _aim(case: Any, world: World) -> None:  # noqa: ANN401 -- schemathesis' case
    """Put what is there in place of generated names and ids."""
    parts = case.operation.path.strip("/").split("/")
    for part, name in pairwise(parts):
        if name == "{slug}":
            case.path_parameters["slug"] = "live"
        elif name == "{external_id}":
            case.path_parameters["external_id"] = "tx-1"
        elif name.startswith("{"):
            case.path_parameters[name.strip("{}")] = world.ids[part]
    if isinstance(case.body, dict) and "lease_token" in case.body:
        case.body["lease_token"] = world.lease_token
