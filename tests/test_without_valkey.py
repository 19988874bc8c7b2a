"""Valkey carries wake-ups: people who are signed in go on without it."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from predictions.models import Workflow
from tests.factories.accounts import UserFactory


@pytest.fixture
def client_without_valkey(db: None, settings: Settings) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory.create())
    nowhere = {**settings.CACHES["default"], "LOCATION": "redis://localhost:1"}
    settings.CACHES = {"default": nowhere}
    return client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/health/live", 200),
        ("/health/ready", 503),
        ("/api/v1/schema/", 200),
    ],
)
def test_pages_answer_without_valkey(
    client_without_valkey: Client, path: str, status: int
) -> None:
    assert client_without_valkey.get(path).status_code == status


def test_signing_in_says_that_it_must_wait(client_without_valkey: Client) -> None:
    client_without_valkey.logout()

    answer = client_without_valkey.post(
        "/accounts/login/", {"login": "alice", "password": "no"}
    )

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert b"try again" in answer.content


def test_readiness_names_the_part_that_is_down(client_without_valkey: Client) -> None:
    answer = client_without_valkey.get("/health/ready").json()

    assert answer["parts"] == {"database": "ok", "valkey": "down"}


def test_dashboard_says_that_workers_are_unknown(
    client_without_valkey: Client, workflow: Workflow, sam: User
) -> None:
    client_without_valkey.force_login(sam)

    answer = client_without_valkey.get(f"/w/{workflow.slug}/dashboard/")

    assert answer.status_code == 200
    assert b">unknown</td>" in answer.content
    assert b">no worker</span>" not in answer.content
