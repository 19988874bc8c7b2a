"""The notes workflow, its champion, and who reads and supervises."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accounts.enums import Role
from accounts.models import User
from accounts.services import grant_role
from predictions.models import ModelVersion, Workflow
from predictions.services import model_health
from tests.factories.notes import make_notes, make_notes_champion
from tests.factories.predictions import set_policy

ROLES = (Role.REVIEWER, Role.ENGINEER, Role.AUDITOR)


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def workflow(db: None, now: datetime) -> Iterator[Workflow]:
    model_health.forget_all()
    made = make_notes(now=now)
    set_policy(made, now=now, mode="all", blind_share=0, second_opinion_share=0)
    yield made
    model_health.forget_all()


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    return make_notes_champion(workflow, now=now)


@pytest.fixture
def reader(workflow: Workflow, alice: User, now: datetime) -> User:
    """Somebody who may look at nearly everything, and not under the mask."""
    for role in ROLES:
        grant_role(user=alice, scope=workflow.scope, role=role, actor=None, now=now)
    return alice


@pytest.fixture
def supervisor(workflow: Workflow, bob: User, now: datetime) -> User:
    role = Role.SUPERVISOR
    grant_role(user=bob, scope=workflow.scope, role=role, actor=None, now=now)
    return bob
