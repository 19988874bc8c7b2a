"""Every page, as each role, as nobody, as a stranger; `access_table` says who may."""

import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponseBase
from pytest_django import DjangoDbBlocker

from tests.access_table import (
    ADMIN_PUBLIC,
    BY_SITE,
    MACHINE,
    OLD_ADDRESSES,
    OTHER_ANSWERS,
    OWN,
    PUBLIC,
    SITE_ADMIN,
    SITE_PAGES,
    STEPS_OF_SIGNING_IN,
    WORKFLOW_PAGES,
)
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
    address,
    build_world,
    expected_in,
    patterns,
    undone,
)

pytestmark = pytest.mark.django_db

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
FORM = "application/x-www-form-urlencoded"
ABOUT_THINGS = [row for row in WORKFLOW_PAGES if patterns()[row[0]].count("<") > 1]
PAGES = sorted({name for name, _, _ in WORKFLOW_PAGES})


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield build_world()


def ask(world: World, who: str, method: str, path: str) -> HttpResponseBase:
    with undone():
        return world.clients[who].generic(method, path, content_type=FORM)


def is_sent_to_sign_in(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302 and "/accounts/login/" in answer["Location"]


def is_let_through(answer: HttpResponseBase) -> bool:
    """Say whether the page was reached, whatever it thought of an empty form."""
    status = answer.status_code
    refused = status in {401, 403, 404, 405} or status >= 500
    return not refused and not is_sent_to_sign_in(answer)


def outcome(answer: HttpResponseBase) -> str:
    if is_sent_to_sign_in(answer):
        return "sign in"
    return "yes" if is_let_through(answer) else str(answer.status_code)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    rows = {name for name, _, _ in (*WORKFLOW_PAGES, *SITE_PAGES)}
    known = {
        name
        for name, route in patterns().items()
        if not name.startswith(("admin:", "api-"))
        and not route.startswith(("admin/", *OLD_ADDRESSES))
    }

    assert known - rows == set(), "addresses without a row in the table"
    assert rows - known == set(), "rows without an address"


def test_every_address_of_a_workflow_is_in_the_table_of_workflows() -> None:
    below = {name for name, route in patterns().items() if "w/<slug:" in route}

    assert below == set(PAGES)


@pytest.mark.parametrize(("name", "method", "allowed"), WORKFLOW_PAGES)
def test_page_of_a_workflow(world: World, name: str, method: str, allowed: str) -> None:
    path = address(name, world.own)
    is_about = (name, method, allowed) in ABOUT_THINGS
    expected = expected_in(name, allowed, is_about=is_about) | {NOBODY: "sign in"}

    found = {who: outcome(ask(world, who, method, path)) for who in expected}

    assert found == expected


@pytest.mark.parametrize("name", sorted(BY_SITE & {*PAGES}))
def test_page_tells_nothing_of_another_site(world: World, name: str) -> None:
    if (name, "GET") not in {(page, method) for page, method, _ in WORKFLOW_PAGES}:
        return
    found = {
        who: _told(ask(world, who, "GET", address(name, world.own)))
        for who in (LIMITED, ELSEWHERE)
    }

    for secret in ("cards-0", "cards-1", "cards-2", "cards-broken", "North"):
        assert secret not in found[ELSEWHERE], secret
    # It can fail: with the site of all that there is, something is told. Not of what
    # is another person's own.
    is_untold = name == "accounts:key-list" or name in OWN
    assert found[LIMITED] != found[ELSEWHERE] or is_untold


def _told(answer: HttpResponseBase) -> str:
    """Return what a page says, without tags, ids and tokens."""
    content: bytes = getattr(answer, "content", b"")
    text = re.sub(
        r"<(script|svg).*?</\1>|<[^>]*>",
        " ",
        content.decode(errors="replace"),
        flags=re.S,
    )
    return " ".join(text.split())


@pytest.mark.parametrize("name", PAGES)
def test_page_of_a_workflow_takes_no_other_method(world: World, name: str) -> None:
    taken = {method for known, method, _ in WORKFLOW_PAGES if known == name}
    path = address(name, world.own)

    found = {
        method: ask(world, EVERYTHING, method, path).status_code
        for method in METHODS - taken
    }

    assert set(found.values()) == {405}, found


@pytest.mark.parametrize(("name", "method", "allowed"), ABOUT_THINGS)
def test_thing_of_another_workflow_is_not_found(
    world: World, name: str, method: str, allowed: str
) -> None:
    # The stranger has every role in the other workflow, whose slug opens the door.
    path = address(name, {**world.own, "slug": world.foreign["slug"]})
    nowhere = address(name, {**world.foreign, **_unknown(world)})

    theirs = ask(world, STRANGER, method, path)
    missing = ask(world, STRANGER, method, nowhere)

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert _words(theirs, path) == _words(missing, nowhere)


def _unknown(world: World) -> dict[str, object]:
    """Name, for each kind of thing, an id that nothing has."""
    nothing = "00000000-0000-7000-8000-000000000000"
    return {
        name: value if name in {"slug", "file_format", "external_id"} else nothing
        for name, value in world.foreign.items()
    }


@pytest.mark.parametrize("who", [ROLELESS, STRANGER])
@pytest.mark.parametrize(("name", "method", "allowed"), WORKFLOW_PAGES)
def test_workflow_of_others_looks_like_one_that_is_not_there(
    world: World, who: str, name: str, method: str, allowed: str
) -> None:
    path = address(name, world.own)
    nowhere = address(name, {**world.own, "slug": "nowhere"})

    theirs, missing = (ask(world, who, method, one) for one in (path, nowhere))

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert _words(theirs, path) == _words(missing, nowhere)


def _words(answer: HttpResponseBase, path: str) -> str:
    """Return the body, without the address that it repeats and the form's token."""
    content: bytes = getattr(answer, "content", b"")
    return "\n".join(
        line
        for line in content.decode().replace(path, "").splitlines()
        if "csrf" not in line.lower() and "nonce" not in line
    )


@pytest.mark.parametrize(("name", "method", "allowed"), SITE_PAGES)
def test_page_of_the_site(world: World, name: str, method: str, allowed: str) -> None:
    ids = {**world.own, "key": "x", "uidb36": "x", "pk": 1}
    path = address(name, ids)

    found = {
        who: ask(world, who, method, path) for who in (NOBODY, ROLELESS, "R", ADMIN)
    }

    assert max(answer.status_code for answer in found.values()) < 500
    said = {who: outcome(answer) for who, answer in found.items()}
    if allowed == PUBLIC:
        wanted = "sign in" if name in STEPS_OF_SIGNING_IN else "yes"
        assert said[NOBODY] in {wanted, "404"}
        return
    if allowed == MACHINE:
        assert set(said.values()) == {"403"}, "no sign-in opens it"
        return
    assert said[NOBODY] == "sign in"
    if allowed == SITE_ADMIN:
        assert (said[ROLELESS], said["R"]) == ("403", "403")
        assert said[ADMIN] in {"yes", "404"}
        return
    also = OTHER_ANSWERS.get(name, frozenset())
    assert {said[ROLELESS], said["R"], said[ADMIN]} <= {"yes", "404", *also}


def test_admin_site_is_for_site_admins(world: World) -> None:
    plain = {
        name: f"/{route}"
        for name, route in patterns().items()
        if name.startswith("admin:") and "<" not in route and "(" not in route
    }
    for name, path in plain.items():
        if name in ADMIN_PUBLIC:
            continue
        for who in (NOBODY, ROLELESS, EVERYTHING):
            assert ask(world, who, "GET", path).status_code in {302, 403}, name
    assert len(plain) > 10
    assert ask(world, ADMIN, "GET", "/admin/").status_code == 200


def test_somebody_elses_key_is_not_found(world: World) -> None:
    path = address("accounts:key-revoke", world.own)

    assert ask(world, ROLELESS, "POST", path).status_code == 404
    assert ask(world, STRANGER, "POST", path).status_code == 404


def test_what_is_ones_own_is_let_through(world: World) -> None:
    pages = [row for row in WORKFLOW_PAGES if row[0] in OWN]

    for name, method, _ in pages:
        assert outcome(ask(world, AUTHOR, method, address(name, world.own))) == "yes"
    assert pages
