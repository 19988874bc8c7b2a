"""Versions score side by side; only the champion recommends, while it fits."""

import time
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from predictions.enums import Stage
from predictions.learning.scorer import Model, ScorerProcess, shared_scorer
from predictions.models import ModelVersion, Prediction, Workflow
from predictions.services.registry import change_stage, roll_back
from predictions.services.scoring import Said, score_items
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Route
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import (
    DECLARATION,
    make_items,
    make_model,
    raw_item,
    set_policy,
    store,
)
from tests.predictions.learning import hanging
from tests.predictions.services.misbehaving import (
    FINE,
    GOOD,
    TO_PEOPLE,
    failures,
    register_misbehaving,
    run,
)

pytestmark = pytest.mark.django_db


def test_good_batch_notes_nothing(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    assert run(workflow, GOOD, GOOD, now=now) == [FINE, FINE]
    assert failures(version) == []
    prediction = Prediction.objects.order_by("id")[0]
    assert (prediction.label, prediction.score, prediction.probability) == (
        "fraud",
        0.25,
        None,
    )


def test_recorded_latency_is_without_what_loading_took(
    workflow: Workflow,
    version: ModelVersion,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(workflow, GOOD, now=now)  # the scorer runs, and has the model
    real = ScorerProcess.load

    def slow(self: ScorerProcess, model: Model) -> None:
        time.sleep(2)
        real(self, model)

    monkeypatch.setattr(ScorerProcess, "load", slow)
    run(workflow, GOOD, now=now)

    newest = Prediction.objects.order_by("-id")[0]
    assert 0 < newest.latency_ms < 2000


def test_model_that_is_not_loaded_is_scored_within_its_budget(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    """As after a promotion: loading has its own time, also for who waits for it."""
    shared_scorer().close()

    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(version) == []
    budget = workflow.declaration.model.time_budget_ms
    assert Prediction.objects.get().latency_ms < budget


def test_shadow_scores_and_never_recommends(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    shadow = make_model(workflow, now=now, stage=Stage.SHADOW)

    run(workflow, GOOD, GOOD, now=now)

    assert Prediction.objects.filter(model_version=shadow).count() == 2
    assert Prediction.objects.filter(model_version=version).count() == 2
    assert set(Route.objects.values_list("model_version", flat=True)) == {version.pk}


def test_failing_shadow_costs_the_items_nothing(
    workflow: Workflow, champion: ModelVersion, now: datetime, settings: Settings
) -> None:
    settings.TRUSTED_MODEL_TYPES = [hanging.TYPE_NAME]
    shadow = register_misbehaving(workflow, now=now, stage=Stage.SHADOW)

    routes = run(workflow, hanging.EXIT, GOOD, now=now)

    assert routes == [("review", "policy")] * 2
    assert failures(shadow) == [("failed", "model_crashed", 2)]
    assert failures(champion) == []


def test_failing_champion_is_not_replaced_by_a_shadow(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    make_model(workflow, now=now, stage=Stage.SHADOW)

    assert run(workflow, hanging.EXIT, now=now) == [TO_PEOPLE]


def test_champion_switch_applies_to_the_next_batch(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    run(workflow, GOOD, now=now)
    challenger = make_model(workflow, now=now)
    change_stage(
        version=challenger, to=Stage.CHAMPION, by=None, reason="better", now=now
    )
    run(workflow, GOOD, now=now)
    roll_back(workflow=workflow, by=None, reason="worse", now=now)
    run(workflow, GOOD, now=now)

    used = Route.objects.order_by("item_id").values_list("model_version", flat=True)
    assert list(used) == [version.pk, challenger.pk, version.pk]


def test_no_items_ask_no_model(workflow: Workflow, now: datetime) -> None:
    assert score_items(workflow=workflow, items=[], now=now) == Said([])


def test_scoring_takes_a_fixed_number_of_queries(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 40, now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    counts = []
    for limit in (1, 30):
        with CaptureQueriesContext(connection) as captured:
            process_batch(workflow=workflow, limit=limit, now=now)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def changed(before: str, after: str, *, now: datetime) -> Workflow:
    """Put a changed declaration in force."""
    source = DECLARATION.format(slug="cards", name="Cards")
    assert before in source
    found, changes = declare_workflow(
        source_toml=source.replace(before, after), by=None, now=now
    )
    assert changes
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('key = "fraud"', 'key = "stolen"'),
        ('type = "boolean"', 'type = "text"'),
        ('name = "night"', 'name = "late"'),
    ],
)
def test_model_that_no_longer_fits_the_declaration_sends_its_items_to_people(
    workflow: Workflow, champion: ModelVersion, now: datetime, before: str, after: str
) -> None:
    declared = changed(before, after, now=now)
    set_policy(declared, now=now, mode="above", low=0.9, audit_share=0.01)

    store(declared, [raw_item(n, now=now, night=None) for n in range(5)], now=now)
    process_batch(workflow=declared, limit=100, now=now)

    routes = Route.objects.values_list("kind", "reason", "label")
    assert set(routes) == {("review", "model_failed", "")}
    assert failures(champion) == [("failed", "declaration_changed", 5)]


def test_model_fits_again_once_the_declaration_does(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    changed('key = "fraud"', 'key = "stolen"', now=now)
    again, _ = declare_workflow(
        source_toml=DECLARATION.format(slug="cards", name="Cards"), by=None, now=now
    )

    make_items(again, 2, now=now)
    process_batch(workflow=again, limit=100, now=now)

    assert Prediction.objects.filter(model_version=champion).count() == 2
