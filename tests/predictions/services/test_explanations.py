from datetime import datetime

import pytest

from predictions.learning.failures import ModelTimedOut
from predictions.learning.scorer import ScorerProcess
from predictions.models import Explanation, ModelVersion, Prediction, Workflow
from predictions.services.explanations import explain_prediction
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def prediction(workflow: Workflow, champion: ModelVersion, now: datetime) -> Prediction:
    """A payment that the model calls fraud: large, and without the card."""
    store(workflow, [raw_item(0, now=now, amount=2000, card_present="no")], now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    return Prediction.objects.get()


def test_explanation_names_what_moved_the_score_largest_first(
    prediction: Prediction, now: datetime
) -> None:
    assert prediction.label == "fraud"

    found = explain_prediction(prediction, now=now)

    moved = {one["feature"]: one for one in found}
    assert {"amount", "card_present"} <= set(moved)
    assert moved["amount"]["value"] == 2000
    assert moved["amount"]["effect"] > 0
    assert moved["card_present"]["value"] == "no"
    sizes = [abs(one["effect"]) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    assert "customer" not in moved


def test_explanation_is_computed_once(
    prediction: Prediction, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = explain_prediction(prediction, now=now)

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ScorerProcess, "explain", never)
    assert explain_prediction(prediction, now=now) == first
    assert Explanation.objects.count() == 1


def test_model_that_cannot_be_asked_leaves_it_for_the_next_person(
    prediction: Prediction, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*args: object, **kwargs: object) -> None:
        raise ModelTimedOut("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(ScorerProcess, "explain", hang)
        assert explain_prediction(prediction, now=now) == []

    assert not Explanation.objects.exists()
    assert explain_prediction(prediction, now=now)
