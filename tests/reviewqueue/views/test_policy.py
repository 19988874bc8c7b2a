"""The page of the routing policy."""

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Policy
from reviewqueue.queries.policies import policy_in_force

pytestmark = pytest.mark.django_db

URL = "/w/cards/policy/"


def terms(client: Client) -> dict[str, object]:
    """Return what the form holds as it is opened."""
    form = client.get(URL).context["form"]
    return {name: form[name].value() for name in form.fields if name != "reason"}


def test_of_two_who_change_the_policy_at_once_the_second_is_told(
    client: Client, workflow: Workflow, sam: User
) -> None:
    client.force_login(sam)
    seen = terms(client)
    mine = seen | {"blind_share": 0.25, "reason": "more blind"}
    client.post(URL, seen | {"audit_share": 0.3, "reason": "more audits"})

    refused = client.post(URL, mine)

    assert refused.status_code == 422
    assert "Another version was put in force meanwhile." in refused.content.decode()
    form = refused.context["form"]
    assert (form["blind_share"].value(), form["reason"].value()) == (
        "0.25",
        "more blind",
    )
    assert policy_in_force(workflow).audit_share == 0.3
    assert Policy.objects.filter(workflow=workflow).count() == 2

    again = client.post(URL, mine | {"version": form["version"].value()})

    assert again.status_code == 302
    assert policy_in_force(workflow).reason == "more blind"


def test_refused_terms_are_named_and_change_nothing(
    client: Client, workflow: Workflow, sam: User
) -> None:
    client.force_login(sam)
    seen = terms(client)

    answer = client.post(URL, seen | {"audit_share": 0, "reason": "none"})

    assert answer.status_code == 422
    assert answer.context["form"].errors == {"audit_share": ["range"]}
    assert policy_in_force(workflow).version == seen["version"]
