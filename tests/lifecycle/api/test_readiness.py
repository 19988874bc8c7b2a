"""Readiness over the API."""

from datetime import UTC, datetime

import pytest

from lifecycle.enums import ProofKind
from lifecycle.models import Proof
from predictions.models import Workflow
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call

pytestmark = pytest.mark.django_db
READINESS = "workflows/live/readiness"


def test_every_question_has_an_answer_and_its_proof(call: Call, live: Workflow) -> None:
    make_champion(live, now=datetime.now(UTC))

    told = call("GET", READINESS).json()

    lines = {one["key"]: one for one in told["lines"]}
    assert len(lines) == len(told["lines"]) == 10
    assert {one["function"] for one in told["lines"]} == {
        "govern",
        "map",
        "measure",
        "manage",
    }
    assert told["n_yes"] == sum(one["verdict"] == "yes" for one in told["lines"])
    assert lines["restore"]["verdict"] == "never"
    assert lines["restore"]["proof"] == []
    assert lines["serving"]["proof"][0]["path"].startswith("/w/live/models/")


def test_rights_are_gone_through_as_they_were_seen(call: Call, live: Workflow) -> None:
    told = call("GET", f"{READINESS}/rights").json()

    answer = call(
        "POST", f"{READINESS}/rights", {"seen": told["seen"], "note": "Fine."}
    )

    assert answer.status_code == 201
    assert answer.json()["by"] == "robot"
    proof = Proof.objects.get(kind=ProofKind.RIGHTS, workflow=live)
    assert proof.data["rights"] == told["rights"]
    lines = {one["key"]: one for one in call("GET", READINESS).json()["lines"]}
    assert lines["rights"]["verdict"] == "yes"


def test_what_was_not_seen_is_not_recorded(call: Call, live: Workflow) -> None:
    answer = call("POST", f"{READINESS}/rights", {"seen": "0" * 64})

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("seen-changed")
    assert not Proof.objects.exists()


@pytest.mark.parametrize("body", [{}, {"seen": 7}, {"seen": "x" * 65}, {"what": "x"}])
def test_bad_review_is_refused(call: Call, live: Workflow, body: object) -> None:
    assert call("POST", f"{READINESS}/rights", body).status_code == 422
