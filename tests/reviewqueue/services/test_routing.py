from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.models import ModelVersion, PendingScore, Prediction, Workflow
from predictions.services.scoring import Recommendation, ScoredItem
from reviewqueue.enums import CaseStatus, PolicyMode, RouteKind, RouteReason
from reviewqueue.models import Case, CaseEvent, Policy, Route
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.routing import decide_route, route_items
from reviewqueue.trust.sampling import draw
from tests.factories.predictions import make_items, set_policy

UNIT = st.floats(0, 1)


def said(probability: float | None, *, label: str = "fraud") -> Recommendation:
    return Recommendation(
        prediction_id=uuid4(),
        model_version=ModelVersion(),
        label=label,
        score=0.5,
        probability=probability,
        confidence=probability,
        threshold=0.2,
        latency_ms=1.5,
    )


@st.composite
def policies(build: st.DrawFn) -> Policy:
    low, high = sorted((build(UNIT), build(UNIT)))
    return Policy(
        mode=build(st.sampled_from(PolicyMode.values)),
        low=low,
        high=high,
        audit_share=build(st.floats(0.0001, 1)),
        blind_share=build(UNIT),
        second_opinion_share=build(UNIT),
        seed=build(st.integers(0, 2**63 - 1)),
    )


entries = st.builds(
    ScoredItem,
    item_id=st.uuids(),
    recommendation=st.one_of(st.none(), UNIT.map(said), st.just(said(None))),
    failure=st.sampled_from(["", "no_champion", "model_timeout"]),
)


@given(entry=entries, policy=policies())
def test_route_follows_its_draw_and_replays(entry: ScoredItem, policy: Policy) -> None:
    routed = decide_route(entry, policy=policy)

    assert 0 < routed.review_probability <= 1
    assert routed.draw == draw(entry.item_id, seed=policy.seed, purpose="review")
    is_review = routed.kind == RouteKind.REVIEW
    assert is_review == (routed.draw < routed.review_probability)
    assert is_review or not (routed.blind or routed.second_opinion)
    assert decide_route(entry, policy=policy) == routed


@given(entry=entries, policy=policies())
def test_item_without_a_usable_probability_goes_to_people(
    entry: ScoredItem, policy: Policy
) -> None:
    routed = decide_route(entry, policy=policy)
    usable = entry.recommendation is not None and (
        entry.recommendation.probability is not None
    )

    assert usable or (routed.kind, routed.review_probability) == (RouteKind.REVIEW, 1)
    assert entry.recommendation is not None or not routed.blind


def _policy(**terms: object) -> Policy:
    values: dict[str, object] = {
        "mode": "above",
        "low": 0.5,
        "high": 1.0,
        "audit_share": 0.25,
        "blind_share": 0.0,
        "second_opinion_share": 0.0,
        "seed": 11,
    }
    return Policy(**(values | terms))


def _item_with_draw(*, below: bool, limit: float = 0.25, seed: int = 11) -> UUID:
    numbered = (UUID(int=n) for n in range(10_000))
    return next(
        one
        for one in numbered
        if (draw(one, seed=seed, purpose="review") < limit) == below
    )


@pytest.mark.parametrize(
    ("probability", "drawn", "kind", "reason", "review_probability"),
    [
        (0.5, False, "review", RouteReason.POLICY, 1.0),
        (0.49, True, "review", RouteReason.AUDIT, 0.25),
        (0.49, False, "auto", RouteReason.PASSED, 0.25),
        (None, False, "review", RouteReason.UNCALIBRATED, 1.0),
    ],
)
def test_route_by_rule_and_by_draw(
    probability: float | None,
    drawn: bool,
    kind: str,
    reason: RouteReason,
    review_probability: float,
) -> None:
    entry = ScoredItem(_item_with_draw(below=drawn), said(probability))

    routed = decide_route(entry, policy=_policy())

    assert (routed.kind, routed.reason, routed.review_probability) == (
        kind,
        reason,
        review_probability,
    )


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("no_champion", RouteReason.NO_CHAMPION),
        ("model_timeout", RouteReason.MODEL_FAILED),
        ("", RouteReason.MODEL_FAILED),
    ],
)
def test_route_of_an_item_without_recommendation_says_why(
    failure: str, reason: RouteReason
) -> None:
    routed = decide_route(ScoredItem(uuid4(), None, failure), policy=_policy())

    assert (routed.kind, routed.reason) == ("review", reason)


@pytest.mark.django_db
def test_route_row_holds_all_that_cannot_be_added_later(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    set_policy(
        workflow,
        now=now,
        mode="above",
        low=0.5,
        audit_share=0.5,
        blind_share=0.5,
        second_opinion_share=0.5,
    )
    policy = Policy.objects.latest("version")
    make_items(workflow, 200, now=now)

    process_batch(workflow=workflow, limit=500, now=now)

    assert Route.objects.count() == 200
    for route in Route.objects.select_related("prediction"):
        prediction = route.prediction
        assert prediction is not None
        assert (route.policy, route.model_version) == (policy, champion)
        assert (route.label, route.score, route.probability) == (
            prediction.label,
            prediction.score,
            prediction.probability,
        )
        assert route.threshold == champion.threshold
        assert route.review_probability == (1.0 if route.reason == "policy" else 0.5)
        for name, purpose in (("draw", "review"), ("blind", "blind")):
            number = draw(route.pk, seed=policy.seed, purpose=purpose)
            stored = getattr(route, name)
            expected = number if name == "draw" else number < 0.5
            if name == "draw" or route.kind == "review":
                assert stored == expected
        assert route.routed_at == now
    in_review = Route.objects.filter(kind="review").values_list("pk", flat=True)
    assert set(Case.objects.values_list("item_id", flat=True)) == set(in_review)
    assert not Route.objects.filter(kind="auto", blind=True).exists()


@pytest.mark.django_db
def test_case_carries_priority_deadline_and_event(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 3, now=now)
    later = now + timedelta(minutes=5)

    process_batch(workflow=workflow, limit=10, now=later)

    for case in Case.objects.select_related("route__prediction"):
        prediction = case.route.prediction
        assert prediction is not None
        cost = 20 if prediction.label == "fraud" else 80
        assert prediction.confidence is not None
        assert case.priority == pytest.approx((1 - prediction.confidence) * cost)
        # The clock of the SLA starts when the item came in, not when it was scored.
        assert case.due_at == now + timedelta(minutes=240)
        assert (case.status, case.round) == (CaseStatus.PENDING, 1)
        event = CaseEvent.objects.get(case=case)
        assert (event.kind, event.reason, event.at) == ("opened", "policy", later)


@pytest.mark.django_db
def test_policy_change_applies_to_the_next_batch(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 2, now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    set_policy(workflow, now=now, mode="above", low=1.0)
    process_batch(workflow=workflow, limit=1, now=now)

    versions = Route.objects.order_by("item_id").values_list("policy__version")
    assert list(versions) == [(1,), (2,)]


@pytest.mark.django_db
def test_workflow_without_a_policy_starts_with_the_declared_one(
    workflow: Workflow, now: datetime
) -> None:
    from predictions.services.workflows import (  # noqa: PLC0415 -- one test
        declare_workflow,
    )
    from tests.factories.predictions import DECLARATION  # noqa: PLC0415 -- one test

    bare, _ = declare_workflow(
        source_toml=DECLARATION.format(slug="bare", name="Bare"), by=None, now=now
    )
    make_items(bare, 1, now=now)

    process_batch(workflow=bare, limit=10, now=now)

    assert Policy.objects.get(workflow=bare).reason == "as declared"
    assert Route.objects.get(workflow=bare).kind == "review"


@pytest.mark.django_db
def test_crash_between_prediction_and_commit_leaves_the_items_waiting(
    workflow: Workflow,
    champion: ModelVersion,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_items(workflow, 3, now=now)

    def crash(**kwargs: object) -> None:
        assert Prediction.objects.count() == 3
        raise KeyboardInterrupt

    monkeypatch.setattr("reviewqueue.services.pipeline.route_items", crash)
    with pytest.raises(KeyboardInterrupt):
        process_batch(workflow=workflow, limit=10, now=now)

    assert (Prediction.objects.count(), PendingScore.objects.count()) == (0, 3)
    monkeypatch.setattr("reviewqueue.services.pipeline.route_items", route_items)
    assert len(process_batch(workflow=workflow, limit=10, now=now)) == 3
    assert (Prediction.objects.count(), PendingScore.objects.count()) == (3, 0)


@pytest.mark.django_db
def test_batch_takes_the_oldest_up_to_its_limit(
    workflow: Workflow, now: datetime
) -> None:
    items = make_items(workflow, 5, now=now)

    routed = process_batch(workflow=workflow, limit=2, now=now)

    assert [one.item_id for one in routed] == [item.pk for item in items[:2]]
    assert process_batch(workflow=workflow, limit=9, now=now, only=[]) == []
    last = process_batch(workflow=workflow, limit=9, now=now, only=[items[4].pk])
    assert [one.item_id for one in last] == [items[4].pk]
