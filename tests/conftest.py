"""What every test may use: people, a workflow, and a moment."""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection
from django.middleware import csrf
from django.test import TransactionTestCase
from django.utils import csp
from django.utils.crypto import get_random_string
from hypothesis import settings
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from accounts import ids
from accounts.enums import Role
from accounts.models import User
from config.memory import settle
from predictions.learning.scorer import shared_scorer
from predictions.models import ModelVersion, Workflow
from reviewqueue.services import policies
from tests.browser import chromium as chromium
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.predictions import make_champion, make_workflow
from tests.flushing import flushing
from tests.tables import TEMPLATE, ready_template

# How long an example takes says something about the machine, nothing about the code.
# CI tries the same examples every time: what chance finds is found while working, and
# never holds up somebody else's change.
IS_CI = "EVERY_CHECK" in os.environ
settings.register_profile("tests", deadline=None, derandomize=IS_CI)
# Letters that make no word and no number, so that a test which looks for one in a page
# never finds it in a token.
TOKEN_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
STACK = "tests/faults/"
settings.load_profile("tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files of slow tests: at the end, one worker would wait for them."""
    slow = {one.path for one in items if one.get_closest_marker("slow")}
    items.sort(key=lambda one: one.path not in slow)


def pytest_collection_finish() -> None:
    settle()


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> LoadFileScheduling:
    """Give a worker file by file, and one of them all that shares a running stack."""
    return _ByStack(config, log)


class _ByStack(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = str(super()._split_scope(nodeid))
        return STACK if path.startswith(STACK) else path


@pytest.fixture(scope="session", autouse=True)
def _scorer_ends_with_the_tests() -> Iterator[None]:
    yield
    shared_scorer().close()


@pytest.fixture(scope="session", autouse=True)
def _tokens_hold_no_words() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csrf, "CSRF_ALLOWED_CHARS", TOKEN_LETTERS)
        patch.setattr(csp, "generate_nonce", _wordless_nonce)
        yield


def _wordless_nonce() -> str:
    return get_random_string(22, TOKEN_LETTERS)


@pytest.fixture(autouse=True)
def _same_draws_every_time(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CI, the ids of a test's items and the seeds of its policies never change.

    Who is reviewed, audited or asked twice is drawn from both.
    """
    if not IS_CI:
        return
    seeds, chance = Drawn(f"seeds {request.node.nodeid}"), Drawn(request.node.nodeid)
    monkeypatch.setattr(ids, "_batches", ids.Sequence(chance))
    monkeypatch.setattr(policies, "uuid4", lambda: UUID(int=seeds.randbits(128)))


class Drawn:
    """What `secrets` draws, from a known source."""

    def __init__(self, seed: str) -> None:
        source = random.Random(seed)
        self.randbits, self.token_bytes = source.getrandbits, source.randbytes


@pytest.fixture(scope="session", autouse=True)
def _flushed_by_rows() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        plain = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # Django's own
        patch.setattr(TransactionTestCase, "_fixture_teardown", flushing(plain))
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Begin with tables that were made once for all workers, or in a run before."""
    ready_template()
    connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Give the database up with nobody in it.

    Threads of races leave connections to the pool, which may mend one at the moment in
    which the database is dropped.
    """
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


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
