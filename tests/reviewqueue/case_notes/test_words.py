"""The words that moved a score stand where they stood, and are of the masked text."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from predictions.enums import Stage
from predictions.models import Explanation, ModelVersion, Prediction, Workflow
from predictions.services.explanations import explain_prediction
from predictions.services.novelty import oddities_of
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_external,
)
from reviewqueue.enums import RouteReason
from reviewqueue.models import Route
from reviewqueue.presentation import unlike_words
from tests.factories.notes import NOTE
from tests.factories.predictions import set_policy
from tests.predictions.services.elsewhere import Answer, elsewhere
from tests.reviewqueue.case_notes.steps import SECRETS, arrive, seen, url
from tests.reviewqueue.services.steps import claim

pytestmark = pytest.mark.django_db


def test_words_that_moved_the_score_lie_where_they_stand(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    text = f"\U0001f600 cafe\u0301 \u202e{NOTE} <script>alert(1)</script>"
    arrive(workflow, text, now=now)
    claim(workflow, reader, now=now)
    client.force_login(reader)
    page = client.get(url("review")).content.decode()

    assert "<script>alert(1)" not in page
    assert 'title="U+202E, a character without a look"' in page
    [said] = [one for one in Explanation.objects.get().contributions if "words" in one]
    assert said["is_exact"]
    assert said["value"] is None
    moved = {text[one["start"] : one["end"]] for one in said["words"]}
    assert moved <= set(re.findall(r"\w+", text))
    assert not moved & {"Anna", "Kovacs"}
    found = re.findall(
        r'<mark class="moved [^"]*" data-start="([0-9]+)"[^>]*>([^<]+)</mark>', page
    )
    assert found
    assert all(text[int(at) :].startswith(word) for at, word in found)


def test_blind_case_shows_the_text_and_no_words_that_moved(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    reader: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, mode="all", blind_share=1, second_opinion_share=0)
    arrive(workflow, NOTE, now=now)
    client.force_login(reader)
    page = client.get(url("review")).content.decode()

    assert "chest pain" in seen(client.get(url("review")))
    assert 'class="moved' not in page
    assert not Explanation.objects.exists()


def test_note_of_words_that_nobody_used_goes_to_people_as_unlike(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    arrive(workflow, "Zork plugh quux fnord xyzzy gribble wibble", now=now)
    assert Route.objects.get().reason == RouteReason.UNLIKE
    [odd] = oddities_of(Prediction.objects.get())
    [line] = unlike_words([odd], {"note": "Zork"}, workflow.declaration)
    assert "words are unknown to the model" in line
    assert "Zork" not in line


def test_model_elsewhere_is_sent_the_masked_text_and_explained_by_it(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> None:
    labels = ["routine", "urgent"]

    def answer(request: dict[str, Any]) -> Answer:
        texts = [row[0] or "" for row in request["rows"]]
        rows = [[0.2, 0.8] if "pain" in one else [0.9, 0.1] for one in texts]
        said = {"label_keys": labels, "probabilities": rows}
        return 200, {}, json.dumps(said).encode()

    with elsewhere(answer) as here:
        settings.EXTERNAL_MODELS = {here.url: "hush"}
        kinds = {"note": "text", "days_since": "number"}
        columns = [{"name": name, "kind": kind} for name, kind in kinds.items()]
        version = register_external(
            workflow=workflow,
            endpoint=here.url,
            description=ModelDescription(columns=columns, label_keys=labels),
            by=None,
            now=now,
        )
        to = Stage.CHAMPION
        change_stage(version=version, to=to, by=None, reason="test", now=now)
        here.asked.clear()
        arrive(workflow, NOTE, "all is well", now=now)
        sent = [row[0] for row in here.asked[0]["rows"]]
        first = Prediction.objects.get(label="urgent")
        told = explain_prediction(first, now=now)

    assert len(sent) == 2
    assert "chest pain" in "".join(sent)
    assert not any(secret in "".join(sent) for secret in SECRETS)
    assert len(max(sent, key=len)) == len(NOTE)
    assert [(one["feature"], one["value"]) for one in told] == [("note", None)]
    assert told[0]["effect"] > 3
