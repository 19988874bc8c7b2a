"""A model that fails sends its items to people, says why, and comes back by itself."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from predictions.enums import ModelEventKind, Stage
from predictions.learning.failures import ScorerBusy
from predictions.learning.scorer import ScorerProcess, shared_scorer
from predictions.models import ModelEvent, ModelVersion, Prediction, Workflow
from predictions.services import model_health
from predictions.services.registry import change_stage, roll_back
from predictions.services.scoring import score_items
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Case, Route
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
    GOOD,
    register_misbehaving,
    store_amounts,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_failures_from_before() -> Iterator[None]:
    model_health.forget_all()
    yield
    model_health.forget_all()


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


@pytest.fixture
def version(workflow: Workflow, now: datetime, settings: Settings) -> ModelVersion:
    settings.TRUSTED_MODEL_TYPES = [hanging.TYPE_NAME]
    return register_misbehaving(workflow, now=now)


def run(workflow: Workflow, *amounts: float, now: datetime) -> list[tuple[str, str]]:
    """Store, score and route; return (kind, reason) in the order of the amounts."""
    first = Route.objects.count()
    store_amounts(workflow, amounts, now=now, first=first)
    process_batch(workflow=workflow, limit=1000, now=now)
    wanted = [f"tx-{first + number}" for number in range(len(amounts))]
    routes = {
        route.item.external_id: (route.kind, route.reason)
        for route in Route.objects.select_related("item")
    }
    return [routes[name] for name in wanted]


def failures(version: ModelVersion) -> list[tuple[str, str, int]]:
    """List what happened to a version but its stages, oldest first."""
    events = ModelEvent.objects.filter(model_version=version).exclude(
        kind__in=(ModelEventKind.STAGE_CHANGED, ModelEventKind.REGISTERED)
    )
    return list(events.order_by("at", "id").values_list("kind", "reason", "n_items"))


TO_PEOPLE = ("review", "model_failed")
FINE = ("review", "uncalibrated")  # the misbehaving model has no calibration


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


def test_hanging_costs_its_budget_and_then_the_breaker_opens_and_closes(
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

    time.sleep(0.5)
    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(version) == [
        ("failed", "model_timeout", 1),
        ("failed", "model_timeout", 1),
        ("failed", "model_timeout", 1),
        ("failed", "model_paused", 1),
        ("recovered", "", 1),
    ]


def test_failing_again_after_the_pause_opens_the_breaker_at_once(
    workflow: Workflow,
    version: ModelVersion,
    budget: float,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_health, "OPEN_SECONDS", 0.5)
    for _ in range(model_health.FAILURES_TO_OPEN):
        run(workflow, hanging.HANG, now=now)
    time.sleep(0.5)

    run(workflow, hanging.HANG, now=now)
    run(workflow, GOOD, now=now)

    reasons = [reason for _, reason, _ in failures(version)]
    assert reasons == ["model_timeout"] * 4 + ["model_paused"]


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


# --- artifacts --------------------------------------------------------------------


def _copy_of(version: ModelVersion) -> Path:
    return Path(django_settings.ARTIFACT_CACHE_DIR) / f"{version.sha256}.skops"


@pytest.fixture
def unloaded(version: ModelVersion) -> Iterator[ModelVersion]:
    """A version that is in the storage only: no local copy, not in the scorer."""
    shared_scorer().close()
    local, stored = _copy_of(version), Path(version.artifact.path)
    local.unlink(missing_ok=True)
    content = stored.read_bytes()
    yield version
    stored.write_bytes(content)
    local.unlink(missing_ok=True)


def test_missing_artifact_goes_to_people_until_it_is_there_again(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    path = Path(unloaded.artifact.path)
    content = path.read_bytes()
    path.unlink()

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_missing", 1)]

    path.write_bytes(content)
    assert run(workflow, GOOD, now=now) == [FINE]
    assert failures(unloaded)[1:] == [("recovered", "", 1)]


def test_changed_artifact_is_never_loaded_nor_copied(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    path = Path(unloaded.artifact.path)
    content = path.read_bytes()
    path.write_bytes(content + b"more")

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_changed", 1)]
    assert not _copy_of(unloaded).exists()

    path.write_bytes(content)
    assert run(workflow, GOOD, now=now) == [FINE]


def test_spoilt_local_copy_is_fetched_again(
    workflow: Workflow, unloaded: ModelVersion, now: datetime
) -> None:
    _copy_of(unloaded).parent.mkdir(exist_ok=True)
    _copy_of(unloaded).write_bytes(b"half a file")

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_changed", 1)]

    assert run(workflow, GOOD, now=now) == [FINE]


def test_copy_that_cannot_be_written_sends_items_to_people(
    workflow: Workflow,
    unloaded: ModelVersion,
    now: datetime,
    settings: Settings,
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    settings.ARTIFACT_CACHE_DIR = in_the_way / "cache"

    assert run(workflow, GOOD, now=now) == [TO_PEOPLE]
    assert failures(unloaded) == [("failed", "artifact_missing", 1)]


# --- versions side by side --------------------------------------------------------


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
    assert score_items(workflow=workflow, items=[], now=now) == []


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
