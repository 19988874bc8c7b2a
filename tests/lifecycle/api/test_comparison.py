"""A version against the champion, as programs meet it."""

from datetime import UTC, datetime, timedelta

import pytest

from predictions.enums import Stage
from predictions.models import Workflow
from tests.factories.predictions import make_champion, make_model
from tests.lifecycle.comparing import run
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.trust_steps import plan

pytestmark = pytest.mark.django_db


def test_comparison_is_answered_with_its_figures(call: Call, live: Workflow) -> None:
    then = datetime.now(UTC) - timedelta(days=1)
    plan(live, now=then, evidence="all")
    make_champion(live, now=then)
    beside = make_model(live, now=then, stage=Stage.CHALLENGER, share=0.5)
    run(live, 10, now=then)

    answer = call("GET", f"models/{beside.pk}/comparison").json()

    assert (answer["model_version"], answer["stage"]) == (2, "challenger")
    found = answer["comparison"]
    assert (found["champion"], found["challenger"]) == (1, 2)
    assert (found["overall"]["n"], found["overall"]["n_open"]) == (0, 10)
    assert found["overall"]["verdict"] == "undecided"
    assert answer["says"] == found["overall"]["says"]


def test_what_is_not_compared_says_why(call: Call, live: Workflow) -> None:
    champion = make_champion(live, now=datetime.now(UTC))

    answer = call("GET", f"models/{champion.pk}/comparison").json()

    assert answer["comparison"] is None
    assert answer["says"].startswith("Nothing is compared")
