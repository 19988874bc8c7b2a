"""What every test may use: people, a workflow, and a moment."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from accounts.enums import Role
from accounts.models import User
from predictions.learning.scorer import shared_scorer
from predictions.models import ModelVersion, Workflow
from tests.browser import chromium as chromium
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.predictions import make_champion, make_workflow

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _scorer_ends_with_the_tests() -> Iterator[None]:
    yield
    shared_scorer().close()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    """A small card workflow: two labels, three features, everything reviewed."""
    return make_workflow(now=now)


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    """A small trained model, in force."""
    return make_champion(workflow, now=now)


def _person(username: str, workflow: Workflow, *roles: Role) -> User:
    user = UserFactory.create(username=username)
    for role in roles:
        MembershipFactory.create(user=user, scope_id=workflow.pk, role=role)
    return user


@pytest.fixture
def alice(workflow: Workflow) -> User:
    """A reviewer: the one who holds the lease."""
    return _person("alice", workflow, Role.REVIEWER)


@pytest.fixture
def bob(workflow: Workflow) -> User:
    """The other reviewer."""
    return _person("bob", workflow, Role.REVIEWER)


@pytest.fixture
def carol(workflow: Workflow) -> User:
    """The adjudicator."""
    return _person("carol", workflow, Role.ADJUDICATOR)


@pytest.fixture
def sam(workflow: Workflow) -> User:
    """The supervisor."""
    return _person("sam", workflow, Role.SUPERVISOR)


@pytest.fixture
def erin(workflow: Workflow) -> User:
    """The engineer."""
    return _person("erin", workflow, Role.ENGINEER)


@pytest.fixture
def audrey(workflow: Workflow) -> User:
    """The auditor."""
    return _person("audrey", workflow, Role.AUDITOR)


@pytest.fixture
def mallory(db: None) -> User:
    """Somebody with no role anywhere."""
    return UserFactory.create(username="mallory")


@pytest.fixture
def root(db: None) -> User:
    """The site admin."""
    return UserFactory.create(username="root", is_superuser=True, is_staff=True)
