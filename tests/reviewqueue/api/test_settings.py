"""What a program may change about a workflow: its policy and its declaration."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import Workflow, WorkflowVersion
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Policy
from reviewqueue.queries.policies import policy_in_force
from tests.factories.predictions import DECLARATION
from tests.reviewqueue.api.conftest import Call

pytestmark = pytest.mark.django_db

TERMS = {
    "mode": "above",
    "low": 0.3,
    "high": 1,
    "audit_share": 0.2,
    "blind_share": 0.1,
    "second_opinion_share": 0,
    "reason": "the first month went well",
}


def test_a_workflow_without_items_has_the_declared_policy(
    client: Client, root: User, now: datetime
) -> None:
    workflow, _ = declare_workflow(
        source_toml=DECLARATION.format(slug="new", name="New"), by=None, now=now
    )
    client.force_login(root)

    page = client.get(reverse("reviewqueue:policy", args=["new"]))

    assert not Policy.objects.filter(workflow=workflow).exists()
    assert page.status_code == 200
    assert policy_in_force(workflow).mode == workflow.declaration.policy.mode
    assert policy_in_force(workflow).version == 0


def test_a_policy_is_put_in_force(call: Call, live: Workflow) -> None:
    before = call("GET", "workflows/live/policy").json()["version"]

    answer = call("PUT", "workflows/live/policy", TERMS)

    assert answer.status_code == 200
    stored = Policy.objects.filter(workflow=live).latest("version")
    assert stored.version == before + 1
    assert (stored.mode, stored.low, stored.audit_share) == ("above", 0.3, 0.2)
    assert stored.reason == "the first month went well"
    assert call("GET", "workflows/live/policy").json() == answer.json()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"audit_share": 0}, {"field": "audit_share", "rule": "range", "value": 0.0}),
        (
            {"low": 0.9, "high": 0.5},
            {"field": "low", "rule": "above_high", "value": 0.9},
        ),
        ({"mode": "none"}, {"field": "mode", "rule": "value", "value": "none"}),
        ({"low": "0.1"}, {"field": "low", "rule": "type", "value": "'0.1'"}),
        ({"extra": 1}, {"field": "extra", "rule": "unknown_field"}),
        ({"reason": None}, {"field": "reason", "rule": "missing"}),
        ({"version": 7}, {"field": "version", "rule": "not_in_force", "value": 7}),
        ({"version": True}, {"field": "version", "rule": "type"}),
    ],
)
def test_a_policy_that_breaks_a_rule_changes_nothing(
    call: Call, live: Workflow, change: dict[str, object], error: dict[str, object]
) -> None:
    before = Policy.objects.filter(workflow=live).count()

    answer = call("PUT", "workflows/live/policy", {**TERMS, **change})

    assert answer.status_code == 422
    told = answer.json()["errors"][0]
    assert {name: told.get(name) for name in error} == error
    assert Policy.objects.filter(workflow=live).count() == before


def test_a_declaration_is_put_in_force(call: Call, live: Workflow) -> None:
    source = WorkflowVersion.objects.get(workflow=live).source_toml
    changed = source.replace(f'name = "{live.name}"', 'name = "Payments"', 1)

    answer = call("PUT", "workflows/live", {"declaration": changed})

    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    assert call("GET", "workflows/live").json()["name"] == "Payments"
    again = call("PUT", "workflows/live", {"declaration": changed})
    assert again.json() == {"version": 2, "changes": []}


def test_what_was_written_with_another_version_in_sight_is_refused(
    call: Call, live: Workflow
) -> None:
    source = WorkflowVersion.objects.get(workflow=live).source_toml
    mine = source.replace(f'name = "{live.name}"', 'name = "Mine"', 1)
    theirs = source.replace(f'name = "{live.name}"', 'name = "Theirs"', 1)
    seen = call("GET", "workflows/live").json()

    first = call(
        "PUT", "workflows/live", {"declaration": theirs, "version": seen["version"]}
    )
    second = call(
        "PUT", "workflows/live", {"declaration": mine, "version": seen["version"]}
    )
    policy = call(
        "PUT",
        "workflows/live/policy",
        {**TERMS, "version": seen["policy"]["version"]},
    )

    assert (first.status_code, second.status_code) == (200, 422)
    assert second.json()["errors"] == [
        {"field": "version", "rule": "not_in_force", "value": 1}
    ]
    assert call("GET", "workflows/live").json()["name"] == "Theirs"
    assert policy.status_code == 200


def test_a_declaration_with_a_broken_rule_names_it(call: Call, live: Workflow) -> None:
    source = WorkflowVersion.objects.get(workflow=live).source_toml
    other = source.replace('slug = "live"', 'slug = "other"', 1)

    refused = call("PUT", "workflows/live", {"declaration": other})
    broken = call("PUT", "workflows/live", {"declaration": "slug = "})

    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"field": "slug", "rule": "fixed", "value": "other"}
    ]
    assert broken.status_code == 422
    assert broken.json()["errors"][0]["field"] == "file"
    assert not Workflow.objects.filter(slug="other").exists()
