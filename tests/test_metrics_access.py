"""Metrics name workflows and their backlogs: not for whoever reaches the address."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
TOKEN = "x7-of-the-scraper"


def ask(client: Client, host: str = "localhost", **headers: str) -> int:
    remote = headers.pop("remote", "127.0.0.1")
    answer = client.get(
        "/metrics", headers={"Host": host, **headers}, REMOTE_ADDR=remote
    )
    assert (b"countersign_" in answer.content) is (answer.status_code == 200)
    return answer.status_code


@pytest.fixture
def any_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]


@pytest.mark.usefixtures("any_host")
@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("localhost", "127.0.0.1"),
        ("localhost:8000", "127.0.0.1"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "::1"),
    ],
)
def test_this_machine_reads_them_without_a_token(
    client: Client, host: str, remote: str
) -> None:
    assert ask(client, host, remote=remote) == 200


@pytest.mark.usefixtures("any_host")
@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("localhost", "203.0.113.5"),
        ("localhost", "198.51.100.7"),
        ("localhost", ""),
        ("localhost", "unknown"),
        ("countersign.example.org", "127.0.0.1"),
        ("localhost.example.org", "127.0.0.1"),
    ],
)
def test_others_do_not(client: Client, host: str, remote: str) -> None:
    assert ask(client, host, remote=remote) == 403


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"],
)
def test_loopback_is_no_proof_when_the_request_was_passed_on(
    client: Client, header: str
) -> None:
    assert ask(client, **{header: "127.0.0.1"}) == 403


def test_loopback_is_no_proof_behind_a_proxy(
    client: Client, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True

    assert ask(client) == 403


@pytest.mark.usefixtures("any_host")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_token_opens_them_from_anywhere(
    client: Client, settings: Settings, scheme: str
) -> None:
    settings.METRICS_TOKEN, settings.BEHIND_PROXY = TOKEN, True

    given = {"Authorization": f"{scheme} {TOKEN}", "X-Forwarded-For": "203.0.113.5"}

    assert ask(client, "web:8000", remote="198.51.100.7", **given) == 200


@pytest.mark.parametrize(
    "given", ["", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}"]
)
def test_where_there_is_a_token_nothing_else_opens_them(
    client: Client, settings: Settings, given: str
) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert ask(client, **({"Authorization": given} if given else {})) == 401


def test_challenge_names_the_scheme(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert client.get("/metrics")["WWW-Authenticate"].startswith("Bearer")
