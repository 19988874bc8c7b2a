"""What the database refuses, whatever the code above it does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from accounts.models import User
from predictions.models import ModelVersion, Prediction, QuarantinedItem, Workflow
from reviewqueue.models import (
    Case,
    CaseSkip,
    IdempotencyKey,
    Label,
    Outcome,
    Policy,
    Route,
    Snapshot,
)
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import make_items, make_model
from tests.reviewqueue.services.steps import claim, decide, open_cases

pytestmark = pytest.mark.django_db


class World:
    """Two cases, one decided and one held by alice, an outcome, and a spare item."""

    def __init__(
        self, workflow: Workflow, alice: User, bob: User, now: datetime
    ) -> None:
        self.workflow, self.alice, self.bob, self.now = workflow, alice, bob, now
        open_cases(workflow, 2, now=now)
        self.decided = claim(workflow, alice, now=now)
        self.decision = decide(self.decided, alice, now=now).decision
        self.held = claim(workflow, alice, now=now)
        self.seen = self.decided.route.prediction_id
        make_items(workflow, 3, now=now)
        self.spare = make_items(workflow, 3, now=now)[2]
        external_id = self.decided.item.external_id
        news = [OutcomeRow(external_id, "fraud", now)]
        record_outcomes(workflow=workflow, rows=news, by=None, now=now)

    def change(self, **columns: object) -> None:
        Case.objects.filter(pk=self.held.pk).update(**columns)

    def case(self, **columns: object) -> None:
        copy(self.held, **columns)

    def policy(self, **columns: object) -> None:
        copy(Policy.objects.latest("version"), **({"version": 9} | columns))

    def route(self, **columns: object) -> None:
        spare = {"item_id": self.spare.pk, "prediction_id": None}
        copy(Route.objects.order_by("pk")[0], **(spare | columns))

    def decide(self, **columns: object) -> None:
        copy(self.decision, **({"round": 9, "supersedes": None} | columns))

    def label(self, **columns: object) -> None:
        copy(Label.objects.earliest("version"), **({"version": 9} | columns))

    def predict(self, **columns: object) -> None:
        spare = {"item_id": self.spare.pk}
        copy(Prediction.objects.order_by("pk")[0], **(spare | columns))

    def version(self, **columns: object) -> None:
        copy(ModelVersion.objects.get(), **({"number": 9, "stage": "shadow"} | columns))

    def quarantine(self, **columns: object) -> None:
        QuarantinedItem.objects.create(
            workflow=self.workflow, errors=[], received_at=self.now, **columns
        )

    def snapshot(self, **columns: object) -> None:
        Snapshot.objects.create(
            workflow=self.workflow,
            as_of=self.now,
            filters={},
            created_at=self.now,
            **columns,
        )


def copy(row: models.Model, **columns: object) -> None:
    """Insert a row like this one, but for the given columns and a new key."""
    if not row._meta.pk.is_relation:
        columns.setdefault(row._meta.pk.name, uuid4())
    for name, value in columns.items():
        setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)


@pytest.fixture
def world(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> World:
    return World(workflow, alice, bob, now)


def twice(create: Callable[[], object]) -> None:
    create()
    create()


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
    ("reviewqueue_label_version_unique", lambda w: w.label(version=1)),
    ("reviewqueue_label_empty_iff_retracted", lambda w: w.label(source="retracted")),
    ("reviewqueue_label_empty_iff_retracted", lambda w: w.label(label="")),
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
    # what the models say
    (
        "predictions_item_external_id_unique",
        lambda w: copy(w.spare, external_id="tx-0"),
    ),
    (
        "predictions_prediction_unique",
        lambda w: w.predict(item_id=w.held.item_id),
    ),
    ("predictions_prediction_probability_in_unit", lambda w: w.predict(probability=2)),
    ("predictions_prediction_confidence_in_unit", lambda w: w.predict(confidence=-1)),
    ("predictions_model_number_unique", lambda w: w.version(number=1)),
    ("predictions_model_one_champion", lambda w: w.version(stage="champion")),
    ("predictions_model_stage_known", lambda w: w.version(stage="other")),
    ("predictions_model_threshold_in_unit", lambda w: w.version(threshold=1)),
    (
        "predictions_quarantine_status_known",
        lambda w: w.quarantine(status="other", resolved_at=w.now),
    ),
    (
        "predictions_quarantine_resolved_iff_closed",
        lambda w: w.quarantine(status="discarded"),
    ),
]


@pytest.mark.parametrize(("name", "break_it"), REFUSED)
def test_database_refuses(
    world: World, name: str, break_it: Callable[[World], object]
) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        break_it(world)

    assert _constraint(refused.value) == name


def _constraint(error: IntegrityError) -> str:
    found: str = error.__cause__.diag.constraint_name  # type: ignore[union-attr]
    return found


# Broken in the tests of declarations.
ELSEWHERE = {"predictions_workflow_version_unique"}


def test_every_constraint_of_both_apps_is_broken_once() -> None:
    declared = {
        constraint.name
        for app in ("predictions", "reviewqueue")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
    }
    broken = {name for name, _ in REFUSED} | ELSEWHERE

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
