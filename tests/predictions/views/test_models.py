"""Pages about model versions: what they are, moving them, rolling back."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.enums import ModelEventKind, Stage
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.registry import change_stage
from tests.factories.predictions import make_model

pytestmark = pytest.mark.django_db

URL = "/w/cards/models/"


@pytest.fixture
def as_erin(client: Client, erin: User) -> Client:
    client.force_login(erin)
    return client


def stage(
    client: Client, version: ModelVersion, to: str, reason: str = "better"
) -> int:
    url = f"{URL}{version.pk}/stage/"
    return client.post(url, {"to": to, "reason": reason}).status_code


def test_list_names_versions_and_what_failed_lately(
    champion: ModelVersion, as_erin: Client
) -> None:

    ModelEvent.objects.create(
        model_version=champion,
        kind=ModelEventKind.FAILED,
        reason="model_timeout",
        n_items=1234,
        at=timezone.now(),
    )

    page = as_erin.get(URL).content.decode()
    assert "v1 is champion" in page
    assert "model_timeout" in page
    assert "1,234" in page


def test_detail_shows_hash_columns_and_report(
    champion: ModelVersion, as_erin: Client
) -> None:
    page = as_erin.get(f"{URL}{champion.pk}/").content.decode()

    assert champion.sha256 in page
    for column in champion.columns:
        assert column["name"] in page


def test_candidate_becomes_champion_with_a_reason(
    workflow: Workflow, as_erin: Client, erin: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)

    assert stage(as_erin, version, "champion") == 302

    version.refresh_from_db()
    assert version.stage == Stage.CHAMPION
    event = ModelEvent.objects.get(to_stage=Stage.CHAMPION)
    assert (event.actor, event.reason) == (erin, "better")


@pytest.mark.parametrize(
    ("to", "reason", "status"),
    [("champion", "", 422), ("best", "x", 422), ("candidate", "x", 409)],
)
def test_move_that_is_none_changes_nothing(
    champion: ModelVersion, as_erin: Client, to: str, reason: str, status: int
) -> None:
    assert stage(as_erin, champion, to, reason) == status

    champion.refresh_from_db()
    assert champion.stage == Stage.CHAMPION


def test_rollback_brings_the_former_champion_back(
    workflow: Workflow, champion: ModelVersion, as_erin: Client, now: datetime
) -> None:
    second = make_model(workflow, now=now)
    later = now + timedelta(days=1)
    change_stage(version=second, to=Stage.CHAMPION, by=None, reason="r", now=later)

    answer = as_erin.post(f"{URL}rollback/", {"reason": "worse"}, follow=True)

    assert "v1 is champion again" in answer.content.decode()
    champion.refresh_from_db()
    assert champion.stage == Stage.CHAMPION


def test_rollback_without_a_former_champion_says_so(
    champion: ModelVersion, as_erin: Client
) -> None:
    answer = as_erin.post(f"{URL}rollback/", {"reason": "worse"}, follow=True)

    assert "No earlier champion" in answer.content.decode()


def test_reviewers_move_nothing_and_strangers_see_nothing(
    champion: ModelVersion, client: Client, alice: User, mallory: User
) -> None:
    client.force_login(alice)
    assert stage(client, champion, "retired") == 403
    client.force_login(mallory)
    assert client.get(f"{URL}{champion.pk}/").status_code == 404
    assert stage(client, champion, "retired") == 404
