"""Every address and every operation, as each role, as nobody, as a stranger.

What is allowed stands in `tests/access_table.py`; an address without a row fails.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from drf_spectacular.generators import SchemaGenerator

from accounts.enums import Role
from accounts.models import ApiKey, User
from accounts.permissions import KEY_PERMISSIONS, Permission
from predictions.enums import IntakeSource
from predictions.models import QuarantinedItem, Workflow
from predictions.services.intake import store_items
from reviewqueue.enums import Queue, SnapshotStatus
from reviewqueue.models import Decision, Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision
from reviewqueue.services.pipeline import process_batch
from tests.access_table import (
    API_PUBLIC,
    OPERATIONS,
    OWN,
    PUBLIC,
    ROLES,
    SIGNED_IN,
    SITE_ADMIN,
    SITE_PAGES,
    WORKFLOW_PAGES,
)
from tests.factories.accounts import (
    ApiKeyFactory,
    MembershipFactory,
    UserFactory,
    bearer,
)
from tests.factories.predictions import make_champion, make_items, make_workflow

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Without what it needs.
PUBLIC_ANSWERS = {"ui:theme": {400}}
UNNAMED = {"accounts/social/": "old addresses of allauth, which lead to the new ones"}


@dataclass(frozen=True)
class World:
    """A workflow with one of everything, and what addresses need to name it."""

    workflow: Workflow
    ids: dict[str, object]  # by the name of the address' part, or of the thing


def member(username: str, workflow: Workflow, *roles: Role) -> User:
    user = UserFactory.create(username=username)
    for role in roles:
        MembershipFactory.create(user=user, scope_id=workflow.pk, role=role)
    return user


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:  # noqa: ANN401 -- pytest-django's, without a name to import
    """One world for all tests: every request is taken back after its answer."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield _world("cards")
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def other(world: World) -> World:
    return _world("other")


@pytest.fixture(scope="module")
def people(world: World, other: World) -> dict[str, User]:
    """Who asks: one for each role, and those beside the roles."""
    found = {
        letter: member(f"the-{r}", world.workflow, r) for letter, r in ROLES.items()
    }
    found["roleless"] = UserFactory.create(username="roleless")
    found["stranger"] = member("stranger", other.workflow, *ROLES.values())
    found["all roles"] = member("all-roles", world.workflow, *ROLES.values())
    found["admin"] = UserFactory.create(
        username="admin", is_superuser=True, is_staff=True
    )
    return found


@pytest.fixture(scope="module")
def keys(world: World, other: World, people: dict[str, User]) -> dict[str, ApiKey]:
    """A key with every verb for each, in the world; the stranger's elsewhere."""
    scopes = {"stranger": other.workflow.pk}
    return {
        who: ApiKeyFactory.create(
            owner=person, scope_id=scopes.get(who, world.workflow.pk)
        )
        for who, person in people.items()
    }


def _world(slug: str) -> World:
    now = datetime.now(UTC)
    workflow = make_workflow(now=now, slug=slug)
    model = make_champion(workflow, now=now)
    items = make_items(workflow, 3, now=now)
    broken = [[{"external_id": f"{slug}-broken"}]]
    store_items(workflow=workflow, chunks=broken, source=IntakeSource.API, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    someone = member(f"{slug}-someone", workflow, Role.REVIEWER)
    decision = _decision(workflow, someone, now=now)
    open_case = claim_next_case(
        workflow=workflow, reviewer=someone, queues=[Queue.REVIEW], now=now
    )
    assert open_case is not None
    snapshot = Snapshot.objects.create(
        workflow=workflow,
        as_of=now,
        filters=SnapshotFilters().to_json(),
        status=SnapshotStatus.READY,
        file="snapshots/none.parquet",
        sha256="0" * 64,
        datasheet={"filters": {}, "n_rows": 0, "n_blind": 0},
        created_at=now,
        finished_at=now,
    )
    key = ApiKeyFactory.create(owner=someone, scope_id=workflow.pk)
    return World(
        workflow,
        {
            "slug": slug,
            "case": open_case.pk,
            "review": open_case.pk,
            "decision": decision.pk,
            "item": items[0].pk,
            "model": model.pk,
            "quarantine": QuarantinedItem.objects.get(workflow=workflow).pk,
            "snapshot": snapshot.pk,
            "file_format": "csv",
            "external_id": items[0].external_id,
            "user_id": someone.pk,
            "key_id": key.pk,
        },
    )


def _decision(workflow: Workflow, reviewer: User, *, now: datetime) -> Decision:
    case = claim_next_case(
        workflow=workflow, reviewer=reviewer, queues=[Queue.REVIEW], now=now
    )
    assert case is not None
    assert case.lease_token is not None
    return record_decision(
        case_id=case.pk,
        reviewer=reviewer,
        lease_token=case.lease_token,
        judgement=Judgement(label="fraud"),
        now=now,
    ).decision


def patterns() -> Iterator[tuple[str, str, URLPattern]]:
    """Yield name, route and pattern of every address."""

    def walk(
        found: list[URLPattern | URLResolver], route: str, space: str
    ) -> Iterator[tuple[str, str, URLPattern]]:
        for one in found:
            here = route + str(one.pattern)
            if isinstance(one, URLResolver):
                inner = f"{space}{one.namespace}:" if one.namespace else space
                yield from walk(one.url_patterns, here, inner)
            else:
                yield f"{space}{one.name}", here, one

    yield from walk(get_resolver().url_patterns, "", "")


def address(name: str, ids: dict[str, object]) -> str:
    """Write the address of a page about what is in a world."""
    thing = name.split(":")[-1].split("-")[0]
    route = next(route for known, route, _ in patterns() if known == name)
    thing = {"review-undo": "decision"}.get(name.split(":")[-1], thing)
    asked = set(re.findall(r"<(?:\w+:)?(\w+)>", route))
    return reverse(name, kwargs={part: ids.get(part, ids.get(thing)) for part in asked})


# Pages


def test_every_address_has_a_row() -> None:
    rows = {name for name, _, _ in (*WORKFLOW_PAGES, *SITE_PAGES)}
    known = {
        name
        for name, route, _ in patterns()
        if not name.startswith(("admin:", "api-"))
        and not any(route.startswith(start) for start in UNNAMED)
    }

    assert known - rows == set(), "addresses without a row in the table"
    assert rows - known == set(), "rows without an address"


@pytest.mark.parametrize(("name", "method", "allowed"), WORKFLOW_PAGES)
def test_page_of_a_workflow(
    world: World, people: dict[str, User], name: str, method: str, allowed: str
) -> None:
    path = address(name, world.ids)

    assert _is_sent_to_sign_in(_ask(None, method, path))
    for who in ("roleless", "stranger"):
        assert _ask(people[who], method, path).status_code == 404, who
    for letter, role in ROLES.items():
        answer = _ask(people[letter], method, path)
        if letter in OWN.get(name, ""):
            assert answer.status_code == 404, role
        elif letter in allowed:
            _is_let_through(answer)
        else:
            assert answer.status_code == 403, role
    if name.startswith("reviewqueue:review"):
        assert (
            _ask(people["admin"], method, path).status_code == 200 or method == "POST"
        )
    else:
        _is_let_through(_ask(people["admin"], method, path))


@pytest.mark.parametrize("name", sorted({name for name, _, _ in WORKFLOW_PAGES}))
def test_page_of_a_workflow_takes_no_other_method(
    world: World, people: dict[str, User], name: str
) -> None:
    taken = {method for known, method, _ in WORKFLOW_PAGES if known == name}
    path = address(name, world.ids)

    for method in set(METHODS) - taken:
        assert _ask(people["all roles"], method, path).status_code == 405, method


@pytest.mark.parametrize(("name", "method", "allowed"), WORKFLOW_PAGES)
def test_thing_of_another_workflow_is_not_found(
    world: World,
    other: World,
    people: dict[str, User],
    name: str,
    method: str,
    allowed: str,
) -> None:
    own = address(name, other.ids)
    foreign = address(name, {**other.ids, "slug": "cards"})
    assert _ask(people["all roles"], method, own).status_code == 404
    if foreign == address(name, world.ids):
        return  # the page is about the workflow alone

    answer = _ask(people["all roles"], method, foreign)

    # without a token the desk says so before it looks
    assert answer.status_code in ({404, 422} if ":review-" in name else {404})
    told = getattr(answer, "content", b"").decode()
    assert not any(str(pk) in told for pk in _secrets(other))


def _secrets(world: World) -> list[object]:
    names = ("item", "decision", "snapshot", "quarantine", "model")
    return [world.ids[name] for name in names]


def test_what_is_not_there_looks_like_what_is_not_ours(
    world: World, people: dict[str, User]
) -> None:
    for name, method, _ in WORKFLOW_PAGES:
        path = address(name, world.ids)
        missing = path.replace("/w/cards/", "/w/carts/")
        ours = _content(_ask(people["roleless"], method, path))
        theirs = _content(_ask(people["roleless"], method, missing))
        assert ours.replace("cards", "carts") == theirs, name


@pytest.mark.parametrize(("name", "method", "allowed"), SITE_PAGES)
def test_page_of_the_site(
    world: World, people: dict[str, User], name: str, method: str, allowed: str
) -> None:
    path = address(name, {**world.ids, "key": "x", "uidb36": "x", "pk": 1})

    nobody = _ask(None, method, path)
    somebody = _ask(people["roleless"], method, path)

    if allowed == PUBLIC:
        assert nobody.status_code in PUBLIC_ANSWERS.get(name, {200, 302})
        return
    assert nobody.status_code in {302, 401}
    if allowed == SIGNED_IN:
        assert not _is_sent_to_sign_in(somebody)
    if allowed == SITE_ADMIN:
        assert somebody.status_code == 403
        _is_let_through(_ask(people["admin"], method, path))


def test_admin_site_is_for_site_admins(people: dict[str, User]) -> None:
    for name, route, _ in patterns():
        if name.startswith("admin:") and "<" not in route and "(" not in route:
            for person in (None, people["S"]):
                answer = _ask(person, "GET", f"/{route}")
                is_public = name in {"admin:login", "admin:logout", "admin:jsi18n"}
                assert is_public or answer.status_code in {302, 403}, name
    assert _ask(people["admin"], "GET", "/admin/").status_code == 200


def _ask(person: User | None, method: str, path: str) -> HttpResponseBase:
    client = Client()
    with transaction.atomic():
        if person is not None:
            client.force_login(person)
        answer = client.generic(method, path, content_type=FORM)
        transaction.set_rollback(True)
    return answer


def _is_sent_to_sign_in(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302 and "/accounts/login/" in answer["Location"]


def _is_let_through(answer: HttpResponseBase) -> None:
    assert answer.status_code not in {401, 403, 404, 405}, answer.status_code
    assert answer.status_code < 500
    assert not _is_sent_to_sign_in(answer)


def _content(answer: HttpResponseBase) -> str:
    assert answer.status_code == 404
    content: bytes = getattr(answer, "content", b"")
    return content.decode()


# The API


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Return method and path of every operation of the schema."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if "operationId" in operation
    }


def operation(name: str, ids: dict[str, object]) -> tuple[str, str]:
    method, path = operations()[name]
    thing = {"cases": "case", "decisions": "decision", "models": "model"}
    thing |= {"snapshots": "snapshot", "quarantine": "quarantine"}
    parts = path.split("/")
    for before, part in pairwise(parts):
        if part.startswith("{"):
            key = part.strip("{}")
            value = ids.get(key) if key in ids else ids[thing[before]]
            path = path.replace(part, str(value))
    return method, path


def test_every_operation_has_a_row() -> None:
    schema_less = {name for name, _, _ in patterns() if name.startswith("api-")}
    views = {name for name in schema_less if name not in API_PUBLIC}

    assert set(operations()) == set(OPERATIONS)
    # each address of the API is told by the schema
    paths = {path.rstrip("/") for _, path in operations().values()}
    assert len(views) == len(paths)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation(world: World, keys: dict[str, ApiKey], name: str) -> None:
    method, path = operation(name, world.ids)

    assert _call(None, method, path).status_code == 401
    if name == "workflow_list":
        told = _call(keys["stranger"], method, path).json()["results"]
        assert [one["slug"] for one in told] == ["other"]
    else:
        for who in ("roleless", "stranger"):
            assert _call(keys[who], method, path).status_code == 404, who
    for letter, role in ROLES.items():
        answer = _call(keys[letter], method, path)
        if letter in OPERATIONS[name]:
            _is_let_through(answer)
        else:
            refused = {404, 409} if letter in OWN.get(name, "") else {403}
            assert answer.status_code in refused, role
    if not set("RA") & set(OPERATIONS[name]):
        return
    if OPERATIONS[name] == "RA":
        return  # site admins have no queue
    _is_let_through(_call(keys["admin"], method, path))


@pytest.mark.parametrize("verb", sorted(KEY_PERMISSIONS))
def test_key_with_one_verb_opens_what_the_verb_names(
    world: World, people: dict[str, User], verb: Permission
) -> None:
    key = ApiKeyFactory.create(
        owner=people["all roles"], scope_id=world.workflow.pk, verbs=[verb]
    )

    opened = {
        name
        for name in sorted(set(OPERATIONS) - {"workflow_list"})
        if _call(key, *operation(name, world.ids)).status_code != 403
    }

    assert opened == _OPENED.get(verb, set())


def test_key_without_verbs_opens_nothing(world: World, people: dict[str, User]) -> None:
    key = ApiKeyFactory.create(
        owner=people["all roles"], scope_id=world.workflow.pk, verbs=[]
    )

    for name in sorted(set(OPERATIONS) - {"workflow_list"}):
        assert _call(key, *operation(name, world.ids)).status_code == 403, name


_JUDGING = {
    "case_claim",
    "case_renew",
    "case_release",
    "case_skip",
    "case_snooze",
    "case_escalate",
    "case_decide",
    "decision_undo",
    "decision_amend",
    "case_note",
}
_OPENED: dict[Permission, set[str]] = {
    Permission.WORKFLOW_VIEW: {"workflow_detail"},
    Permission.ITEMS_VIEW: {"item_list", "item_detail"},
    Permission.ITEMS_ADD: {"item_create"},
    Permission.QUARANTINE_VIEW: {"quarantine_list"},
    Permission.QUARANTINE_RESOLVE: {"quarantine_resubmit", "quarantine_discard"},
    Permission.CASES_VIEW: {"case_list", "case_detail"},
    Permission.CASES_REVIEW: _JUDGING,
    Permission.CASES_ADJUDICATE: _JUDGING,
    Permission.CASES_MANAGE: {
        "case_reclaim",
        "case_assign",
        "case_note",
        "decision_amend",
    },
    Permission.DECISIONS_VIEW: {"decision_feed"},
    Permission.OUTCOMES_ADD: {"outcome_create"},
    Permission.METRICS_VIEW: {"workflow_metrics"},
    Permission.SNAPSHOTS_VIEW: {
        "snapshot_list",
        "snapshot_detail",
        "snapshot_download",
    },
    Permission.SNAPSHOTS_CREATE: {"snapshot_create"},
    Permission.MODELS_VIEW: {"model_list"},
    Permission.MODELS_REGISTER: {"model_register"},
    Permission.MODELS_STAGE: {"model_stage", "model_rollback"},
    Permission.POLICY_VIEW: {"policy_detail"},
    Permission.POLICY_CHANGE: {"policy_put"},
    Permission.SETTINGS_CHANGE: {"workflow_declare"},
}


def test_thing_of_another_workflow_is_not_found_over_the_api(
    other: World, keys: dict[str, ApiKey]
) -> None:
    for name in sorted(set(OPERATIONS) - {"workflow_list"}):
        method, path = operation(name, other.ids)
        theirs = _call(keys["all roles"], method, path)
        nowhere = _call(
            keys["all roles"], method, path.replace("/workflows/other", "/workflows/no")
        )
        assert theirs.status_code == 404, name
        assert theirs.json() == nowhere.json(), name


def _call(key: ApiKey | None, method: str, path: str) -> Any:  # noqa: ANN401 -- a test response
    with transaction.atomic():
        answer = Client().generic(
            method,
            path,
            data=json.dumps({}) if method in {"POST", "PUT"} else "",
            content_type="application/json",
            headers=bearer(key) if key else {},
        )
        transaction.set_rollback(True)
    return answer
