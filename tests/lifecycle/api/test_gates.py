"""Gate reports, waivers and approvals over the API; and which gate a 409 names."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from lifecycle.models import GateRun
from predictions.learning.evaluation import Confusion
from predictions.models import ModelVersion, Workflow
from tests.factories.predictions import make_model
from tests.lifecycle.gate_reports import gate_report_of
from tests.lifecycle.guards import RECALL, SCHEMA, TWO, declare
from tests.reviewqueue.api.conftest import Call, call, key, live

__all__ = ["call", "key", "live"]
pytestmark = pytest.mark.django_db
BAD = Confusion(100, 10, 105, 900)
NOWHERE = "019a0000-0000-7000-8000-000000000000"


@pytest.fixture
def person(key: str) -> User:
    """The owner of the key, a person as far as anybody knows."""
    User.objects.filter(username="robot").update(is_service=False)
    return User.objects.get(username="robot")


@pytest.fixture
def version(live: Workflow, now: datetime) -> ModelVersion:
    made = make_model(live, now=now)
    declare(live, now, RECALL.format(0.9), SCHEMA, TWO)
    return made


def test_a_version_is_held_once_at_a_time(version: ModelVersion, call: Call) -> None:
    path = f"models/{version.pk}/gate-reports"

    first, second = call("POST", path, {}), call("POST", path, {"snapshot_id": None})

    assert (first.status_code, second.status_code) == (202, 202)
    run = first.json()
    assert second.json()["id"] == run["id"]
    assert first["Location"] == f"/api/v1/gate-reports/{run['id']}"
    assert (run["status"], run["verdict"], run["results"]) == ("waiting", None, [])
    assert call("GET", f"gate-reports/{run['id']}").json() == run
    assert [one["id"] for one in call("GET", path).json()["results"]] == [run["id"]]
    assert GateRun.objects.count() == 1


def test_what_cannot_be_held_is_refused_by_field(
    live: Workflow, version: ModelVersion, call: Call, now: datetime
) -> None:
    path = f"models/{version.pk}/gate-reports"

    for value, rule in ((NOWHERE, "unknown"), ("soon", "type"), (3, "type")):
        answer = call("POST", path, {"snapshot_id": value})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "snapshot_id"
        assert answer.json()["errors"][0]["rule"] in {rule, "unknown"}
    declare(live, now)
    answer = call("POST", path, {})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "none_declared"


def test_a_refused_move_names_the_gate_with_its_figure(
    version: ModelVersion, call: Call, now: datetime
) -> None:
    path = f"models/{version.pk}/stage"
    body = {"stage": "shadow", "reason": "try it"}

    refused = call("POST", path, body)
    assert (refused.status_code, refused.json()["gate"]) == (409, "gate_report")

    gate_report_of(version, now=now, calls=BAD)
    refused = call("POST", path, body)
    assert (refused.status_code, refused.json()["gate"]) == (409, "recall_at_least")
    assert refused.json()["detail"] == (
        "Recall: 0.4878 (0.4176 to 0.5584, n = 205); at least 0.9 asked."
    )


def test_a_waiver_is_in_the_report(
    version: ModelVersion, call: Call, person: User, now: datetime
) -> None:
    report = gate_report_of(version, now=now, calls=BAD)
    path = f"gate-reports/{report.pk}"
    body = {"gate": "recall_at_least", "reason": "few positives"}

    made = call("POST", f"{path}/waivers", body)

    assert made.status_code == 201
    assert call("POST", f"{path}/waivers", body).json() == made.json()
    seen = call("GET", path).json()
    assert seen["waivers"] == [made.json()]
    assert [(one["key"], one["waived"]) for one in seen["results"]] == [
        ("recall_at_least", True),
        ("schema_match", False),
    ]
    moved = call(
        "POST", f"models/{version.pk}/stage", {"stage": "shadow", "reason": "try"}
    )
    assert moved.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"gate": "recall_at_least"}, "reason"),
        ({"gate": "recall_at_least", "reason": "  "}, "reason"),
        ({"gate": "schema_match", "reason": "why"}, "gate"),
        ({"gate": "nonsense", "reason": "why"}, "gate"),
    ],
)
def test_a_waiver_that_waives_nothing_is_refused(
    version: ModelVersion,
    call: Call,
    person: User,
    now: datetime,
    body: dict[str, object],
    field: str,
) -> None:
    report = gate_report_of(version, now=now, calls=BAD)

    answer = call("POST", f"gate-reports/{report.pk}/waivers", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_an_older_report_is_overtaken(
    version: ModelVersion, call: Call, person: User, now: datetime
) -> None:
    older = gate_report_of(version, now=now, calls=BAD)
    gate_report_of(version, now=now + timedelta(hours=1), calls=BAD)

    body = {"gate": "recall_at_least", "reason": "why"}
    refused = call("POST", f"gate-reports/{older.pk}/waivers", body)
    assert refused.status_code == 409
    assert refused.json()["type"].endswith(":overtaken")
    body = {"report_id": str(older.pk), "reason": "yes"}
    assert call("POST", f"models/{version.pk}/approvals", body).status_code == 409


def test_programs_do_not_approve_and_people_do(
    version: ModelVersion, call: Call
) -> None:
    report = gate_report_of(
        version, now=timezone.now(), calls=Confusion(200, 10, 5, 900)
    )
    path = f"models/{version.pk}/approvals"
    body = {"report_id": str(report.pk), "reason": "figures are fine"}

    refused = call("POST", path, body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["rule"] == "not_a_person"
    refused = call(
        "POST",
        f"gate-reports/{report.pk}/waivers",
        {"gate": "recall_at_least", "reason": "why"},
    )
    assert refused.json()["errors"][0]["rule"] == "not_a_person"

    User.objects.filter(username="robot").update(is_service=False)
    answer = call("POST", path, body)
    assert answer.status_code == 201
    approval = answer.json()
    assert approval["report_id"] == str(report.pk)
    assert approval["model_version"] == version.number
    assert call("POST", path, body).json() == approval
    body = {"stage": "champion", "reason": "go"}
    refused = call("POST", f"models/{version.pk}/stage", body)
    assert (refused.status_code, refused.json()["gate"]) == (409, "approvals")


def test_nothing_there_is_not_found(call: Call) -> None:
    for path in (f"gate-reports/{NOWHERE}", f"models/{NOWHERE}/gate-reports"):
        assert call("GET", path).status_code == 404
