import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_static_addresses(settings: Settings) -> None:
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}


def test_style_guide_shows_a_site_admin_every_shape(client: Client, root: User) -> None:
    client.force_login(root)
    answer = client.get(reverse("ui:style-guide"))
    assert answer.status_code == 200
    assert "Payment of 1,240.00" in answer.content.decode()


def test_style_guide_is_refused_to_anybody_else(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.get(reverse("ui:style-guide"))
    assert answer.status_code == 403
    assert "This is not yours to open" in answer.content.decode()


def test_style_guide_sends_a_stranger_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("ui:style-guide"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_every_page_forbids_inline_code_and_other_hosts(
    client: Client, root: User
) -> None:
    client.force_login(root)
    policy = client.get(reverse("ui:style-guide"))["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_page_not_found_keeps_the_chosen_theme(client: Client, mallory: User) -> None:
    client.cookies["theme"] = "dark"
    client.force_login(mallory)
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert 'data-theme="dark"' in answer.content.decode()
