"""Generated requests against the schema: no 5xx, no answer that is not documented."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, pairwise
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import TestCase
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django import DjangoDbBlocker
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.enums import Role
from accounts.models import Scope, User
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from accounts.services_sites import declare_sites
from predictions.enums import IntakeSource
from predictions.models import QuarantinedItem, Workflow
from predictions.services.intake import store_items
from reviewqueue.enums import NoticeKind
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.gold import add_settled
from reviewqueue.services.notices import notify
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import request_snapshot
from reviewqueue.services.webhooks import add_webhook
from tests.access_world import undone
from tests.factories.media import (
    make_media_workflow,
    media_row,
    read_archive_row,
    upload_row,
)
from tests.factories.predictions import make_champion, make_items
from tests.lifecycle.alarms import raised
from tests.lifecycle.gate_reports import gate_report_of
from tests.lifecycle.training_steps import ask as ask_run
from tests.reviewqueue.models.trust_rows import make_segment
from tests.reviewqueue.services.steps import claim, decide, token

N_EXAMPLES = 30


@dataclass(frozen=True)
class World:
    """A key that may do everything, and what there is to ask for."""

    key: str
    ids: Mapping[str, str]  # by the part of the path that they follow
    lease_token: str


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield build()


def build() -> World:
    """Make a workflow with a model, a held case, a decision, a snapshot, a bad item."""
    now = datetime.now(UTC)
    workflow = make_media_workflow(now=now, slug="live")
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

    first, held = (claim(workflow, owner, now=now) for _ in range(2))
    decision = decide(first, owner, now=now).decision
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=owner, now=now
    )
    refused = QuarantinedItem.objects.get()
    declare_sites(scope=scope, names={"north": "North"}, actor=None, now=now)
    ids = {
        "sites": "north",
        "cases": held.pk,
        "decisions": decision.pk,
        "models": model.pk,
        "gate-reports": gate_report_of(model, now=now).pk,
        "snapshots": snapshot.pk,
        "training-runs": ask_run(workflow, snapshot, now=now).pk,
        "quarantine": refused.pk,
        "segments": make_segment(workflow, model, now=now).pk,
        "gold": add_settled(item=first.item, by=owner, note="", now=now).pk,
        "media": media_row(workflow, now=now).pk,
        "archives": read_archive_row(workflow, now=now).pk,
        "uploads": upload_row(workflow, now=now).pk,
        "alerts": raised(workflow, now=now).pk,
        **_told(workflow, owner, now=now),
    }
    return World(
        key=plaintext,
        ids={part: str(pk) for part, pk in ids.items()},
        lease_token=str(token(held)),
    )


def _told(workflow: Workflow, owner: User, *, now: datetime) -> dict[str, UUID]:
    url = "https://hooks.example.org/"
    hook = add_webhook(workflow=workflow, url=url, kinds=[], by=owner, now=now)
    data = {"reviewer": str(owner.pk), "plan_version": 1}
    notice = notify(
        workflow=workflow, kind=NoticeKind.GOLD_FLOOR, text="Told.", data=data, now=now
    )
    return {"webhooks": hook.pk, "deliveries": notice.deliveries.get().pk}


def operations() -> dict[str, Any]:
    # Not the server's own: that one begins to load models once it is imported.
    application = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in found}


OPERATIONS = operations()


@pytest.mark.slow
@pytest.mark.django_db
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
        with TestCase.captureOnCommitCallbacks(execute=True):
            response = case.call(headers={"Authorization": f"Bearer {world.key}"})
        connection.check_constraints()  # as a commit would
        assert response.status_code < 500, response.text
        case.validate_response(
            response,
            checks=[
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    with undone(), connection_kept():
        holds()


@contextmanager
def connection_kept() -> Iterator[None]:
    """Leave the connection to the requests of a test, as Django's own client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def _aim(case: Any, world: World) -> None:  # noqa: ANN401 -- schemathesis' case
    """Put what is there in place of generated names and ids."""
    parts = case.operation.path.strip("/").split("/")
    for part, name in pairwise(parts):
        if name == "{slug}":
            case.path_parameters["slug"] = "live"
        elif name == "{external_id}":
            case.path_parameters["external_id"] = "tx-1"
        elif name.startswith("{") and part in world.ids:
            case.path_parameters[name.strip("{}")] = world.ids[part]
    if isinstance(case.body, dict) and "lease_token" in case.body:
        case.body["lease_token"] = world.lease_token
