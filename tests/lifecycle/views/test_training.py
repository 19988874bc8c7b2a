"""Pages of training runs."""

from datetime import datetime
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from lifecycle.enums import RunStatus
from lifecycle.models import TrainingRun
from predictions.models import Workflow
from reviewqueue.models import Snapshot
from tests.lifecycle.training_steps import ask, labelled_snapshot
from tests.reviewqueue.services.snapshot_steps import built

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def snapshot(workflow: Workflow, now: datetime) -> Snapshot:
    return labelled_snapshot(workflow, 600, now=now)


def test_form_offers_models_snapshots_and_features(
    client: Client, erin: User, snapshot: Snapshot
) -> None:
    client.force_login(erin)

    page = client.get(f"/w/cards/training/new/?snapshot={snapshot.pk}")

    text = page.content.decode()
    assert page.status_code == 200
    assert f'<option value="{snapshot.pk}" selected>' in text
    for words in ("Gradient-boosted trees", "Logistic regression", "At night"):
        assert words in text


def test_asking_makes_a_run_that_its_page_shows(
    client: Client, erin: User, snapshot: Snapshot
) -> None:
    client.force_login(erin)
    asked = {
        "snapshot": str(snapshot.pk),
        "candidates": ["logistic", "baseline"],
        "without": ["night"],
        "seed": "5",
    }

    answer = client.post("/w/cards/training/new/", asked)
    twice = client.post("/w/cards/training/new/", asked)

    run = TrainingRun.objects.get()
    assert answer["Location"] == twice["Location"] == f"/w/cards/training/{run.pk}/"
    assert [one["features"] for one in run.asked] == [
        [],
        [],
        ["amount", "card_present"],
    ]
    assert (run.seed, run.created_by, run.status) == (5, erin, RunStatus.WAITING)
    page = client.get(answer["Location"]).content.decode()
    assert "Waiting for a worker" in page
    assert "asked for by Erin" in page
    assert "logistic on 2 features" in page


@pytest.mark.parametrize(
    "asked",
    [
        {"snapshot": str(UUID(int=1)), "candidates": ["logistic"], "seed": "0"},
        {"snapshot": "", "candidates": [], "seed": "0"},
        {"snapshot": "", "candidates": ["os:system"], "seed": "0"},
        {"snapshot": "", "candidates": ["logistic"], "seed": "-1"},
        {"snapshot": "", "candidates": ["logistic"], "without": ["x"], "seed": "1"},
    ],
)
def test_what_cannot_be_trained_is_refused_on_the_form(
    client: Client, erin: User, workflow: Workflow, asked: dict[str, object]
) -> None:
    client.force_login(erin)

    answer = client.post("/w/cards/training/new/", asked)

    assert answer.status_code == 422
    assert 'class="errors"' in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_allowed_entry_point_is_offered(
    client: Client, erin: User, workflow: Workflow, settings: Settings
) -> None:
    settings.TRAINING_ENTRY_POINTS = ["shop.models:fit"]
    client.force_login(erin)

    answer = client.post(
        "/w/cards/training/new/",
        {"snapshot": "", "candidates": ["shop.models:fit"], "seed": "0"},
    )

    assert answer.status_code == 302
    run = TrainingRun.objects.get()
    assert run.asked[0]["entry_point"] == "shop.models:fit"
    assert run.snapshot.status == "queued"
    assert "Waiting for its snapshot" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_page_of_a_run_that_waits_is_fetched_again(
    client: Client,
    erin: User,
    workflow: Workflow,
    snapshot: Snapshot,
    now: datetime,
    headers: dict[str, str],
) -> None:
    run = ask(workflow, snapshot, now=now)
    client.force_login(erin)

    answer = client.get(f"/w/cards/training/{run.pk}/", headers=headers)

    text = answer.content.decode()
    assert ("<html" in text) == (not headers)
    assert 'hx-trigger="every 2s"' in text
    assert "HX-Request" in answer["Vary"]


def test_cancel_from_the_page_ends_a_run_that_waits(
    client: Client, erin: User, workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    run = ask(workflow, snapshot, now=now)
    client.force_login(erin)

    answer = client.post(f"/w/cards/training/{run.pk}/cancel/", follow=True)

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    text = answer.content.decode()
    assert "Cancelled by Erin." in text
    assert "hx-trigger" not in text


def test_cancel_of_an_ended_run_says_so(
    client: Client, erin: User, workflow: Workflow, now: datetime
) -> None:
    run = ask(workflow, built(workflow, now=now, as_of=now), now=now)
    client.force_login(erin)

    answer = client.post(f"/w/cards/training/{run.pk}/cancel/", follow=True)

    text = answer.content.decode()
    assert "The run is declined." in text
    assert "0 positives, 200 needed; 0 others, 200 needed." in text


def test_auditor_sees_runs_and_starts_none(
    client: Client, audrey: User, workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    run = ask(workflow, snapshot, now=now)
    client.force_login(audrey)

    listed = client.get("/w/cards/training/").content.decode()
    detail = client.get(f"/w/cards/training/{run.pk}/").content.decode()

    assert "by hand" in listed
    assert "training/new" not in listed
    assert "Cancel" not in detail
