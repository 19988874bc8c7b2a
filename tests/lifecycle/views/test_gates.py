"""Pages about gates: asking, watching, reading, waiving, approving."""

import json
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from lifecycle.models import GateRun
from predictions.enums import Stage
from predictions.learning.evaluation import Confusion
from predictions.models import Approval, ModelVersion, Waiver, Workflow
from tests.factories.predictions import make_model, make_workflow
from tests.lifecycle.gate_reports import gate_report_of
from tests.lifecycle.guards import RECALL, SCHEMA, TWO, declare

pytestmark = pytest.mark.django_db

GOOD, BAD = Confusion(200, 10, 5, 900), Confusion(100, 10, 105, 900)


@pytest.fixture
def version(workflow: Workflow, now: datetime) -> ModelVersion:
    made = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.9), SCHEMA)
    return made


def page_of(client: Client, person: User, path: str) -> str:
    client.force_login(person)
    answer = client.get(f"/w/cards/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_holding_against_gates_files_a_run_and_shows_how_far_it_is(
    version: ModelVersion, client: Client, erin: User
) -> None:
    client.force_login(erin)

    answer = client.post(f"/w/cards/models/{version.pk}/gates/", {"snapshot": ""})

    run = GateRun.objects.get()
    assert answer.headers["Location"] == f"/w/cards/gate-reports/{run.pk}/"
    page = page_of(client, erin, f"gate-reports/{run.pk}/")
    assert "Waiting for a worker" in page
    assert 'hx-trigger="every 2s"' in page
    part = client.get(
        f"/w/cards/gate-reports/{run.pk}/", headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in part
    assert "It is being held against the gates" in page_of(
        client, erin, f"models/{version.pk}/"
    )


def test_a_run_that_failed_says_why(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    run = GateRun.objects.create(
        model_version=version,
        gates=[],
        fingerprint="x",
        status="failed",
        said="No worker finished it.",
        created_at=now,
        ended_at=now,
    )

    page = page_of(client, erin, f"gate-reports/{run.pk}/")

    assert "No worker finished it." in page
    assert "every 2s" not in page


@pytest.mark.parametrize(
    "snapshot",
    ["nonsense", "019a0000-0000-7000-8000-000000000000"],
)
def test_a_snapshot_that_is_not_there_is_refused(
    version: ModelVersion, client: Client, erin: User, snapshot: str
) -> None:
    client.force_login(erin)

    answer = client.post(
        f"/w/cards/models/{version.pk}/gates/", {"snapshot": snapshot}, follow=True
    )

    assert GateRun.objects.count() == 0
    text = answer.content.decode()
    assert "Choose one of the snapshots" in text or "cannot be held" in text


def test_the_report_shows_each_gate_with_its_figure(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    report = gate_report_of(version, now=now, calls=BAD)

    page = page_of(client, erin, f"gate-reports/{report.pk}/")

    assert "48.8 %" in page
    assert "41.8 % to 55.8 %" in page
    assert "at least 90 %" in page
    assert "Recall: 0.4878 (0.4176 to 0.5584, n = 205); at least 0.9 asked." in page
    assert "Waive this gate" not in page  # an engineer may not
    data = json.loads(page_of(client, erin, f"gate-reports/{report.pk}/report.json"))
    assert data["results"][0]["key"] == "recall_at_least"
    assert data["verdict"] == "failed"


def test_a_supervisor_waives_and_it_stays_to_be_seen(
    version: ModelVersion, client: Client, sam: User, erin: User, now: datetime
) -> None:
    report = gate_report_of(version, now=now, calls=BAD)
    assert "Waive this gate" in page_of(client, sam, f"gate-reports/{report.pk}/")

    for _ in range(2):  # a double click
        client.post(
            f"/w/cards/gate-reports/{report.pk}/waive/",
            {"gate": "recall_at_least", "reason": "few positives in winter"},
        )

    assert Waiver.objects.count() == 1
    for path in (f"gate-reports/{report.pk}/", f"models/{version.pk}/"):
        page = page_of(client, erin, path)
        assert "few positives in winter" in page
        assert sam.display_name in page
    assert '<span class="chip warn">waived</span>' in page_of(client, erin, "models/")
    answer = client.post(
        f"/w/cards/models/{version.pk}/stage/", {"to": "shadow", "reason": "try"}
    )
    assert answer.status_code == 302
    assert "(waived: recall_at_least by" in page_of(
        client, erin, f"models/{version.pk}/"
    )


def test_a_waiver_without_a_reason_or_of_another_gate_is_refused(
    version: ModelVersion, client: Client, sam: User, now: datetime
) -> None:
    report = gate_report_of(version, now=now, calls=BAD)
    client.force_login(sam)

    for data in ({"gate": "recall_at_least"}, {"gate": "other", "reason": "why"}):
        answer = client.post(
            f"/w/cards/gate-reports/{report.pk}/waive/", data, follow=True
        )
        assert "waive" in answer.content.decode()
    assert Waiver.objects.count() == 0


def test_the_model_page_says_what_stands_in_the_way_of_each_stage(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    assert "was not held against the gates yet" in page_of(
        client, erin, f"models/{version.pk}/"
    )
    gate_report_of(version, now=now, calls=BAD)
    assert "at least 0.9 asked" in page_of(client, erin, f"models/{version.pk}/")
    gate_report_of(version, now=now + timedelta(hours=1), calls=GOOD)
    page = page_of(client, erin, f"models/{version.pk}/")
    assert page.count("nothing stands in the way") == 2  # shadow, champion


def test_a_refused_move_names_the_figure(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    gate_report_of(version, now=now, calls=BAD)
    client.force_login(erin)

    answer = client.post(
        f"/w/cards/models/{version.pk}/stage/", {"to": "shadow", "reason": "try"}
    )

    assert answer.status_code == 409
    assert "Recall: 0.4878" in answer.content.decode()


def test_two_people_approve_on_the_report_that_they_saw(
    version: ModelVersion,
    workflow: Workflow,
    client: Client,
    erin: User,
    sam: User,
    now: datetime,
) -> None:
    declare(workflow, now, RECALL.format(0.9), SCHEMA, TWO)
    report = gate_report_of(version, now=timezone.now(), calls=GOOD)
    assert "2 people must stand behind it, nobody approved so far." in page_of(
        client, erin, f"models/{version.pk}/"
    )

    client.post(
        f"/w/cards/models/{version.pk}/approve/",
        {"report": str(report.pk), "reason": "figures are fine"},
    )

    assert Approval.objects.get().by == erin
    page = page_of(client, sam, f"models/{version.pk}/")
    assert "figures are fine" in page
    client.post(
        f"/w/cards/models/{version.pk}/stage/", {"to": "champion", "reason": "go"}
    )
    version.refresh_from_db()
    assert version.stage == Stage.CHAMPION


def test_an_approval_of_an_older_report_or_without_reason_is_refused(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    older = gate_report_of(version, now=now, calls=GOOD)
    gate_report_of(version, now=now + timedelta(hours=1), calls=BAD)
    client.force_login(erin)

    for data in ({"report": str(older.pk), "reason": "yes"}, {"reason": ""}):
        client.post(f"/w/cards/models/{version.pk}/approve/", data)
    assert Approval.objects.count() == 0


def test_a_report_of_another_workflow_is_not_found(
    version: ModelVersion, client: Client, erin: User, now: datetime
) -> None:
    other = make_model(make_workflow(now=now, slug="loans"), now=now)
    foreign = gate_report_of(other, now=now)
    client.force_login(erin)

    assert client.get(f"/w/cards/gate-reports/{foreign.pk}/").status_code == 404


def test_without_gates_the_page_says_nothing_of_them(
    workflow: Workflow, client: Client, erin: User, now: datetime
) -> None:
    made = make_model(workflow, now=now)

    assert 'id="gates"' not in page_of(client, erin, f"models/{made.pk}/")
