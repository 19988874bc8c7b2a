import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from accounts.models import User
from predictions.enums import STAGE_TRANSITIONS, ModelEventKind, Stage
from predictions.learning.artifacts import dump
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.promotion import StageRefused
from predictions.services.registry import (
    ModelDescription,
    RegistrationRefused,
    change_stage,
    register_model,
    roll_back,
)
from tests.factories.predictions import make_model

pytestmark = pytest.mark.django_db
LABELS = ["fraud", "legitimate"]
SIGMOID = {"method": "sigmoid", "x": [1.0, 0.0], "y": [], "n": 8, "n_true": 4}
ISOTONIC = {"method": "isotonic", "x": [0.1, 0.2], "y": [0.1, 0.2], "n": 8, "n_true": 4}


def champions(workflow: Workflow) -> list[int]:
    rows = ModelVersion.objects.filter(workflow=workflow, stage=Stage.CHAMPION)
    return list(rows.values_list("number", flat=True))


def promote(version: ModelVersion, *, now: datetime) -> None:
    change_stage(version=version, to=Stage.CHAMPION, by=None, reason="r", now=now)


def test_register_makes_a_numbered_candidate(workflow: Workflow, now: datetime) -> None:
    first, second = make_model(workflow, now=now), make_model(workflow, now=now)

    assert (first.number, second.number) == (1, 2)
    assert first.stage == Stage.CANDIDATE
    assert first.sha256 == second.sha256
    assert Path(first.artifact.path).read_bytes()[:2] == b"PK"
    event = ModelEvent.objects.get(model_version=first)
    assert event.kind == ModelEventKind.REGISTERED


def description(**changes: object) -> ModelDescription:
    values: dict[str, object] = {
        "columns": [{"name": "amount", "kind": "number"}],
        "label_keys": LABELS,
    }
    return ModelDescription(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"columns": []}, "columns", "not_declared"),
        ({"columns": [{"kind": "number"}]}, "columns", "malformed"),
        (
            {"columns": [{"name": "height", "kind": "number"}]},
            "columns",
            "not_declared",
        ),
        ({"label_keys": []}, "label_keys", "not_declared"),
        ({"label_keys": ["fraud", "stolen"]}, "label_keys", "not_declared"),
        ({"columns": 5}, "columns", "malformed"),
        ({"columns": ["amount"]}, "columns", "malformed"),
        (
            {"columns": [{"name": "amount", "kind": "category"}]},
            "columns",
            "not_declared",
        ),
        (
            {"columns": [{"name": "customer", "kind": "number"}]},
            "columns",
            "not_declared",
        ),
        ({"label_keys": ["legitimate"]}, "label_keys", "not_declared"),
        ({"label_keys": "fraud"}, "label_keys", "type"),
        ({"label_keys": [["fraud"]]}, "label_keys", "type"),
        ({"name": "x" * 201}, "name", "text"),
        ({"name": 5}, "name", "text"),
        ({"report": [1]}, "report", "type"),
        ({"references": None}, "references", "type"),
        ({"threshold": "high"}, "threshold", "range"),
        ({"threshold": float("nan")}, "threshold", "range"),
        ({"threshold": 0}, "threshold", "range"),
        ({}, "artifact", "unfit"),
    ],
)
def test_register_names_what_does_not_fit_and_stores_nothing(
    workflow: Workflow,
    now: datetime,
    changes: dict[str, object],
    field: str,
    rule: str,
) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        register_model(
            workflow=workflow,
            artifact=b"not a model",
            description=description(**changes),
            by=None,
            now=now,
        )

    error = refused.value.errors[0]
    assert (error.field, error.rule) == (field, rule)
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("calibration", "rule"),
    [
        ({"method": "magic"}, "malformed"),
        ({"n_labels": 2, "curves": [[]]}, "malformed"),
        ({"n_labels": 2, "curves": [{**SIGMOID, "x": [1.0, math.nan]}]}, "malformed"),
        ({"n_labels": 2, "curves": [{**SIGMOID, "n_true": 9}]}, "malformed"),
        ({"n_labels": 2, "curves": [{**ISOTONIC, "y": [0.5, 0.4]}]}, "malformed"),
        ({"n_labels": 2, "curves": [{**ISOTONIC, "y": [0.5, 1.4]}]}, "malformed"),
        ({"n_labels": 3, "curves": [SIGMOID] * 3}, "n_labels"),
    ],
)
def test_register_refuses_a_calibration_that_cannot_be_applied(
    workflow: Workflow, now: datetime, calibration: dict[str, object], rule: str
) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        register_model(
            workflow=workflow,
            artifact=dump(LogisticRegression().fit([[0.0], [1.0]], LABELS)),
            description=description(calibration=calibration),
            by=None,
            now=now,
        )

    [error] = refused.value.errors
    assert (error.field, error.rule) == ("calibration", rule)
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("start", list(Stage))
@pytest.mark.parametrize("to", list(Stage))
def test_only_declared_moves_between_stages(
    workflow: Workflow, now: datetime, start: Stage, to: Stage
) -> None:
    version = make_model(workflow, now=now)
    ModelVersion.objects.filter(pk=version.pk).update(stage=start)

    if to in STAGE_TRANSITIONS[start]:
        moved = change_stage(version=version, to=to, by=None, reason="r", now=now)
        assert moved.stage == ModelVersion.objects.get(pk=version.pk).stage == to
    else:
        with pytest.raises(StageRefused) as refused:
            change_stage(version=version, to=to, by=None, reason="r", now=now)
        assert refused.value.gate == "stage"
        assert ModelVersion.objects.get(pk=version.pk).stage == start


def test_new_champion_retires_the_former_with_the_reason(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    first, second = make_model(workflow, now=now), make_model(workflow, now=now)
    promote(first, now=now)

    change_stage(
        version=second, to=Stage.CHAMPION, by=erin, reason="fewer alarms", now=now
    )

    assert champions(workflow) == [2]
    first.refresh_from_db()
    assert first.stage == Stage.RETIRED
    event = ModelEvent.objects.filter(model_version=first).latest("id")
    assert (event.from_stage, event.to_stage, event.actor) == (
        "champion",
        "retired",
        erin,
    )
    assert event.reason == "v2 took its place: fewer alarms"


def test_rollback_goes_back_one_champion_at_a_time(
    workflow: Workflow, now: datetime
) -> None:
    versions = [make_model(workflow, now=now) for _ in range(3)]
    for day, version in enumerate(versions):
        promote(version, now=now + timedelta(days=day))
    assert champions(workflow) == [3]

    for expected in (2, 1):
        roll_back(workflow=workflow, by=None, reason="worse", now=now)
        assert champions(workflow) == [expected]
    with pytest.raises(StageRefused, match="No earlier champion"):
        roll_back(workflow=workflow, by=None, reason="worse", now=now)
    assert champions(workflow) == [1]


def test_rollback_without_a_champion_before_is_refused(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    with pytest.raises(StageRefused) as refused:
        roll_back(workflow=workflow, by=None, reason="worse", now=now)
    assert refused.value.gate == "former_champion"
