"""The filters of the list of decisions, in words, each with a way to drop it."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.views.chips import decision_chips


@pytest.mark.django_db
def test_every_filter_is_said_in_words(workflow: Workflow) -> None:
    asked = {
        "decided_from": "2026-03-01T00:00:00Z",
        "decided_to": "2026-03-08T00:00:00Z",
        "readings": "1",
        "judged": "1",
        "verdict": "override",
        "recommended_label": "fraud",
        "model_version": "3",
        "band": "3",
        "reviewer": "ada",
        "reason": "-",
        "blind": "1",
        "kind": "review",
        "sla": "late",
    }

    said = [chip.words for chip in decision_chips(asked, workflow.declaration)]

    assert said == [
        "from 1 Mar 2026",
        "before 8 Mar 2026",
        "on a recommendation",
        "with a label",
        "Override",
        "recommended: Fraud",
        "model v3",
        "probability 10–25 %",  # noqa: RUF001 -- typography
        "by ada",
        "no reason",
        "blind",
        "Review",
        "late",
    ]


@pytest.mark.django_db
def test_what_the_list_does_not_understand_has_no_chip(workflow: Workflow) -> None:
    asked = {"cursor": "x", "band": "99", "decided_from": "soon", "verdict": "maybe"}

    assert decision_chips(asked, workflow.declaration) == []


@pytest.mark.django_db
def test_a_chip_drops_its_filter_and_goes_to_the_first_page(
    client: Client, workflow: Workflow, sam: User
) -> None:
    client.force_login(sam)
    path = reverse("reviewqueue:decision-list", args=[workflow.slug])

    page = client.get(path, {"blind": "1", "reviewer": "ada", "cursor": ""})

    assert 'href="?reviewer=ada"' in page.content.decode()
    assert 'href="?blind=1"' in page.content.decode()
