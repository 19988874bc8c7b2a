"""The supervisor's page: every figure opens the cases that it counts."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import (
    OTHER,
    claim,
    decide,
    decide_unsure,
    open_cases,
)

pytestmark = pytest.mark.django_db
URL = "/w/cards/dashboard/"
RATE_LINK = re.compile(
    r'<a href="([^"]+)"><span class="rate"><b>([^<]+)\xa0%</b> '
    r'<span class="n"[^>]*>\(n = (\d+)'
)
# These open what the rate counts, the others all that it is a share of.
OPENS_THE_COUNTED = ("verdict=override", "route=", "route_reason", "received_from")


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def decided(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> Workflow:
    """Eight cases: shown and blind, confirmed, overridden, unsure, undone, waiting."""
    then = now - timedelta(minutes=5)
    set_policy(workflow, now=then, blind_share=0.4)
    open_cases(workflow, 8, now=then)
    for number in range(6):
        person = bob if number % 2 else alice
        case = claim(workflow, person, now=then)
        if number == 4:
            decide_unsure(case, person, now=then)
        else:
            label = OTHER[case.route.label] if number == 3 else case.route.label
            decide(case, person, now=then, label=label)
    undone = decide(claim(workflow, alice, now=then), alice, now=then).decision
    undo_decision(decision_id=undone.pk, by=alice, now=then)
    news = [OutcomeRow("tx-0", "fraud", then), OutcomeRow("tx-1", "legitimate", then)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=then)
    return workflow


def page(client: Client, person: User, query: str = "") -> str:
    client.force_login(person)
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_rate_opens_as_many_rows_as_it_is_a_share_of(
    client: Client, decided: Workflow, sam: User
) -> None:
    found = RATE_LINK.findall(page(client, sam))

    assert len(found) > 10
    for address, percent, n in found:
        rows = client.get(html.unescape(address)).context["page"].rows
        counted = any(part in address for part in OPENS_THE_COUNTED)
        n_expected = round(float(percent) * int(n) / 100) if counted else int(n)
        assert len(rows) == n_expected, address
