"""A model that fails sends its items to people, says why, and comes back by itself."""

import time
from datetime import datetime

import pytest

from predictions.learning.failures import ScorerBusy
from predictions.learning.scorer import ScorerProcess
from predictions.models import ModelVersion, Workflow
from predictions.services import model_health
from reviewqueue.models import Case, Route
from tests.predictions.learning import hanging
from tests.predictions.services.misbehaving import (
    FINE,
    GOOD,
    TO_PEOPLE,
    failures,
    run,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def budget(workflow: Workflow) -> float:
    """Shorten the workflow's time budget; return it in seconds."""
    workflow.declaration_json["model"] = {
        **workflow.declaration_json.get("model", {}),
        "time_budget_ms": 400,
    }
    workflow.save(update_fields=["declaration_json"])
    workflow.__dict__.pop("declaration", None)
    assert workflow.declaration.model.time_budget_ms == 400
    return 0.4


def test_raising_on_some_rows_sends_those_to_people(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    routes = run(workflow, GOOD, hanging.RAISE, GOOD, hanging.RAISE, now=now)

    assert routes == [FINE, TO_PEOPLE, FINE, TO_PEOPLE]
    assert failures(version) == [("failed", "model_raised", 2)]
    route = Route.objects.filter(reason="model_failed").first()
    assert route is not None
    assert (route.review_probability, route.prediction, route.label) == (1.0, None, "")
    assert Case.objects.count() == 4


def test_rows_that_always_raise_do_not_stop_the_others(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    for _ in range(model_health.FAILURES_TO_OPEN + 1):
        routes = run(workflow, GOOD, hanging.RAISE, now=now)
        assert routes == [FINE, TO_PEOPLE]


def test_nan_goes_to_people(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    assert run(workflow, hanging.NAN, GOOD, now=now) == [TO_PEOPLE, FINE]
    assert failures(version) == [("failed", "model_output", 1)]


@pytest.mark.parametrize(
    ("order", "reason"),
    [(hanging.EXIT, "model_crashed"), (hanging.SHAPE, "model_output")],
)
def test_batch_without_an_answer_goes_to_people_with_one_event(
    workflow: Workflow,
    version: ModelVersion,
    now: datetime,
    order: float,
    reason: str,
) -> None:
    assert run(workflow, GOOD, order, GOOD, now=now) == [TO_PEOPLE] * 3
    assert failures(version) == [("failed", reason, 3)]

    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(version)[1:] == [("recovered", "", 1)]

    assert run(workflow, GOOD, now=now) == [FINE]
    assert len(failures(version)) == 2


def test_hanging_costs_its_budget_and_the_breaker_opens_opens_again_and_closes(
    workflow: Workflow,
    version: ModelVersion,
    budget: float,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_health, "OPEN_SECONDS", 0.5)
    began = time.monotonic()
    for _ in range(model_health.FAILURES_TO_OPEN):
        assert run(workflow, hanging.HANG, now=now) == [TO_PEOPLE]
    assert time.monotonic() - began > 3 * budget

    began = time.monotonic()
    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert time.monotonic() - began < budget

    # failing again after the pause opens it at once
    time.sleep(0.5)
    assert run(workflow, hanging.HANG, now=now) == [TO_PEOPLE]
    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]

    time.sleep(0.5)
    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(version) == [
        ("failed", "model_timeout", 1),
        ("failed", "model_timeout", 1),
        ("failed", "model_timeout", 1),
        ("failed", "model_paused", 1),
        ("failed", "model_timeout", 1),
        ("failed", "model_paused", 1),
        ("recovered", "", 1),
    ]


def test_busy_scorer_is_not_held_against_the_model(
    workflow: Workflow,
    version: ModelVersion,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(*args: object, **kwargs: object) -> None:
        raise ScorerBusy("others were first")

    with monkeypatch.context() as patched:
        patched.setattr(ScorerProcess, "score", busy)
        for _ in range(model_health.FAILURES_TO_OPEN + 1):
            assert run(workflow, GOOD, now=now) == [TO_PEOPLE]

    assert run(workflow, GOOD, now=now) == [FINE]


def test_failure_in_another_process_is_recovered_from_here(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    run(workflow, hanging.EXIT, now=now)
    model_health.forget_all()  # what a restart does

    run(workflow, GOOD, now=now)

    assert failures(version)[1:] == [("recovered", "", 1)]
