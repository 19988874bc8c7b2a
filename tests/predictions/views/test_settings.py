"""The settings page and the page that creates a workflow."""

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Workflow, WorkflowVersion
from tests.factories.predictions import DECLARATION

pytestmark = pytest.mark.django_db

URL = "/w/cards/settings/"
NEW = "/workflows/new/"
SOURCE = DECLARATION.format(slug="cards", name="Cards")


@pytest.fixture
def as_root(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


def test_declaration_in_force_is_shown_and_changed(
    workflow: Workflow, as_root: Client
) -> None:
    assert "Hold this payment?" in as_root.get(URL).content.decode()

    changed = SOURCE.replace("false_negative = 80", "false_negative = 90")
    answer = as_root.post(URL, {"source": changed, "version": 1}, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain == [(URL, 302)]
    assert "costs false_negative changed from 80.0 to 90.0" in page
    assert "version 2" in page
    workflow.refresh_from_db()
    assert workflow.version == 2


def test_the_same_text_again_changes_nothing(
    workflow: Workflow, as_root: Client
) -> None:
    answer = as_root.post(URL, {"source": SOURCE, "version": 1}, follow=True)

    assert "Nothing changed." in answer.content.decode()
    assert WorkflowVersion.objects.filter(workflow=workflow).count() == 1


def test_of_two_who_write_at_once_the_second_is_told_and_loses_nothing(
    workflow: Workflow, as_root: Client
) -> None:
    seen = as_root.get(URL).context["form"]["version"].value()
    first = SOURCE.replace("false_negative = 80", "false_negative = 90")
    second = SOURCE.replace("review_minute = 1", "review_minute = 2.5")
    as_root.post(URL, {"source": first, "version": seen})

    refused = as_root.post(URL, {"source": second, "version": seen})

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Another version was put in force meanwhile." in page
    assert "costs false_negative changed from 90.0 to 80.0" in page
    form = refused.context["form"]
    assert form["source"].value() == second
    assert (
        "false_negative = 90" in WorkflowVersion.objects.latest("version").source_toml
    )
    assert WorkflowVersion.objects.count() == 2

    known = {"source": second, "version": form["version"].value()}
    assert as_root.post(URL, known).status_code == 302
    assert WorkflowVersion.objects.latest("version").source_toml == second


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("slug =", "toml"),
        (SOURCE.replace('"cards"', '"other"', 1), "slug: fixed"),
        (SOURCE.replace("audit_share = 0.1", "audit_share = 0"), "policy.audit_share"),
        (SOURCE + "\n[model]\nthresold = 0.5\n", "model.thresold"),
    ],
)
def test_broken_rules_are_named_and_change_nothing(
    workflow: Workflow, as_root: Client, source: str, says: str
) -> None:
    answer = as_root.post(URL, {"source": source, "version": 1})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    workflow.refresh_from_db()
    assert workflow.version == 1


def test_settings_are_nothing_to_who_has_no_role(
    workflow: Workflow, client: Client, mallory: User
) -> None:
    client.force_login(mallory)

    assert client.get(URL).status_code == 404
    assert client.post(URL, {"source": SOURCE}).status_code == 404


def test_reviewer_may_not_change_settings(
    workflow: Workflow, client: Client, alice: User
) -> None:
    client.force_login(alice)

    assert client.post(URL, {"source": SOURCE}).status_code == 403


def test_site_admin_creates_a_workflow(as_root: Client) -> None:
    source = DECLARATION.format(slug="fresh", name="Fresh")

    answer = as_root.post(NEW, {"source": source})

    created = Workflow.objects.get()
    assert (created.slug, created.version) == ("fresh", 1)
    assert answer.headers["Location"] == "/accounts/w/fresh/members/"


def test_creating_leaves_a_workflow_of_that_name_alone(
    workflow: Workflow, as_root: Client
) -> None:
    changed = SOURCE.replace("false_negative = 80", "false_negative = 90")

    answer = as_root.post(NEW, {"source": changed})

    assert answer.status_code == 422
    assert "slug: taken" in answer.content.decode()
    assert WorkflowVersion.objects.count() == 1


def test_only_site_admins_create_workflows(
    workflow: Workflow, client: Client, erin: User
) -> None:
    client.force_login(erin)

    assert client.get(NEW).status_code == 403
