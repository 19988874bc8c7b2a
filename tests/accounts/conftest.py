"""The people of these tests, in one scope."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from accounts.enums import Role
from accounts.models import Scope, User
from tests.factories.accounts import ScopeFactory, UserFactory, member

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def _no_rate_limits_from_other_tests() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


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
