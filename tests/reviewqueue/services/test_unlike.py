"""Items that the model does not know go to people, with that as the reason."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import ModelVersion, Prediction, Workflow
from predictions.services import novelty
from reviewqueue.enums import PolicyMode, RouteKind, RouteReason
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.trust_steps import cut, route

pytestmark = pytest.mark.django_db
KNOWN = {"amount": 120.0, "card_present": "yes"}
STRANGE = {"amount": 999_999.0, "card_present": "yes"}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    novelty._known.cache_clear()


@pytest.fixture
def workflow(workflow: Workflow) -> Workflow:
    return declared(workflow, unlike_share=0.01)


def declared(workflow: Workflow, **rules: float) -> Workflow:
    features = [
        one | {"maximum": None} if one["name"] == "amount" else one
        for one in workflow.declaration_json["features"]
    ]
    workflow.declaration_json = workflow.declaration_json | {
        "features": features,
        "model": workflow.declaration_json["model"] | rules,
    }
    workflow.save()
    return Workflow.objects.get(pk=workflow.pk)


def routed(workflow: Workflow, *, now: datetime, start: int = 0) -> list[Route]:
    rows = [
        raw_item(start, now=now, **KNOWN),
        raw_item(start + 1, now=now, **STRANGE),
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    found = Route.objects.filter(workflow=workflow, routed_at=now)
    return list(found.select_related("prediction", "item").order_by("item_id"))[-2:]


def test_it_goes_to_people_whatever_the_policy_passes(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    set_policy(workflow, mode=PolicyMode.ABOVE, low=1.0, audit_share=0.000001, now=now)

    known, strange = routed(workflow, now=now)

    assert (known.kind, known.reason) == (RouteKind.AUTO, RouteReason.PASSED)
    assert (strange.kind, strange.reason) == (RouteKind.REVIEW, RouteReason.UNLIKE)
    assert strange.review_probability == 1.0
    p_values = [
        one.prediction.novelty or 0 for one in (known, strange) if one.prediction
    ]
    assert p_values[0] > 0.05
    assert 0 < p_values[1] <= 0.01


def test_it_is_no_part_of_a_segment_and_earns_nothing(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    segment = cut(workflow, now=now)
    route(workflow, 1, now=now, start=500)

    known, strange = routed(workflow, now=now, start=900)

    assert known.segment_id is not None
    assert segment.workflow_id == workflow.pk
    assert (strange.segment_id, strange.reason) == (None, RouteReason.UNLIKE)


def test_workflow_that_asks_for_nothing_pays_nothing(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    off = declared(workflow, unlike_share=0)

    routes = routed(off, now=now)

    assert {one.reason for one in routes} == {RouteReason.POLICY}
    assert set(Prediction.objects.values_list("novelty", flat=True)) == {None}


def test_version_without_its_sample_says_nothing(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    ModelVersion.objects.filter(pk=champion.pk).update(reference="")

    routes = routed(workflow, now=now)

    assert {one.reason for one in routes} == {RouteReason.POLICY}


def test_sample_that_was_unreadable_for_a_moment_is_read_again(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    kept = champion.reference.name
    ModelVersion.objects.filter(pk=champion.pk).update(reference="references/gone.npz")
    before = routed(workflow, now=now)
    ModelVersion.objects.filter(pk=champion.pk).update(reference=kept)

    after = routed(workflow, now=now, start=10)

    assert {one.reason for one in before} == {RouteReason.POLICY}
    assert after[1].reason == RouteReason.UNLIKE


def test_page_and_api_say_so_in_words(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    set_policy(workflow, mode="above", low=1.0, audit_share=0.000001, now=now)
    set_policy(workflow, mode="above", low=1.0, blind_share=0.0, now=now)
    _, strange = routed(workflow, now=now)
    key = ApiKeyFactory.create(owner=alice, scope_id=workflow.pk)
    url = f"/api/v1/workflows/cards/items/{strange.item.external_id}"
    said = client.get(url, headers=bearer(key)).json()
    client.force_login(alice)

    desk = client.get(reverse("reviewqueue:review", args=["cards"])).content.decode()
    told = desk.split("does not know items like this one")[1].split("</ul>")[0]

    assert said["route"]["reason"] == "unlike"
    assert 0 < said["predictions"][0]["novelty"] <= 0.01
    assert "Amount: 999,999" in told
    assert "of what it learnt from lies in" in told


def test_blind_case_does_not_say_so_before_the_call(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
) -> None:
    set_policy(workflow, mode="above", low=1.0, blind_share=1.0, now=now)
    _, strange = routed(workflow, now=now)
    assert strange.blind
    client.force_login(alice)

    desk = client.get(reverse("reviewqueue:review", args=["cards"])).content.decode()

    assert "withheld until you have judged" in desk
    assert "does not know items" not in desk
