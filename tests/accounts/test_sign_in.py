import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccessEvent, User
from accounts.services import (
    set_temporary_password,
    set_user_active,
    update_profile,
)
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return UserFactory.create(
        username="ada", email="ada@example.org", password=PASSWORD
    )


def sign_in(client: Client, login: str, password: str) -> HttpResponse:
    fields = {"login": login, "password": password}
    return client.post(  # type: ignore[return-value]  # the client's own subclass
        reverse("account_login"), fields
    )


def signed_in(client: Client) -> bool:
    return client.get(reverse("accounts:profile")).status_code == 200


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org", "Ada@Example.org"])
def test_sign_in_by_username_or_address_in_any_case(
    client: Client, ada: User, login: str
) -> None:
    response = sign_in(client, login, PASSWORD)
    assert response.status_code == 302
    assert signed_in(client)


@pytest.mark.parametrize(
    ("login", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "")]
)
def test_wrong_sign_in_does_not_say_which_part_was_wrong(
    client: Client, ada: User, login: str, password: str
) -> None:
    response = sign_in(client, login, password)
    assert response.status_code == 200
    assert "exist" not in response.content.decode()
    assert not signed_in(client)


def test_pages_lead_to_the_sign_in(client: Client) -> None:
    response = client.get(reverse("accounts:profile"))
    assert response.status_code == 302
    assert response.headers["Location"] == "/accounts/login/?next=/accounts/profile/"


def test_sixth_try_after_five_failures_is_locked_even_with_the_right_password(
    client: Client, ada: User
) -> None:
    statuses = [sign_in(client, "ada", "wrong").status_code for _ in range(5)]
    assert statuses == [200] * 5
    locked = sign_in(client, "Ada", PASSWORD)
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "300"
    assert "Sign-in locked for now" in locked.content.decode()
    assert not signed_in(client)


def test_lockout_leaves_one_event_however_often_the_door_is_tried(
    client: Client, ada: User
) -> None:
    for _ in range(8):
        sign_in(client, "ada", "wrong")
    (event,) = AccessEvent.objects.all()
    assert event.kind == "sign_in_locked"
    assert event.subject == ada


def test_lockout_holds_for_the_name_and_the_address_that_failed(
    client: Client, ada: User
) -> None:
    bob = UserFactory.create(username="bob", password=PASSWORD)
    for _ in range(6):
        sign_in(client, "ada", "wrong")
    assert sign_in(Client(), bob.username, PASSWORD).status_code == 302
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert sign_in(elsewhere, "ada", PASSWORD).status_code == 302


def test_successful_sign_ins_do_not_count(client: Client, ada: User) -> None:
    for _ in range(7):
        assert sign_in(Client(), "ada", PASSWORD).status_code == 302


def test_there_is_no_public_sign_up(client: Client) -> None:
    fields = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
    response = client.post(reverse("account_signup"), fields)
    assert "No public sign-up" in response.content.decode()
    assert not User.objects.exists()


def test_sign_out_needs_a_post(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get(reverse("account_logout")).status_code == 200
    assert signed_in(client)
    assert client.post(reverse("account_logout")).status_code == 302
    assert not signed_in(client)


def test_password_change_keeps_this_session_and_leaves_an_event(
    client: Client, ada: User
) -> None:
    other = Client()
    other.force_login(ada)
    client.force_login(ada)
    response = client.post(
        reverse("account_change_password"),
        {
            "oldpassword": PASSWORD,
            "password1": "another-long-phrase",
            "password2": "another-long-phrase",
        },
    )
    assert response.status_code == 302
    assert signed_in(client)
    assert not signed_in(other)
    assert AccessEvent.objects.get().kind == "password_changed"


@pytest.mark.parametrize("password", ["short", "password1234", "8642097531", "ada-ada"])
def test_weak_passwords_are_refused(client: Client, ada: User, password: str) -> None:
    client.force_login(ada)
    fields = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert client.post(reverse("account_change_password"), fields).status_code == 200
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_reset_by_mail_gives_a_link_that_works_once(client: Client, ada: User) -> None:
    client.post(reverse("account_reset_password"), {"email": "ADA@example.org"})
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    found = re.search(
        r"http://testserver(/accounts/password/reset/key/\S+)", str(str(message.body))
    )
    assert found is not None
    form_url = client.get(found[1]).headers["Location"]
    new = {"password1": "another-long-phrase", "password2": "another-long-phrase"}
    assert client.post(form_url, new).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("another-long-phrase")
    assert AccessEvent.objects.get().kind == "password_reset"
    assert "invalid" in Client().get(found[1]).content.decode()


def test_reset_mail_is_in_the_words_of_the_product(client: Client, ada: User) -> None:
    before = timezone.now()
    client.post(reverse("account_reset_password"), {"email": "ada@example.org"})

    (message,) = mail.outbox
    ends = before + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    minutes = [ends + timedelta(minutes=n) for n in (0, 1)]
    body = str(message.body)
    assert message.subject == "[Countersign] Choose a new password"
    assert message.content_subtype == "plain"
    assert not message.alternatives  # type: ignore[attr-defined]  # it is multipart
    assert "for your account on Countersign,\nada.\n" in body
    assert "works once, until " in body
    assert any(f"{one:%-d %b %Y, %H:%M} UTC" in body for one in minutes)
    assert "testserver!" not in body
    assert "Thank you for using" not in body


def test_mail_to_an_address_without_account_offers_no_sign_up(client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})

    (message,) = mail.outbox
    assert message.subject == "[Countersign] No account with this address"
    assert "ask your site admin" in str(message.body)
    assert "sign up" not in str(message.body)
    assert "http" not in str(message.body)


def test_reset_does_not_say_whether_an_address_is_known(
    client: Client, ada: User
) -> None:
    known = client.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    unknown = client.post(reverse("account_reset_password"), {"email": "x@example.org"})
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )


def reset_mails(email: str) -> list[str]:
    mail.outbox.clear()
    Client().post(reverse("account_reset_password"), {"email": email})
    return [str(message.body) for message in mail.outbox]


def move_address(user: User, email: str) -> None:
    reset_mails(user.email)  # allauth keeps an address once it was asked about
    update_profile(user=user, name="", email=email, wants_alert_mails=True)


def test_reset_never_goes_to_an_address_that_was_given_up(ada: User) -> None:
    move_address(ada, "ada@new.example.org")

    (to_old,) = reset_mails("ada@example.org")
    assert "No account" in mail.outbox[0].subject
    assert "http" not in to_old
    (to_new,) = reset_mails("ada@new.example.org")
    assert "/accounts/password/reset/key/" in to_new


def test_reset_for_who_took_an_address_over_is_of_their_account_alone(
    ada: User,
) -> None:
    reset_mails(ada.email)
    # As an account stands whose address moved before former ones were forgotten.
    User.objects.filter(pk=ada.pk).update(email="ada@new.example.org")
    UserFactory.create(username="bob", email="ada@example.org", password=PASSWORD)

    (body,) = reset_mails("ada@example.org")
    assert "\nbob.\n" in body


def test_address_that_was_given_up_signs_nobody_in(client: Client, ada: User) -> None:
    move_address(ada, "ada@new.example.org")

    sign_in(client, "ada@example.org", PASSWORD)
    assert not signed_in(client)
    sign_in(client, "ada@new.example.org", PASSWORD)
    assert signed_in(client)


def test_deactivated_user_is_out_at_the_next_request(
    client: Client, ada: User, root: User, now: datetime
) -> None:
    client.force_login(ada)
    assert signed_in(client)
    set_user_active(user=ada, active=False, actor=root, now=now)
    assert not signed_in(client)
    sign_in(client, "ada", PASSWORD)
    assert not signed_in(client)


def test_temporary_password_ends_the_sessions(
    client: Client, ada: User, root: User, now: datetime
) -> None:
    client.force_login(ada)
    set_temporary_password(user=ada, actor=root, now=now)
    assert not signed_in(client)


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_reset_password",
        "account_reset_password_done",
        "account_signup",
        "account_inactive",
    ],
)
def test_pages_for_nobody_are_whole(client: Client, name: str) -> None:
    body = client.get(reverse(name)).content.decode()
    assert body.count("<h1") == 1
    assert " · Countersign</title>" in body


def whole(body: str) -> bool:
    return (
        body.count("<h1") == 1
        and " · Countersign</title>" in body
        and " style=" not in body
        and " onclick=" not in body
    )


@pytest.mark.parametrize(
    "name", ["account_change_password", "account_logout", "mfa_index"]
)
def test_pages_for_people_are_whole(client: Client, ada: User, name: str) -> None:
    client.force_login(ada)
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert whole(response.content.decode())


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn"])
def test_second_factor_asks_for_the_password_again(
    client: Client, ada: User, name: str
) -> None:
    client.force_login(ada)
    asked = client.get(reverse(name))
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert whole(client.get(asked.headers["Location"]).content.decode())
    response = client.post(
        asked.headers["Location"], {"password": PASSWORD}, follow=True
    )
    assert response.redirect_chain[-1][0] == reverse(name)
    assert whole(response.content.decode())


def current_code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def test_authenticator_app_is_asked_for_at_the_next_sign_in(
    client: Client, ada: User, fresh_cache: Callable[[], None]
) -> None:
    client.force_login(ada)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    response = client.post(reverse("mfa_activate_totp"), {"code": current_code(secret)})
    assert response.status_code == 302
    other = Client()
    assert sign_in(other, "ada", PASSWORD).headers["Location"] == (
        reverse("mfa_authenticate")
    )
    assert not signed_in(other)
    assert whole(other.get(reverse("mfa_authenticate")).content.decode())
    fresh_cache()  # a code is good once; the next one is half a minute away
    other.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    assert signed_in(other)


def test_admin_uses_the_same_sign_in(client: Client) -> None:
    response = client.get("/admin/login/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


def test_addresses_are_changed_on_the_profile_only(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/accounts/email/").headers["Location"] == "/accounts/profile/"
