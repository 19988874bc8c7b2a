"""A password that an admin made: it opens one page, the one that changes it."""

import re
from datetime import datetime
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import set_temporary_password
from tests.accounts.test_sign_in import ada as ada
from tests.accounts.test_sign_in import sign_in, signed_in
from tests.factories.accounts import (
    ApiKeyFactory,
    MembershipFactory,
    ScopeFactory,
    bearer,
)

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"


@pytest.fixture
def temporary(ada: User, root: User, now: datetime) -> str:
    """Ada's password, made by an admin."""
    return set_temporary_password(user=ada, actor=root, now=now)


def change(client: Client, old: str, new: str, **more: str) -> HttpResponse:
    fields = {"oldpassword": old, "password1": new, "password2": new, **more}
    return client.post(  # type: ignore[return-value]  # the client's own subclass
        reverse("account_change_password"), fields
    )


@pytest.mark.parametrize("path", ["/", "/accounts/profile/", "/accounts/keys/"])
def test_temporary_password_opens_no_page_but_its_change(
    client: Client, ada: User, temporary: str, path: str
) -> None:
    assert sign_in(client, "ada", temporary).status_code == 302

    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{CHANGE}?{urlencode({'next': path})}"
    assert client.post("/accounts/profile/", {"name": "x"}).headers["Location"] == (
        CHANGE
    )
    page = client.get(CHANGE).content.decode()
    assert "made by a site admin" in page
    ada.refresh_from_db()
    assert ada.name == "Ada"


def test_fragment_is_led_to_the_change_as_a_whole_page(
    client: Client, ada: User, temporary: str
) -> None:
    sign_in(client, "ada", temporary)

    answer = client.get("/accounts/profile/", headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == CHANGE


def test_own_password_opens_the_pages_again(
    client: Client, ada: User, temporary: str
) -> None:
    sign_in(client, "ada", temporary)

    answer = change(client, temporary, "another-long-phrase", next="/accounts/profile/")

    assert answer.headers["Location"] == "/accounts/profile/"
    assert signed_in(client)
    ada.refresh_from_db()
    assert not ada.must_change_password
    assert "made by a site admin" not in client.get(CHANGE).content.decode()


def test_temporary_password_is_no_new_password(
    client: Client, ada: User, temporary: str
) -> None:
    sign_in(client, "ada", temporary)

    answer = change(client, temporary, temporary)

    assert "This is the present password." in answer.content.decode()
    assert not signed_in(client)


def test_reset_by_mail_replaces_a_temporary_password_too(
    client: Client, ada: User, temporary: str
) -> None:
    client.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    found = re.search(r"testserver(/accounts/\S+)", str(mail.outbox[0].body))
    assert found is not None
    form_url = client.get(found[1]).headers["Location"]
    new = "another-long-phrase"
    client.post(form_url, {"password1": new, "password2": new})

    sign_in(client, "ada", new)

    assert signed_in(client)


def test_keys_go_on_while_the_password_is_temporary(ada: User, temporary: str) -> None:
    scope = ScopeFactory.create()
    MembershipFactory.create(user=ada, scope=scope)
    key = ApiKeyFactory.create(owner=ada, scope=scope)
    browser = Client()
    sign_in(browser, "ada", temporary)

    for client in (Client(), browser):
        answer = client.get("/api/v1/workflows", headers=bearer(key))
        assert answer.status_code == 200


def test_one_may_leave_with_a_temporary_password(
    client: Client, ada: User, temporary: str
) -> None:
    sign_in(client, "ada", temporary)

    assert client.get(reverse("account_logout")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302
