"""Champions are ready before the first request that waits for a score."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from predictions.enums import Stage
from predictions.learning.scorer import ScorerProcess, shared_scorer
from predictions.models import ModelVersion, Workflow
from predictions.services.artifacts import scorer_model
from predictions.services.warm_up import warm_scorer
from tests.factories.predictions import make_champion, make_model, make_workflow


@pytest.fixture
def cold() -> Iterator[ScorerProcess]:
    shared_scorer().close()
    yield shared_scorer()
    shared_scorer().close()


@pytest.mark.django_db(transaction=True)
def test_champions_are_loaded_and_others_are_not(
    cold: ScorerProcess, workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    shadow = make_model(workflow, now=now, stage=Stage.SHADOW)
    cold.close()

    assert warm_scorer() == 1

    assert cold.is_loaded(scorer_model(version))
    assert not cold.is_loaded(scorer_model(shadow))


@pytest.mark.django_db(transaction=True)
def test_champion_that_cannot_be_loaded_stops_no_other(
    cold: ScorerProcess,
    workflow: Workflow,
    version: ModelVersion,
    now: datetime,
    settings: Settings,
    tmp_path: Path,
) -> None:
    other = make_champion(make_workflow(now=now, slug="loans"), now=now)
    settings.ARTIFACT_CACHE_DIR = tmp_path
    cold.close()
    version.artifact.storage.delete(version.artifact.name)

    assert warm_scorer() == 1

    assert cold.is_loaded(scorer_model(other))
    assert not version.events.filter(kind="failed").exists()


@pytest.mark.django_db(transaction=True)
def test_scorer_runs_before_there_is_a_champion(cold: ScorerProcess) -> None:
    assert warm_scorer() == 0
    assert cold.pid is not None


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_no_reason_to_fail(
    cold: ScorerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError

    monkeypatch.setattr(ModelVersion.objects, "filter", away)

    assert warm_scorer() == 0
    assert cold.pid is not None


@pytest.mark.django_db(transaction=True)
def test_pages_are_answered_meanwhile(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(self: ScorerProcess) -> None:
        begun.set()
        may_end.wait(30)

    monkeypatch.setattr(ScorerProcess, "start", slow)
    warming = threading.Thread(target=warm_scorer)
    warming.start()
    begun.wait()
    answers = [client.get(path) for path in ("/health/ready", "/accounts/login/")]
    is_warming = warming.is_alive()
    may_end.set()
    warming.join()

    assert is_warming
    assert [answer.status_code for answer in answers] == [200, 200]
