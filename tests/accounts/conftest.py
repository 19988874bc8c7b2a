"""The people of these tests, in one scope."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Scope, User
from tests.factories.accounts import ScopeFactory, UserFactory, member

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def fresh_cache(settings: Settings) -> Callable[[], None]:
    """Start without the counters of other tests; calling it starts anew.

    A prefix of its own, since emptying the cache would empty it for all processes.
    """

    def start() -> None:
        mine = {**settings.CACHES["default"], "KEY_PREFIX": f"test-{uuid4()}"}
        settings.CACHES = {"default": mine}

    start()
    return start


@pytest.fixture
def scope(db: None) -> Scope:
    return ScopeFactory.create(slug="card-fraud", name="Card fraud")


@pytest.fixture
def alice(scope: Scope) -> User:
    return member(scope, Role.REVIEWER, username="alice")


@pytest.fixture
def sam(scope: Scope) -> User:
    """The supervisor."""
    return member(scope, Role.SUPERVISOR, username="sam")


@pytest.fixture
def erin(scope: Scope) -> User:
    """The engineer."""
    return member(scope, Role.ENGINEER, username="erin")


@pytest.fixture
def audrey(scope: Scope) -> User:
    """The auditor."""
    return member(scope, Role.AUDITOR, username="audrey")


@pytest.fixture
def mallory(scope: Scope) -> User:
    return UserFactory.create(username="mallory")


@pytest.fixture
def root(db: None) -> User:
    return UserFactory.create(username="root", is_superuser=True, is_staff=True)
