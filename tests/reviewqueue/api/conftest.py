"""A workflow of this moment and a key that may do everything in it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import Scope
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from predictions.models import Workflow
from tests.factories.predictions import make_workflow
from tests.reviewqueue.api.contract import broken_promises

Call = Callable[..., Any]


@pytest.fixture
def live(db: None) -> Workflow:
    """A workflow of this moment: the API's clock is the real one."""
    return make_workflow(now=datetime.now(UTC), slug="live")


@pytest.fixture
def key(live: Workflow) -> str:
    """A key that may do everything in the workflow."""
    now = datetime.now(UTC)
    scope = Scope.objects.get(pk=live.pk)
    owner = create_service_account(username="robot", name="Robot", actor=None, now=now)
    for role in Role:
        grant_role(user=owner, scope=scope, role=role, actor=None, now=now)
    _, plaintext = create_api_key(
        owner=owner, scope=scope, name="k", verbs=KEY_PERMISSIONS, actor=None, now=now
    )
    return plaintext


@pytest.fixture
def call(client: Client, key: str) -> Call:
    """Ask the API with the key; every answer must be what the schema says."""

    def request(method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401 -- a test response
        answer = client.generic(
            method,
            f"/api/v1/{path}",
            data=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
        )
        where = f"/api/v1/{path.partition('?')[0]}"
        assert broken_promises(method, where, answer) == []
        return answer

    return request
