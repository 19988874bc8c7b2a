"""The job: asked for once, taken once, taken over, given up; and models that fail."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from lifecycle.enums import GateRunStatus
from lifecycle.models import GateRun
from lifecycle.services import gating
from lifecycle.services.gate_figures import Measured
from lifecycle.services.gate_runs import (
    GateRunRefused,
    give_up_gate_runs,
    request_gate_run,
    waiting_gate_runs,
)
from lifecycle.services.gating import hold_against_gates
from predictions.enums import Stage
from predictions.learning.gate_figures import Figures
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.services.registry import ModelDescription, register_external
from reviewqueue.models import Snapshot
from tests.factories.predictions import make_champion, make_model
from tests.factories.snapshots import Row, make_snapshot
from tests.lifecycle.gate_world import FIRST, says, verdicts
from tests.lifecycle.guards import NO_WORSE, RECALL, SCHEMA, declare
from tests.predictions.learning import hanging
from tests.predictions.services.elsewhere import LABELS, elsewhere
from tests.predictions.services.misbehaving import register_misbehaving

pytestmark = pytest.mark.django_db
SAFE = '[[gates]]\nkind = "artifact_safety"\n'


@pytest.fixture
def version(workflow: Workflow, now: datetime) -> ModelVersion:
    made = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    return made


def ask(
    version: ModelVersion, now: datetime, snapshot: Snapshot | None = None
) -> GateRun:
    return request_gate_run(
        version=version,
        snapshot_id=snapshot.pk if snapshot else None,
        by=None,
        now=now,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Measure nothing, and say how often."""
    asked: list[object] = []

    def measure(**what: object) -> Measured:
        asked.append(what["version"])
        return Measured(Figures(schema_problems=[]), {"rows": []})

    monkeypatch.setattr(gating, "measure", measure)
    return asked


def hold(run: GateRun, at: datetime) -> bool:
    return hold_against_gates(run_id=run.pk, clock=lambda: at)


def test_the_same_is_held_once_at_a_time_and_may_be_held_again(
    version: ModelVersion, now: datetime, quick: list[object]
) -> None:
    first = ask(version, now)
    assert ask(version, now) == first

    assert hold(first, now)
    assert not hold(first, now)

    assert ask(version, now) != first
    assert len(quick) == 1
    report = GateReport.objects.get()
    assert (report.pk, report.verdict) == (first.pk, "passed")
    first.refresh_from_db()
    assert (first.status, first.n_done) == (GateRunStatus.DONE, 5)


def test_other_gates_rows_or_champion_are_another_run(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    runs = {ask(version, now).pk}
    declare(workflow, now, SCHEMA, SAFE)
    runs.add(ask(version, now).pk)
    one = make_snapshot(workflow, [_row(0)], now=now, first=FIRST)
    runs.add(ask(version, now).pk)
    two = make_snapshot(workflow, [_row(1)], now=now, first=FIRST)
    runs.add(ask(version, now, one).pk)
    ModelVersion.objects.filter(pk=make_model(workflow, now=now).pk).update(
        stage=Stage.CHAMPION
    )
    runs.add(ask(version, now, two).pk)

    assert len(runs) == 4  # the third and the fourth are of the same snapshot
    assert GateRun.objects.latest("id").champion is not None


def _row(minute: int, **features: object) -> Row:
    return Row({"amount": 10.0, **features}, "legitimate", minute)


def test_what_is_missing_is_said(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    with pytest.raises(GateRunRefused, match="snapshot_id: unknown"):
        request_gate_run(version=version, snapshot_id=uuid4(), by=None, now=now)
    snapshot = make_snapshot(workflow, [_row(0)], now=now, first=FIRST)
    Snapshot.objects.filter(pk=snapshot.pk).update(status="building")
    with pytest.raises(GateRunRefused, match="snapshot_id: not_ready"):
        ask(version, now, snapshot)
    declare(workflow, now)
    with pytest.raises(GateRunRefused, match="declares no gates"):
        ask(version, now)


def test_a_silent_worker_loses_the_run_and_writes_nothing(
    version: ModelVersion, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, later = ask(version, now), now + timedelta(minutes=4)
    taken: list[bool] = []

    def measure(**what: object) -> Measured:
        if not taken:
            taken.append(True)
            assert waiting_gate_runs(now=later) == [run.pk]
            taken.append(hold(run, later))
        return Measured(Figures(schema_problems=[]), {"rows": []})

    monkeypatch.setattr(gating, "measure", measure)

    assert not hold(run, now)
    assert taken == [True, True]
    run.refresh_from_db()
    assert (run.status, run.n_tries) == (GateRunStatus.DONE, 2)
    assert GateReport.objects.get().at == later


def test_a_run_that_nobody_finishes_fails(version: ModelVersion, now: datetime) -> None:
    run = ask(version, now)
    assert waiting_gate_runs(now=now) == [run.pk]
    GateRun.objects.update(status="running", n_tries=3, heartbeat_at=now)

    assert give_up_gate_runs(now=now + timedelta(minutes=1)) == 0
    assert give_up_gate_runs(now=now + timedelta(minutes=4)) == 1
    run.refresh_from_db()
    assert run.said.startswith("No worker finished it")

    other = ask(version, now)
    assert give_up_gate_runs(now=now + timedelta(hours=7)) == 1
    assert not hold(other, now)


def test_rows_that_cannot_be_read_fail_the_run_in_words(
    workflow: Workflow, version: ModelVersion, now: datetime
) -> None:
    snapshot = make_snapshot(workflow, [_row(0)], now=now, first=FIRST)
    snapshot.file.storage.delete(snapshot.file.name)
    run = ask(version, now, snapshot)

    assert not hold(run, now)

    run.refresh_from_db()
    assert run.status == GateRunStatus.FAILED
    assert run.said == (
        "The version could not be held against the gates (FileNotFoundError)."
    )


def test_without_a_snapshot_only_the_artifact_is_judged(
    workflow: Workflow, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.9), SCHEMA, SAFE)
    run = ask(version, now)

    assert hold(run, now)

    report = GateReport.objects.get()
    assert verdicts(report) == {
        "recall_at_least": "too_few",
        "schema_match": "passed",
        "artifact_safety": "passed",
    }
    assert says(report, "recall_at_least") == "Recall: not measured."


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (hanging.HANG, "model_timeout, no answer within 0.5 s"),
        (hanging.EXIT, "model_crashed, its process ended with 7"),
        (hanging.RAISE, "model_raised, ZeroDivisionError"),
    ],
)
def test_a_model_that_fails_fails_its_gates_in_words(
    workflow: Workflow, now: datetime, settings: Settings, amount: int, words: str
) -> None:
    settings.TRUSTED_MODEL_TYPES = [hanging.TYPE_NAME]
    made = register_misbehaving(workflow, now=now)
    ModelVersion.objects.filter(pk=made.pk).update(stage=Stage.CANDIDATE)
    made.refresh_from_db()
    declare(workflow, now, RECALL.format(0.9), SAFE)
    workflow.refresh_from_db()
    workflow.declaration_json["model"]["time_budget_ms"] = 50
    workflow.save()
    late = int((now - FIRST).total_seconds() // 60) + 5
    rows = [_row(late + i, amount=float(amount)) for i in range(3)]
    snapshot = make_snapshot(workflow, rows, now=now, first=FIRST)

    assert hold(ask(made, now, snapshot), now)

    report = GateReport.objects.get()
    assert verdicts(report) == {
        "recall_at_least": "failed",
        "artifact_safety": "failed",
    }
    assert says(report, "recall_at_least") == (
        f"Recall: not measured: the model gave no scores ({words})."
    )
    assert "secret" not in str(report.results) + str(report.evidence)


def test_a_champion_that_fails_leaves_the_comparison_open(
    workflow: Workflow, now: datetime
) -> None:
    champion, version = make_champion(workflow, now=now), make_model(workflow, now=now)
    declare(workflow, now, NO_WORSE)
    ModelVersion.objects.filter(pk=champion.pk).update(sha256="0" * 64)
    late = int((now - FIRST).total_seconds() // 60) + 5
    snapshot = make_snapshot(workflow, [_row(late)], now=now, first=FIRST)

    assert hold(ask(version, now, snapshot), now)

    report = GateReport.objects.get()
    assert verdicts(report) == {"no_worse_than_champion": "too_few"}
    assert "artifact_changed" in report.evidence["champion_failure"]


def test_a_row_that_makes_the_model_raise_counts_as_wrong(
    workflow: Workflow, now: datetime, settings: Settings
) -> None:
    settings.TRUSTED_MODEL_TYPES = [hanging.TYPE_NAME]
    made = register_misbehaving(workflow, now=now)
    declare(workflow, now, SAFE)
    late = int((now - FIRST).total_seconds() // 60) + 5
    rows = [_row(late + i, amount=100.0 + i) for i in range(3)]
    rows.append(_row(late + 3, amount=float(hanging.RAISE)))
    snapshot = make_snapshot(workflow, rows, now=now, first=FIRST)

    assert hold(ask(made, now, snapshot), now)

    report = GateReport.objects.get()
    assert verdicts(report) == {"artifact_safety": "passed"}
    assert report.evidence["n_without_score"] == 1
    assert report.evidence["columns_without_effect"] == ["amount"]  # but for raising


def test_a_model_elsewhere_is_asked_there(
    workflow: Workflow, now: datetime, settings: Settings
) -> None:
    memory = '[[gates]]\nkind = "memory_mb_at_most"\nbound = 500\n'
    late = int((now - FIRST).total_seconds() // 60) + 5
    rows = [_row(late + i, card_present="no", night=False) for i in range(40)]
    with elsewhere() as server:
        settings.EXTERNAL_MODELS = {server.url: "hush"}
        made = register_external(
            workflow=workflow,
            endpoint=server.url,
            description=ModelDescription(
                columns=[{"name": "amount", "kind": "number"}], label_keys=LABELS
            ),
            by=None,
            now=now,
        )
        declare(workflow, now, SCHEMA, SAFE, memory)
        snapshot = make_snapshot(workflow, rows, now=now, first=FIRST)

        assert hold(ask(made, now, snapshot), now)

    report = GateReport.objects.get()
    assert verdicts(report) == {
        "schema_match": "passed",
        "artifact_safety": "too_few",
        "memory_mb_at_most": "too_few",
    }
    assert report.evidence["n_repeats"] == 30
    assert report.evidence["failure"] == ""
