import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_theme_is_kept_in_a_cookie_and_leads_back(client: Client, theme: str) -> None:
    answer = client.post(reverse("ui:theme"), {"theme": theme, "next": "/x/?a=1"})
    assert (answer.status_code, answer["Location"]) == (302, "/x/?a=1")
    cookie = answer.cookies["theme"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == (
        theme,
        "Lax",
        True,
    )


@pytest.mark.parametrize("way", ["https://elsewhere.example/", "//elsewhere.example"])
def test_theme_never_leads_to_another_host(client: Client, way: str) -> None:
    answer = client.post(reverse("ui:theme"), {"theme": "dark", "next": way})
    assert answer["Location"] == "/"


def test_unknown_theme_is_refused_and_named(client: Client) -> None:
    answer = client.post(reverse("ui:theme"), {"theme": "pink"})
    assert answer.status_code == 400
    assert answer.content == b"theme: must be one of auto, light, dark"
    assert "theme" not in answer.cookies


def test_theme_is_set_by_post_only(client: Client) -> None:
    assert client.get(reverse("ui:theme")).status_code == 405
