"""The page of readiness, its report, and the review of rights."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from lifecycle.enums import ProofKind
from lifecycle.models import Proof
from predictions.models import ModelVersion, Workflow
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.django_db
PAGE = "/w/cards/readiness/"


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


def seen_on(client: Client) -> str:
    seen: str = client.get(PAGE).context["seen"]
    return seen


def test_every_question_is_answered_on_a_new_workflow(
    as_sam: Client, workflow: Workflow
) -> None:
    page = as_sam.get(PAGE)

    assert page.status_code == 200
    text = page.content.decode()
    assert text.count('id="q-') == 10
    assert "No version is champion." in text
    assert "Nobody has gone through who may do what." in text


def test_links_lead_to_pages_that_are_there(
    as_sam: Client, workflow: Workflow, champion: ModelVersion
) -> None:
    sections = as_sam.get(PAGE).context["sections"]
    paths = [
        path for one in sections for row in one["rows"] for _, path in row["links"]
    ]

    assert len(paths) > 12
    assert {path: as_sam.get(path).status_code for path in paths} == dict.fromkeys(
        paths, 200
    )


def test_report_is_one_file_that_needs_nothing(
    as_sam: Client, workflow: Workflow, champion: ModelVersion
) -> None:
    answer = as_sam.get(f"{PAGE}report/")
    text = answer.content.decode()

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert "Readiness of Cards" in text
    assert "@media print" in text
    assert "<script" not in text
    assert "<link" not in text
    assert 'href="http://testserver/w/cards/' in text


def test_review_of_rights_is_recorded_as_it_was_seen(
    as_sam: Client, sam: User, alice: User, workflow: Workflow
) -> None:
    seen = seen_on(as_sam)

    answer = as_sam.post(f"{PAGE}rights/", {"seen": seen, "note": "All known."})

    assert answer.status_code == 302
    proof = Proof.objects.get(kind=ProofKind.RIGHTS, workflow=workflow)
    assert proof.by == sam
    assert {one["name"] for one in proof.data["rights"]} >= {"Alice", "Sam"}
    assert proof.note.endswith("All known.")


def test_list_that_changed_meanwhile_is_shown_again(
    as_sam: Client, workflow: Workflow, mallory: User
) -> None:
    seen = seen_on(as_sam)
    MembershipFactory.create(user=mallory, scope_id=workflow.pk, role=Role.REVIEWER)

    answer = as_sam.post(f"{PAGE}rights/", {"seen": seen})

    assert answer.status_code == 409
    assert "go through it again" in answer.content.decode()
    assert "Mallory" in answer.content.decode()
    assert not Proof.objects.exists()


def test_who_may_not_record_sees_no_rights(
    client: Client, erin: User, sam: User, workflow: Workflow
) -> None:
    client.force_login(erin)

    page = client.get(PAGE)

    assert page.status_code == 200
    assert page.context["rights"] == []
    assert "I went through" not in page.content.decode()
    assert client.post(f"{PAGE}rights/", {"seen": "x"}).status_code == 403


def test_model_card_holds_figures_data_and_limits(
    as_sam: Client, workflow: Workflow, champion: ModelVersion
) -> None:
    answer = as_sam.get(f"/w/cards/models/{champion.pk}/card/")
    text = answer.content.decode()

    assert answer["Content-Disposition"].endswith('cards-v1-model-card.html"')
    for told in ("Hold this payment?", champion.sha256, "Limits", "It was not held"):
        assert told in text


def test_restore_is_told(as_sam: Client, workflow: Workflow) -> None:
    Proof.objects.create(
        kind=ProofKind.RESTORE,
        has_passed=True,
        note="47 tables.",
        at=datetime.now(UTC),
    )

    assert "47 tables." in as_sam.get(PAGE).content.decode()
