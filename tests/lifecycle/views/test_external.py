"""The page on which a model that runs elsewhere is registered."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from tests.predictions.services.elsewhere import LABELS, Elsewhere, elsewhere

pytestmark = pytest.mark.django_db
URL = "/w/cards/models/external/"
DESCRIPTION = {
    "columns": [{"name": "amount", "kind": "number"}],
    "label_keys": LABELS,
    "name": "theirs",
}


@pytest.fixture
def here(settings: Any) -> Iterator[Elsewhere]:  # noqa: ANN401 -- a fixture
    with elsewhere() as server:
        settings.EXTERNAL_MODELS = {server.url: "hush-hush"}
        yield server


@pytest.fixture
def as_erin(workflow: Workflow, client: Client, erin: User) -> Client:
    client.force_login(erin)
    return client


def test_address_is_asked_and_registered(as_erin: Client, here: Elsewhere) -> None:
    page = as_erin.get(URL).content.decode()
    assert here.url in page
    assert "hush-hush" not in page
    assert "&quot;card_present&quot;" in page  # described as declared

    asked = {"endpoint": here.url, "description": json.dumps(DESCRIPTION)}
    answer = as_erin.post(URL, asked, follow=True)

    version = ModelVersion.objects.get()
    assert (version.endpoint, version.name) == (here.url, "theirs")
    detail = answer.content.decode()
    assert "v1 is registered, a candidate." in detail
    assert here.url in detail
    assert "sha256 of address and description" in detail
    assert len(here.asked) == 1


@pytest.mark.parametrize(
    ("endpoint", "description", "words"),
    [
        ("http://127.0.0.1:1/", DESCRIPTION, "the operator allows no such address"),
        ("http://169.254.169.254/", DESCRIPTION, "never written to"),
        ("", [1], "An object is expected"),
        ("", {"columns": []}, "Missing: label_keys"),
        ("", DESCRIPTION | {"x": 1}, "Unknown: x"),
        (
            "",
            DESCRIPTION | {"columns": [{"name": "age", "kind": "number"}]},
            "columns: not_declared: age",
        ),
    ],
)
def test_what_is_refused_is_said_beside_its_field(
    as_erin: Client, here: Elsewhere, endpoint: str, description: object, words: str
) -> None:
    asked = {
        "endpoint": endpoint or here.url,
        "description": json.dumps(description),
    }

    answer = as_erin.post(URL, asked)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ModelVersion.objects.exists()
    assert here.asked == []


def test_page_says_where_no_address_is_allowed(as_erin: Client) -> None:
    page = as_erin.get(URL).content.decode()

    assert "The operator allows no address yet" in page
    assert URL in as_erin.get("/w/cards/models/").content.decode()
