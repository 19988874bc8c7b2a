"""The bearer keys, behind a view of the test's own."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from accounts.api.authentication import BearerKeyAuthentication
from accounts.models import ApiKey, Scope, User
from accounts.permissions import Permission, actor_of
from accounts.services_keys import revoke_api_key
from tests.factories.accounts import ApiKeyFactory, key_for, plaintext_of

pytestmark = pytest.mark.django_db


class WhoAmI(APIView):
    authentication_classes = (BearerKeyAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        # The framework's own: these tests are about the answer's status and header.
        return exception_handler

    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        return Response(
            {
                "user": actor.user.username,
                "key": actor.key.prefix if actor.key else None,
                "may_add": actor.can(Permission.ITEMS_ADD, actor.key.scope_id)
                if actor.key
                else False,
            }
        )


@pytest.fixture
def call() -> Callable[[str | None], Response]:
    view = WhoAmI.as_view()

    def get(authorization: str | None) -> Response:
        headers = {"Authorization": authorization} if authorization else {}
        return view(APIRequestFactory().get("/", headers=headers))

    return get


Call = Callable[[str | None], Response]


def test_key_acts_as_its_owner(call: Call, scope: Scope, erin: User) -> None:
    key, plaintext = key_for(erin, scope)
    response = call(f"Bearer {plaintext}")
    assert response.status_code == 200
    assert response.data == {"user": "erin", "key": key.prefix, "may_add": True}


def test_scheme_is_read_in_any_case(call: Call, scope: Scope, erin: User) -> None:
    _, plaintext = key_for(erin, scope)
    assert call(f"bearer {plaintext}").status_code == 200


@pytest.mark.parametrize("header", [None, "Basic abc", "Token cs_x_y"])
def test_no_key_is_401_and_says_how(call: Call, header: str | None) -> None:
    response = call(header)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer  ",
        "Bearer a b",
        "Bearer cs_unknown_00",
        "Bearer no-underscore",
        "Bearer " + "x" * 5_000,
        "Bearer \xe9\xe9",
        "Bearer \x00",
    ],
)
def test_malformed_and_unknown_keys_are_401(call: Call, header: str) -> None:
    assert call(header).status_code == 401


def test_right_prefix_with_another_secret_is_401(
    call: Call, scope: Scope, erin: User
) -> None:
    key, plaintext = key_for(erin, scope)
    assert call(f"Bearer {key.prefix}_{'cd' * 32}").status_code == 401
    assert call(f"Bearer {plaintext}x").status_code == 401


def test_revoked_key_is_401_at_the_next_request(
    call: Call, scope: Scope, erin: User, now: datetime
) -> None:
    key, plaintext = key_for(erin, scope)
    assert call(f"Bearer {plaintext}").status_code == 200
    revoke_api_key(key=key, actor=erin, now=now)
    assert call(f"Bearer {plaintext}").status_code == 401


def test_expired_key_is_401(call: Call, erin: User) -> None:
    now = timezone.now()
    key = ApiKeyFactory.create(
        owner=erin, created_at=now - timedelta(days=2), expires_at=now
    )
    assert call(f"Bearer {plaintext_of(key.prefix)}").status_code == 401


def test_key_of_an_inactive_owner_is_401(call: Call, scope: Scope, erin: User) -> None:
    _, plaintext = key_for(erin, scope)
    User.objects.filter(pk=erin.pk).update(is_active=False)
    assert call(f"Bearer {plaintext}").status_code == 401


def test_request_costs_two_queries_once_the_use_is_noted(
    call: Call, scope: Scope, erin: User
) -> None:
    key, plaintext = key_for(erin, scope)
    call(f"Bearer {plaintext}")
    assert ApiKey.objects.get(pk=key.pk).last_used_at is not None
    with CaptureQueriesContext(connection) as queries:
        call(f"Bearer {plaintext}")
    assert len(queries) == 2
