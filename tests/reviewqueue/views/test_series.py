"""Readings on the desk and on an item's page; the page of alarms."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from predictions.models import Item, Moments, Workflow
from predictions.services.moments import moments_of
from reviewqueue.models import Case
from reviewqueue.services.machine_failures import FailureRow, record_failures
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import MembershipFactory
from tests.factories.predictions import set_policy
from tests.factories.series import (
    hour_of,
    make_series_champion,
    make_series_workflow,
    send,
)

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
T0 = (NOW - timedelta(days=2)).replace(hour=8, minute=0, second=0, microsecond=0)
MINUTES = timedelta(minutes=1)
HUMP = [40.0] * 8 + [85.0, 84.0] + [40.0] * 4  # too much at 8:40 and 8:45


@pytest.fixture
def mills(db: None) -> Workflow:
    workflow = make_series_workflow(now=NOW)
    make_series_champion(workflow, now=NOW)
    set_policy(workflow, now=NOW, mode="above", low=0.5, audit_share=1e-9)
    return workflow


def case_of(workflow: Workflow, torques: list[float]) -> Case:
    """Return the newest case; there are cases of what is an alarm alone."""
    send(workflow, hour_of(T0, torques), now=NOW)
    process_batch(workflow=workflow, limit=50, now=NOW)
    return Case.objects.filter(workflow=workflow).order_by("-item__external_id")[0]


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_the_desk_shows_readings_and_the_moments_that_moved_the_score(
    client: Client, mills: Workflow, alice: User
) -> None:
    MembershipFactory.create(user=alice, scope_id=mills.pk, role=Role.REVIEWER)
    case = case_of(mills, HUMP)
    client.force_login(alice)

    page = client.get(f"/w/mills/review/?case={case.pk}").content.decode()

    charts = re.findall(r'<svg [^>]*role="img" aria-label="([^"]*)"', page)
    torque = next(one for one in charts if one.startswith("Torque: "))
    assert "most 85.0 Nm at 08:40" in torque
    assert "mark 1, 08:40 to 08:50, spoke for the recommendation" in torque
    assert any(one.startswith("Tool wear: ") for one in charts)
    assert "usually 15 to 60 Nm" in words(page)
    assert "Torque, 08:40 to 08:50" in words(page)
    assert page.count('class="limit"') == 2
    assert page.count("dot beyond") == 2
    stored = Moments.objects.get().stretches
    assert (stored[0]["channel"], stored[0]["start"]) == ("torque", 2400)
    assert stored[0]["effect"] > 1


def test_moments_are_computed_once(mills: Workflow) -> None:
    case = case_of(mills, HUMP)
    prediction = case.route.prediction
    assert prediction is not None

    first = moments_of(prediction, now=NOW)
    again = moments_of(prediction, now=NOW + MINUTES)

    assert first == again
    assert Moments.objects.get().created_at == NOW


def test_judged_blind_nothing_is_marked(
    client: Client, mills: Workflow, alice: User
) -> None:
    MembershipFactory.create(user=alice, scope_id=mills.pk, role=Role.REVIEWER)
    set_policy(mills, now=NOW, mode="above", low=0.5, blind_share=1.0)
    case = case_of(mills, HUMP)
    assert case.route.prediction is not None
    moments_of(case.route.prediction, now=NOW)
    client.force_login(alice)

    desk = client.get(f"/w/mills/review/?case={case.pk}").content.decode()
    item = client.get(f"/w/mills/items/{case.item_id}/").content.decode()

    for page in (desk, item):
        assert "Torque: " in page  # the readings themselves are there
        assert 'class="moment ' not in page
        assert "Moments that moved the score" not in words(page)


def test_an_item_that_was_sent_as_it_is_has_no_chart(
    client: Client, mills: Workflow, alice: User
) -> None:
    MembershipFactory.create(user=alice, scope_id=mills.pk, role=Role.REVIEWER)
    client.force_login(alice)
    case_of(mills, HUMP)
    bare = Item.objects.filter(workflow=mills)[0]
    bare.pk, bare.external_id = None, "bare"
    bare.save(force_insert=True)

    page = client.get(f"/w/mills/items/{bare.pk}/")

    assert page.status_code == 200
    assert "Readings of the machine" not in words(page.content.decode())


def test_the_page_of_alarms_tells_lead_time_and_costs(
    client: Client, mills: Workflow, sam: User
) -> None:
    MembershipFactory.create(user=sam, scope_id=mills.pk, role=Role.SUPERVISOR)
    client.force_login(sam)
    case_of(mills, [40.0] * 24 + [80.0] * 18 + [40.0] * 30)

    before = words(client.get("/w/mills/alarms/").content.decode())
    record_failures(
        workflow=mills,
        rows=[FailureRow("mill-1", T0 + 210 * MINUTES, "load")],
        complete_until=T0 + 360 * MINUTES,
        by=None,
        now=NOW,
    )
    after = words(client.get("/w/mills/alarms/").content.decode())

    assert "Nothing can be judged yet. 23 items of 1 machine wait" in before
    assert "Caught in time 100 % (n = 1" in after.replace("\N{NO-BREAK SPACE}", " ")
    assert "Saved 840 EUR" in after
    assert "Dashboard Alarms Reliance" in after


def test_a_workflow_without_readings_has_no_tab_of_alarms(
    client: Client, workflow: Workflow, sam: User
) -> None:
    client.force_login(sam)

    dashboard = client.get("/w/cards/dashboard/").content.decode()
    page = client.get("/w/cards/alarms/")

    assert "/w/cards/alarms/" not in dashboard
    assert page.status_code == 200
    assert "No readings are taken here" in words(page.content.decode())
