"""What the database refuses, whatever the code above it does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import (
    Case,
    CaseSkip,
    IdempotencyKey,
    Outcome,
)
from tests.factories.predictions import make_model
from tests.predictions.models import media_rules, model_rules, series_rules
from tests.reviewqueue.models import trust_rules
from tests.reviewqueue.models.constraint_world import (
    World,
    broken,
    copy,
    refusals,
    twice,
)
from tests.reviewqueue.models.trust_rows import gold_case
from tests.reviewqueue.models.trust_rules import OF_FIELD, WITHOUT

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> World:
    return World(workflow, alice, bob, now)


PARTS: dict[str, Any] = {"parts": [uuid4(), uuid4()]}
BAD_PARTS: list[dict[str, Any]] = [
    {"parts": [uuid4()]},
    {"part_probabilities": [0.5]},
    {"parts": [uuid4()], "part_probabilities": [0.5, 0.25]},
    {"parts": [], "part_probabilities": []},
    {
        **PARTS,
        "part_probabilities": [0.5, 0.25],
        "review_probability": 0.25,
        "draw": 0.0,
    },
    {
        **PARTS,
        "part_probabilities": [0.5, 0.25],
        "review_probability": 0.75,
        "draw": 0.0,
    },
]
REFUSED: list[tuple[str, Callable[[World], object]]] = [
    # cases
    ("reviewqueue_case_states_known", lambda w: w.change(kind="other")),
    ("reviewqueue_case_states_known", lambda w: w.change(queue="other")),
    ("reviewqueue_case_lease_iff_leased", lambda w: w.change(status="pending")),
    ("reviewqueue_case_lease_iff_leased", lambda w: w.change(lease_token=None)),
    ("reviewqueue_case_lease_iff_leased", lambda w: w.change(leased_by=None)),
    ("reviewqueue_case_lease_iff_leased", lambda w: w.change(lease_slot=None)),
    ("reviewqueue_case_lease_iff_leased", lambda w: w.change(lease_expires_at=None)),
    (
        "reviewqueue_case_snoozed_until_iff_snoozed",
        lambda w: w.change(snoozed_until=w.now),
    ),
    ("reviewqueue_case_closed_at_iff_closed", lambda w: w.change(closed_at=w.now)),
    (
        "reviewqueue_case_closed_at_iff_closed",
        lambda w: Case.objects.filter(pk=w.decided.pk).update(closed_at=None),
    ),
    (
        "reviewqueue_case_second_reader_differs",
        lambda w: w.change(excluded_reviewer=w.alice),
    ),
    (
        "reviewqueue_case_lease_slot_unique",
        lambda w: w.case(item_id=w.decided.item_id),
    ),
    (
        "reviewqueue_case_one_open_per_kind",
        lambda w: w.case(leased_by=w.bob),
    ),
    (
        "reviewqueue_skip_once",
        lambda w: twice(
            lambda: CaseSkip.objects.create(case=w.held, reviewer=w.alice, at=w.now)
        ),
    ),
    # policies and routes
    ("reviewqueue_policy_version_unique", lambda w: w.policy(version=1)),
    ("reviewqueue_policy_mode_known", lambda w: w.policy(mode="some")),
    ("reviewqueue_policy_thresholds_ordered", lambda w: w.policy(low=0.9, high=0.1)),
    ("reviewqueue_policy_thresholds_ordered", lambda w: w.policy(low=-0.1)),
    ("reviewqueue_policy_audit_share_above_zero", lambda w: w.policy(audit_share=0)),
    ("reviewqueue_policy_shares_in_unit", lambda w: w.policy(blind_share=1.1)),
    ("reviewqueue_route_pkey", lambda w: w.route(item_id=w.held.item_id)),
    ("reviewqueue_route_kind_and_reason_known", lambda w: w.route(reason="other")),
    (
        "reviewqueue_route_review_probability_above_zero",
        lambda w: w.route(review_probability=0, kind="auto", prediction_id=w.seen),
    ),
    ("reviewqueue_route_draw_in_unit", lambda w: w.route(draw=-0.1)),
    (
        "reviewqueue_route_kind_follows_draw",
        lambda w: w.route(kind="auto", prediction_id=w.seen),
    ),
    (
        "reviewqueue_route_kind_follows_draw",
        lambda w: w.route(review_probability=0.2, draw=0.2),
    ),
    (
        "reviewqueue_route_auto_has_prediction",
        lambda w: w.route(kind="auto", review_probability=0.2, draw=0.9),
    ),
    *(
        ("reviewqueue_route_largest_of_its_parts", broken(World.route, **columns))
        for columns in BAD_PARTS
    ),
    (
        "reviewqueue_route_label_is_first_part",
        lambda w: w.route(
            **PARTS, part_probabilities=[1.0, 0.5], segment_id=w.trust.segment.pk
        ),
    ),
    # decisions, labels and late truth
    ("reviewqueue_decision_one_per_round", lambda w: w.decide(round=1)),
    ("reviewqueue_decision_verdict_known", lambda w: w.decide(case_kind="other")),
    ("reviewqueue_decision_label_iff_sure", lambda w: w.decide(verdict="unsure")),
    (
        "reviewqueue_decision_confirm_is_recommended",
        lambda w: w.decide(verdict="confirm", label="other"),
    ),
    (
        "reviewqueue_decision_override_differs",
        lambda w: w.decide(verdict="override"),
    ),
    (
        "reviewqueue_decision_confirm_is_recommended",
        lambda w: w.decide(verdict="confirm", corrected=["torque"]),
    ),
    (
        "reviewqueue_decision_unsure_holds_nothing",
        lambda w: w.decide(verdict="unsure", label="", fields={"torque": 1}),
    ),
    ("reviewqueue_label_version_unique", lambda w: w.label(version=1)),
    ("reviewqueue_label_empty_iff_retracted", lambda w: w.label(source="retracted")),
    ("reviewqueue_label_empty_iff_retracted", lambda w: w.label(label="")),
    (
        "reviewqueue_label_retracted_holds_nothing",
        lambda w: w.label(source="retracted", label="", fields={"torque": 1}),
    ),
    ("reviewqueue_label_has_its_source", lambda w: w.label(source="outcome")),
    ("reviewqueue_label_has_its_source", lambda w: w.label(decision=None)),
    ("reviewqueue_outcome_once", lambda w: copy(Outcome.objects.get())),
    (
        "reviewqueue_idempotency_key_unique",
        lambda w: twice(
            lambda: IdempotencyKey.objects.create(
                owner=w.alice,
                key="k",
                request_hash="h",
                status=200,
                body={},
                created_at=w.now,
            )
        ),
    ),
    ("reviewqueue_snapshot_status_known", lambda w: w.snapshot(status="other")),
    ("reviewqueue_snapshot_ready_is_hashed", lambda w: w.snapshot(status="ready")),
    *trust_rules.REFUSED,
    *model_rules.REFUSED,
]


def test_database_refuses(world: World) -> None:
    found = refusals(partial(break_it, world) for _, break_it in REFUSED)

    assert found == [name for name, _ in REFUSED]


# Broken in the tests of declarations, and of a model's life.
ELSEWHERE = {
    "predictions_workflow_version_unique",
    "predictions_gate_verdict_known",
    "predictions_waiver_once",
}


def test_every_refusals_both_apps_is_broken_once() -> None:
    declared = {
        constraint.name
        for app in ("predictions", "reviewqueue")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
    }
    media = {name for name, _ in media_rules.REFUSED}
    series = {name for name, _ in series_rules.REFUSED}
    broken = {name for name, _ in REFUSED} | ELSEWHERE | media | series

    assert declared - broken == set()


def test_snoozed_needs_its_moment(world: World) -> None:
    no_lease = {
        "leased_by": None,
        "lease_token": None,
        "lease_slot": None,
        "leased_at": None,
        "lease_expires_at": None,
    }
    with pytest.raises(IntegrityError, match="snoozed_until_iff"), transaction.atomic():
        world.change(status="snoozed", **no_lease)
    world.change(
        status="snoozed", snoozed_until=world.now + timedelta(hours=1), **no_lease
    )


def test_retired_champion_makes_room_for_the_next(
    world: World, workflow: Workflow, now: datetime
) -> None:
    ModelVersion.objects.update(stage="retired")
    version = make_model(workflow, now=now)
    ModelVersion.objects.filter(pk=version.pk).update(stage="champion")


def test_reviewers_meet_gold_beside_the_open_case_of_its_item(world: World) -> None:
    # a gold item can be placed before several people at once
    other = gold_case(world.held)
    third = gold_case(world.held)

    kinds = Case.objects.filter(item=world.held.item).values_list("kind", flat=True)
    assert sorted(kinds) == ["gold", "gold", "review"]
    assert other.pk != third.pk


def test_rows_of_trust_that_keep_the_rules_are_stored(world: World) -> None:
    world.plan(gold_share=0.5, min_share=0)
    world.segment(level=0, review_probability=1, low=0, high=1)
    world.segment(**OF_FIELD)
    world.segment(**(OF_FIELD | WITHOUT))
    world.move(kind="withdraw", cause="alarm", from_level=3, to_level=0)
    world.place(reviewer=world.bob)
    world.deliver(status="given_up", next_at=None)
