"""The trust page where fields earn trust beside the label."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Route, TrustMove, TrustPlan
from reviewqueue.services.trust_overview import trust_overview
from tests.reviewqueue.services.parts_steps import (
    SURE,
    needed_in,
    review_fields,
    segment_of,
    step_down,
    trusted,
)
from tests.reviewqueue.services.trust_steps import route


@pytest.fixture
def clock() -> datetime:
    """Pages read the clock: what they show happened just now."""
    return timezone.now() - timedelta(minutes=2)


@pytest.fixture
def fields(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    clock: datetime,
) -> Iterator[Workflow]:
    with trusted(
        workflow, settings, now=clock, tolerated_fields={"torque": 0.25}
    ) as declared:
        yield declared


@pytest.fixture
def earned(fields: Workflow, alice: User, clock: datetime) -> Workflow:
    """Label and torque with just enough clean reviews for one step."""
    n = max(needed_in(segment_of(fields, name)) for name in ("", "torque"))
    route(fields, n - 1, start=300, now=clock)
    review_fields(fields, alice, n, now=clock)
    return fields


def words_of(client: Client, address: str, *, status: int = 200) -> str:
    """Return what a page says, without its tags."""
    answer = client.get(address)
    assert answer.status_code == status
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_page_shows_each_part_with_what_is_missing(
    client: Client, fields: Workflow, sam: User
) -> None:
    client.force_login(sam)

    text = words_of(client, f"/w/{fields.slug}/trust/")

    parts = [text.index(f" {one} at most") for one in ("Label", "Torque", "Tool")]
    assert parts == sorted(parts)
    n = needed_in(segment_of(fields, "torque"))
    assert f"{n} more without error needed" in text[parts[1] :]
    assert "without a confidence" not in text
    assert "No tolerated error rate is set for this field" in text[parts[2] :]
    assert "for all 6 segments at once" in text


def test_grant_of_a_field_says_that_other_parts_go_on_asking(
    client: Client, earned: Workflow, sam: User
) -> None:
    client.force_login(sam)
    torque = segment_of(earned, "torque")
    address = f"/w/{earned.slug}/trust/{torque.pk}/grant/"

    text = words_of(client, address)
    n = Route.objects.exclude(parts=None).count()
    assert "Let people see fewer of “Torque”" in text
    assert f"reviews a week that other parts ask for {n / 2:.0f} " in text
    assert "fewer reviews a week 0 " in text
    assert "wrong in any part, at most 0.0" in text
    answer = client.post(address, {"level": 0, "cause": "evidence", "reason": "clean"})

    assert answer.status_code == 302
    assert TrustMove.objects.get().segment == torque
    text = words_of(client, f"/w/{earned.slug}/trust/")
    assert "granted 100 % → 50 % Torque any confidence" in text


def test_errors_let_through_are_those_of_any_part(
    fields: Workflow, earned: Workflow, alice: User, clock: datetime
) -> None:
    for name in ("", "torque"):
        step_down(fields, segment_of(fields, name), alice, now=clock)

    overview = trust_overview(fields, now=timezone.now())

    # the tool asks for all: nothing passes, whatever the others have earned
    assert overview.passed.at_most == 0
    n = Route.objects.exclude(parts=None).count()
    torque = segment_of(fields, "torque")
    of_torque = [one for one in overview.standings if one.assessed.segment == torque]
    assert [one.traffic.n for one in of_torque] == [n]
    assert overview.passed.n == n


def test_plan_takes_rates_of_fields_and_one_that_asks_for_nothing(
    client: Client, fields: Workflow, sam: User
) -> None:
    client.force_login(sam)
    address = f"/w/{fields.slug}/trust/plan/"
    text = words_of(client, address)
    assert "of the field Torque 25 %" in text
    assert "of the field Tool not set" in text
    form = client.get(address).context["form"]
    given = {
        name: value
        for name in form.fields
        if (value := form.get_initial_for_field(form.fields[name], name)) is not None
    }
    terms = given | {"tolerated_fields-tool": "1", "reason": "a remark, no more"}

    refused = client.post(address, terms | {"tolerated_fields-torque": "0.7"})
    taken = client.post(address, terms)

    assert (refused.status_code, taken.status_code) == (422, 302)
    plan = TrustPlan.objects.latest("version")
    assert plan.tolerated_fields == {"torque": 0.25, "tool": 1.0}
    text = words_of(client, f"/w/{fields.slug}/trust/")
    assert "Asked for nothing, by the plan: Tool." in text


def test_page_says_what_has_no_confidence(
    client: Client,
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    sam: User,
    clock: datetime,
) -> None:
    client.force_login(sam)
    unsaid = {**SURE, "tool": {"value": "hand"}}

    with trusted(workflow, settings, unsaid, now=clock) as fields:
        text = words_of(client, f"/w/{fields.slug}/trust/")

    assert "Tool without a confidence" in text
    assert "The model gives no confidence: people see every one." in text


def test_page_says_where_the_model_fills_in_nothing(
    client: Client,
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    sam: User,
    clock: datetime,
) -> None:
    client.force_login(sam)

    with trusted(workflow, settings, None, now=clock) as fields:
        text = words_of(client, f"/w/{fields.slug}/trust/")

    assert "In 1 item of the last 7 days the model filled in no field" in text
    assert Route.objects.exclude(parts=None).get().review_probability == 1


def test_item_says_what_each_part_asked_for(
    client: Client, fields: Workflow, sam: User
) -> None:
    client.force_login(sam)
    item = Route.objects.exclude(parts=None).get().item

    text = words_of(client, f"/w/{fields.slug}/items/{item.pk}/")

    assert "The largest that a part asked for" in text
    assert "Torque 100 %, Tool 100 %" in text


def test_what_if_says_that_fields_are_not_replayed(
    client: Client, fields: Workflow, sam: User
) -> None:
    client.force_login(sam)

    text = words_of(client, f"/w/{fields.slug}/trust/what-if/")

    assert "Fields are not replayed" in text
