"""Every operation of the API, by keys of each role, as `access_operations` has it."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import DjangoDbBlocker

from accounts.models import ApiKey
from accounts.permissions import KEY_PERMISSIONS, Permission
from tests.access_operations import API_PUBLIC, OPENED_BY_VERB, OPERATIONS
from tests.access_table import BY_SITE, OWN, ROLES
from tests.access_world import (
    ADMIN,
    AUTHOR,
    ELSEWHERE,
    EVERYTHING,
    LIMITED,
    NOBODY,
    ROLELESS,
    STRANGER,
    World,
    build_world,
    expected_in,
    patterns,
    undone,
)
from tests.factories.accounts import ApiKeyFactory, bearer

pytestmark = pytest.mark.django_db

# Lists what there is to the asker, so it is nobody's and never missing.
WHOLE_SITE = "workflow_list"
IN_WORKFLOWS = sorted(set(OPERATIONS) - {WHOLE_SITE})
THINGS = {
    "alerts": "alert",
    "cases": "case",
    "decisions": "decision",
    "models": "model",
    "gate-reports": "gate",
    "snapshots": "snapshot",
    "training-runs": "training",
    "failures": "failure",
    "gold": "gold",
    "media": "media",
    "archives": "archive",
    "uploads": "upload",
    "quarantine": "quarantine",
    "webhooks": "webhook",
    "deliveries": "delivery",
    "segments": "trust",
}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield build_world()


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Return method and path of every operation of the schema."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # its library's own
    schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if "operationId" in operation
    }


def path_of(name: str, ids: Mapping[str, object]) -> tuple[str, str]:
    method, path = operations()[name]
    for before, part in pairwise(path.split("/")):
        if part.startswith("{"):
            key = part.strip("{}")
            path = path.replace(part, str(ids[key if key in ids else THINGS[before]]))
    return method, path


def _is_about(name: str) -> bool:
    """Say whether an address names a thing of the workflow."""
    path = operations()[name][1]
    return path.count("{") > 1 or "{slug}" not in path


def call(key: ApiKey | None, method: str, path: str) -> Any:  # noqa: ANN401 -- the test client's answer
    with undone():
        return Client().generic(
            method,
            path,
            data="{}" if method in {"POST", "PUT"} else "",
            content_type="application/json",
            headers=bearer(key) if key else {},
        )


def outcome(answer: HttpResponse) -> str:
    """Say whether the operation was reached, whatever it thought of an empty body."""
    status = answer.status_code
    refused = status in {401, 403, 404, 405} or status >= 500
    return str(status) if refused else "yes"


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert set(operations()) == set(OPERATIONS)


def test_every_address_of_the_api_is_told_by_the_schema() -> None:
    addresses = {name for name in patterns() if name.startswith("api-")}
    paths = {path for _, path in operations().values()}

    assert addresses >= API_PUBLIC
    assert len(addresses - API_PUBLIC) == len(paths)


@pytest.mark.parametrize("name", IN_WORKFLOWS)
def test_operation(world: World, name: str) -> None:
    method, path = path_of(name, world.own)
    allowed = OPERATIONS[name]
    is_about = _is_about(name)
    expected = expected_in(name, allowed, is_about=is_about) | {NOBODY: "401"}

    found = {who: outcome(call(world.keys.get(who), method, path)) for who in expected}

    assert found == expected


@pytest.mark.parametrize("name", sorted(BY_SITE & {*OPERATIONS}))
def test_answer_tells_nothing_of_another_site(world: World, name: str) -> None:
    method, path = path_of(name, world.own)
    if method != "GET":
        return

    theirs, others = (
        call(world.keys[who], method, path) for who in (LIMITED, ELSEWHERE)
    )

    told = getattr(others, "content", b"").decode()
    for secret in ("cards-0", "cards-1", "cards-2", "cards-broken", '"cards-north"'):
        assert secret not in told, secret
    if name in {"item_list", "case_list", "quarantine_list", "workflow_metrics"}:
        assert theirs.json() != others.json(), "it can fail"


def test_list_of_workflows_tells_each_key_its_own(world: World) -> None:
    method, path = path_of(WHOLE_SITE, world.own)
    insiders = (*ROLES, EVERYTHING, LIMITED, ELSEWHERE, ADMIN)
    expected = {who: ["cards"] for who in insiders}
    expected |= {ROLELESS: [], STRANGER: ["loans"]}

    found = {
        who: [
            one["slug"] for one in call(world.keys[who], method, path).json()["results"]
        ]
        for who in expected
    }

    assert found == expected
    assert call(None, method, path).status_code == 401


def test_schema_and_documentation_are_public() -> None:
    for path in ("/api/v1/schema/", "/api/v1/docs/"):
        assert call(None, "GET", path).status_code == 200


@pytest.mark.parametrize("verb", sorted(KEY_PERMISSIONS))
def test_key_with_one_verb_opens_what_the_verb_names(
    world: World, verb: Permission
) -> None:
    found = _opened(world, [verb])

    assert found == OPENED_BY_VERB.get(verb, frozenset())


def test_key_without_verbs_opens_nothing(world: World) -> None:
    assert _opened(world, []) == frozenset()


def test_every_operation_is_opened_by_some_verb() -> None:
    assert frozenset().union(*OPENED_BY_VERB.values()) == set(IN_WORKFLOWS)


def _opened(world: World, verbs: list[Permission]) -> frozenset[str]:
    """Say what a key of somebody with every role does with these verbs alone."""
    key = ApiKeyFactory.create(
        owner=world.people[EVERYTHING], scope_id=world.workflow.pk, verbs=verbs
    )
    found = {
        name: outcome(call(key, *path_of(name, world.own))) for name in IN_WORKFLOWS
    }
    # Reached, though the decision is somebody else's.
    opened = {name for name in found if name in OWN and found[name] == "404"}
    opened |= {name for name, said in found.items() if said == "yes"}
    assert {found[name] for name in set(found) - opened} <= {"403"}, found
    return frozenset(opened)


@pytest.mark.parametrize("name", IN_WORKFLOWS)
def test_thing_of_another_workflow_looks_like_nothing(world: World, name: str) -> None:
    key = world.keys[EVERYTHING]
    method, path = path_of(name, world.foreign)
    _, nowhere = path_of(name, _nowhere(world.foreign))

    theirs, missing = (call(key, method, one) for one in (path, nowhere))

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert theirs.json() == missing.json()


@pytest.mark.parametrize(
    "name",
    ["item_detail", "quarantine_resubmit", "quarantine_discard"],
)
def test_thing_of_another_workflow_is_not_below_ones_own(
    world: World, name: str
) -> None:
    method, path = path_of(name, {**world.foreign, "slug": "cards"})

    assert call(world.keys[EVERYTHING], method, path).status_code == 404


def _nowhere(ids: Mapping[str, object]) -> dict[str, object]:
    nothing = "00000000-0000-7000-8000-000000000000"
    kept = {"external_id": "none", "slug": "nowhere", "file_format": "csv"}
    return {name: kept.get(name, nothing) for name in ids}


def test_what_is_ones_own_is_let_through(world: World) -> None:
    names = sorted(set(OWN) & set(OPERATIONS))

    for name in names:
        assert outcome(call(world.keys[AUTHOR], *path_of(name, world.own))) == "yes"
    assert names == ["decision_amend", "decision_undo"]
