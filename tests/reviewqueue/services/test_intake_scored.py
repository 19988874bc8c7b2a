"""Items stored, scored and routed within the request."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from predictions.models import Item, ModelVersion, PendingScore, Prediction, Workflow
from reviewqueue.api.shapes import prediction_shape, route_shape
from reviewqueue.models import Case, CaseEvent, Route
from reviewqueue.services.intake_scored import ScoredAnswer, ingest_scored
from tests.factories.predictions import raw_item, store

pytestmark = pytest.mark.django_db


def ingest(
    workflow: Workflow, *raw: Mapping[str, object], now: datetime
) -> list[ScoredAnswer]:
    return ingest_scored(workflow=workflow, raw_items=raw, now=now)


@pytest.mark.parametrize("n", [1, 8, 9, 100])
def test_every_item_is_answered_with_what_is_stored(
    n: int, workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    raw = [raw_item(number, now=now) for number in range(n)]

    answers = ingest(workflow, *raw, now=now)

    assert [one.external_id for one in answers] == [f"tx-{i}" for i in range(n)]
    assert {one.status for one in answers} == {"accepted"}
    for one in answers:
        stored = Route.objects.get(item__external_id=one.external_id)
        assert one.item_id == stored.item_id
        assert one.route is not None
        assert one.route.prediction is not None
        assert stored.prediction is not None
        assert stored.prediction.model_version_id == champion.pk
        assert route_shape(one.route) == route_shape(stored)
        shown = [
            prediction_shape(prediction, with_fields=False)
            for prediction in (one.route.prediction, stored.prediction)
        ]
        assert shown[0] == shown[1]
    assert Prediction.objects.count() == n
    assert Case.objects.filter(status="pending", created_at=now).count() == n
    events = CaseEvent.objects.values_list("kind", "from_status", "to_status")
    assert list(events) == [("opened", "", "pending")] * n
    assert not PendingScore.objects.exists()


def test_repeats_conflicts_and_refusals_keep_their_places(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    first, refused = raw_item(1, now=now), raw_item(2, now=now, amount=-1)
    other = {**first, "features": {"amount": 99.0}}

    answers = ingest(workflow, first, refused, first, other, now=now)

    statuses = [one.status for one in answers]
    assert statuses == ["accepted", "quarantined", "duplicate", "quarantined"]
    assert answers[2].route == answers[0].route
    assert [one.refusal.errors[0].rule for one in answers if one.refusal] == [
        "range",
        "conflict",
    ]
    assert Item.objects.count() == 1


def test_item_that_waited_is_scored_and_answered(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    store(workflow, [raw_item(1, now=now)], now=now)

    (waited,) = ingest(workflow, raw_item(1, now=now), now=now)
    (again,) = ingest(workflow, raw_item(1, now=now), now=now)

    assert (waited.status, again.status) == ("accepted", "duplicate")
    assert waited.route == again.route is not None
    assert not PendingScore.objects.exists()


def test_no_champion_sends_the_item_to_people(
    workflow: Workflow, now: datetime
) -> None:
    (one,) = ingest(workflow, raw_item(1, now=now), now=now)

    assert one.route is not None
    assert (one.route.reason, one.route.prediction) == ("no_champion", None)


def test_more_than_a_hundred_are_refused(workflow: Workflow, now: datetime) -> None:
    with pytest.raises(ValueError, match="At most 100 items"):
        ingest(workflow, *({} for _ in range(101)), now=now)


@pytest.mark.parametrize("n", [1, 8])
def test_a_few_items_cost_a_few_statements(
    n: int,
    workflow: Workflow,
    champion: ModelVersion,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    raw = [raw_item(number, now=now) for number in range(n)]

    with django_assert_max_num_queries(11):
        ingest(workflow, *raw, now=now)
