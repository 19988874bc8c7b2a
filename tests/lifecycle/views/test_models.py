"""Pages about model versions: what they are, moving them, rolling back."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.enums import ModelEventKind, Stage
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.registry import change_stage
from tests.factories.predictions import make_model
from ui.numbers import NBSP

pytestmark = pytest.mark.django_db

URL = "/w/cards/models/"


@pytest.fixture
def as_erin(client: Client, erin: User) -> Client:
    client.force_login(erin)
    return client


def stage(
    client: Client,
    version: ModelVersion,
    to: str,
    reason: str = "better",
    percent: str = "",
) -> int:
    url = f"{URL}{version.pk}/stage/"
    asked = {"to": to, "reason": reason, "percent": percent}
    return client.post(url, asked).status_code


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
    for figure in ("brier", "ece"):
        assert f"<dd>{champion.report['test'][figure]:.4f}</dd>" in page


def text_of(client: Client, version: ModelVersion) -> str:
    page = client.get(f"{URL}{version.pk}/").content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0, None),
        (0.02, "what is at least as far from it as 2 % of the 600 rows held out"),
        (
            0.001,
            "nothing : 600 rows were held out to measure by, which tell apart 0.17 % "
            "at best, and 0.1 % is asked for",
        ),
    ],
)
def test_detail_says_whether_the_version_can_tell_what_is_unlike(
    champion: ModelVersion, as_erin: Client, share: float, told: str | None
) -> None:
    workflow = champion.workflow
    rules = workflow.declaration_json["model"] | {"unlike_share": share}
    workflow.declaration_json |= {"model": rules}
    workflow.version += 1
    workflow.save()

    text = text_of(as_erin, champion)

    assert ("as unlike what it learnt from" in text) == (told is not None)
    assert told is None or told in text


def test_detail_shows_the_whole_report_in_words(
    champion: ModelVersion, as_erin: Client
) -> None:
    text = text_of(as_erin, champion)

    report, test = champion.report, champion.report["test"]
    counts = test["at_threshold"]
    found, missed = counts["true_positive"], counts["false_negative"]
    alarmed, passed = counts["false_positive"], counts["true_negative"]
    assert champion.label_keys == ["fraud", "legitimate"]
    assert "Labels Fraud (positive) , Legitimate " in text
    assert f"Fraud positive {test['labels'][0]['n']} {found + alarmed}" in text
    assert f"Legitimate {test['labels'][1]['n']} {missed + passed}" in text
    assert f"as Fraud as Legitimate Fraud {found} {missed} " in text
    assert f" Legitimate {alarmed} {passed} " in text
    assert f"Seed {report['seed']} " in text
    assert report["data_sha256"] in text
    assert f"scikit-learn {report['versions']['scikit-learn']}" in text
    for name in ("Learned from", "Calibrated on", "Reported on"):
        assert name in text
    assert "Amount amount number € 0 to 100,000" in text
    assert "Card present card_present category" in text


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"test": "good", "split": 3, "versions": ["x"], "label_counts": {"fraud": "7"}},
        {"test": {"n": 10**30, "labels": 7}, "seed": True, "algorithm": {"a": 1}},
        {"test": {"n": 3, "roc_auc": "NaN", "labels": [1, {"label": "fraud"}]}},
        {"test": {"n": "many"}},
        {"split": {"train": {"n": 3, "from": "soon", "to": "2026-01-01"}}},
    ],
)
def test_report_of_another_shape_is_shown_as_far_as_it_can_be_read(
    workflow: Workflow, as_erin: Client, now: datetime, report: dict[str, object]
) -> None:
    version = make_model(workflow, now=now)
    ModelVersion.objects.filter(pk=version.pk).update(report=report)

    answer = as_erin.get(f"{URL}{version.pk}/")

    assert answer.status_code == 200
    assert version.sha256 in answer.content.decode()
    assert as_erin.get(URL).status_code == 200


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


def test_challenger_is_made_with_its_share_and_the_page_says_so(
    workflow: Workflow, as_erin: Client, now: datetime
) -> None:
    version = make_model(workflow, now=now, stage=Stage.SHADOW)
    asks = as_erin.get(f"{URL}{version.pk}/").content.decode()
    assert 'name="percent" type="number" min="0.1" max="50"' in asks
    assert 'value="10"' in asks

    assert stage(as_erin, version, "challenger", percent="12.5") == 302
    assert stage(as_erin, version, "challenger", percent="25") == 302

    version.refresh_from_db()
    assert (version.stage, version.route_share) == (Stage.CHALLENGER, 0.25)
    page = as_erin.get(f"{URL}{version.pk}/").content.decode().replace(NBSP, " ")
    assert "25 % of the items" in page
    assert "Another share of the items" in page
    assert "challenger → challenger (25 % of the items)" in page
    assert f"Challenger 25{NBSP}%" in as_erin.get(URL).content.decode()


@pytest.mark.parametrize(
    ("percent", "status", "words"),
    [("60", 409, "at most 50%"), ("nan", 422, "Enter a number"), ("x", 422, "number")],
)
def test_share_that_is_none_is_told_beside_the_form(
    workflow: Workflow,
    as_erin: Client,
    now: datetime,
    percent: str,
    status: int,
    words: str,
) -> None:
    version = make_model(workflow, now=now, stage=Stage.SHADOW)
    asked = {"to": "challenger", "reason": "r", "percent": percent}

    answer = as_erin.post(f"{URL}{version.pk}/stage/", asked)

    assert answer.status_code == status
    assert words in answer.content.decode()
    version.refresh_from_db()
    assert version.stage == Stage.SHADOW


def test_what_a_challenger_decided_alone_is_one_click_away(
    workflow: Workflow, client: Client, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now, stage=Stage.CHALLENGER)
    later = now + timedelta(days=1)
    change_stage(version=version, to=Stage.RETIRED, by=None, reason="r", now=later)
    client.force_login(sam)

    page = client.get(f"{URL}{version.pk}/").content.decode()

    scope = urlencode({"version": 1, "since": now.isoformat()}).replace("&", "&amp;")
    assert f'href="/w/cards/repair/?{scope}"' in page


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


def test_rollback_shows_what_the_retired_version_decided_alone(
    workflow: Workflow, champion: ModelVersion, client: Client, sam: User, now: datetime
) -> None:
    second = make_model(workflow, now=now)
    later = now + timedelta(days=1)
    change_stage(version=second, to=Stage.CHAMPION, by=None, reason="r", now=later)
    client.force_login(sam)

    answer = client.post(f"{URL}rollback/", {"reason": "worse"}, follow=True)

    (address, _), *_ = answer.redirect_chain
    scope = urlencode({"version": 2, "since": later.isoformat()})
    assert address == f"/w/cards/repair/?{scope}"
    assert answer.status_code == 200
    assert "v1 is champion again" in answer.content.decode()


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
