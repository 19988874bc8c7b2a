"""What the database refuses of a model's life, whatever the code above it does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.apps import apps

from accounts.models import User
from lifecycle.models import (
    Alert,
    TrainingRun,
)
from predictions.models import ModelVersion, Workflow
from tests.lifecycle.models.life_rows import LifeRows
from tests.reviewqueue.models.constraint_world import refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(
    workflow: Workflow, champion: ModelVersion, sam: User, now: datetime
) -> LifeRows:
    return LifeRows(workflow, sam, now)


REFUSED: list[tuple[str, Callable[[LifeRows], object]]] = [
    ("predictions_gate_verdict_known", lambda w: w.judge(verdict="good")),
    ("predictions_waiver_once", lambda w: w.waive()),
    (
        "lifecycle_run_status_known",
        lambda w: w.run(status="other", ended_at=w.now),
    ),
    ("lifecycle_run_trigger_known", lambda w: w.run(trigger="x", fingerprint="a")),
    ("lifecycle_run_has_snapshot", lambda w: w.run(snapshot=None, fingerprint="a")),
    (
        "lifecycle_run_ended_is_dated",
        lambda w: w.run(status="failed", fingerprint="a"),
    ),
    (
        "lifecycle_run_ended_is_dated",
        lambda w: w.run(ended_at=w.now, fingerprint="a"),
    ),
    ("lifecycle_run_once", lambda w: w.run()),
    (
        "lifecycle_gate_run_status_known",
        lambda w: w.gate(status="other", ended_at=w.now, fingerprint="a"),
    ),
    (
        "lifecycle_gate_run_ended_is_dated",
        lambda w: w.gate(ended_at=w.now, fingerprint="a"),
    ),
    ("lifecycle_gate_run_once", lambda w: w.gate()),
    ("lifecycle_reading_once", lambda w: w.read(verdict="alarm")),
    (
        "lifecycle_reading_verdict_known",
        lambda w: w.read(verdict="good", monitor="other"),
    ),
    ("lifecycle_alert_one_open", lambda w: w.alert(status="acknowledged")),
    (
        "lifecycle_alert_status_known",
        lambda w: w.alert(status="other", monitor="other"),
    ),
    (
        "lifecycle_alert_resolved_is_dated",
        lambda w: w.alert(status="resolved", monitor="other"),
    ),
    ("lifecycle_mail_once", lambda w: w.mail()),
    ("lifecycle_proof_kind_known", lambda w: w.prove(kind="other")),
]


def test_database_refuses(world: LifeRows) -> None:
    found = refusals(partial(break_it, world) for _, break_it in REFUSED)

    assert found == [name for name, _ in REFUSED]


def test_every_constraint_is_broken_once() -> None:
    declared = {
        constraint.name
        for model in apps.get_app_config("lifecycle").get_models()
        for constraint in model._meta.constraints
    }

    assert declared - {name for name, _ in REFUSED} == set()


def test_ended_run_and_resolved_alert_make_room(world: LifeRows) -> None:
    later = world.now + timedelta(hours=1)
    TrainingRun.objects.update(status="failed", ended_at=later)
    Alert.objects.update(status="resolved", ended_at=later)

    world.run()
    world.alert()
