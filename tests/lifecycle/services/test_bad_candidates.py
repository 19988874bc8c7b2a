"""A good candidate passes; a poisoned, a leaking, a slow and a lying one do not."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from predictions.enums import Stage
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.services.promotion import StageRefused
from predictions.services.registry import change_stage
from reviewqueue.models import Snapshot
from tests.factories.trained import register
from tests.lifecycle import waiting
from tests.lifecycle.gate_world import (
    COLUMNS,
    FEE,
    NIGHT,
    declare_gates,
    held,
    make_payments,
    put_champion,
    says,
    slowed,
    trained,
    verdicts,
)

pytestmark = pytest.mark.django_db
ALL = {
    "recall_at_least": "passed",
    "false_positive_rate_at_most": "passed",
    "no_worse_than_champion:South": "passed",
    "no_worse_than_champion:Small": "passed",
    "memory_mb_at_most": "passed",
    "no_leaking_columns": "passed",
    "schema_match": "passed",
    "artifact_safety": "passed",
}


@pytest.fixture
def gated(workflow: Workflow, now: datetime) -> Workflow:
    return declare_gates(workflow, now=now)


@pytest.fixture
def snapshot(gated: Workflow, now: datetime) -> Snapshot:
    return make_payments(gated, now=now)


@pytest.fixture
def in_force(gated: Workflow, snapshot: Snapshot, now: datetime) -> ModelVersion:
    return put_champion(gated, now=now, snapshot=snapshot)


def refused_at(version: ModelVersion, now: datetime) -> str:
    with pytest.raises(StageRefused) as refusal:
        change_stage(
            version=version, to=Stage.SHADOW, by=None, reason="try it", now=now
        )
    return refusal.value.gate


def test_good_candidate_passes_on_rows_that_nobody_learnt_from(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    version = register(gated, trained(), now=now, snapshot=snapshot)

    report = held(version, now=now)

    assert verdicts(report) == ALL
    assert report.verdict == "passed"
    assert report.champion == in_force
    evidence = report.evidence
    assert (evidence["n_rows"], evidence["n_judged"]) == (3000, 600)
    assert evidence["n_left_out"] == 2400
    assert evidence["rows"][0] == (
        "v2: rows that are not among the 2,400 of its snapshot that it learnt from,"
        " and not older than its test part"
    )
    assert evidence["snapshot_sha256"] == snapshot.sha256
    assert evidence["n_repeats"] == 30  # no gate asks for more
    assert evidence["columns_without_effect"] == []
    assert evidence["n_answers"] == 100
    moved = change_stage(
        version=version, to=Stage.SHADOW, by=None, reason="passed", now=now
    )
    assert moved.stage == Stage.SHADOW


def test_poisoned_one_is_worse_than_the_champion_where_labels_were_flipped(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    poisoned = register(
        gated, trained(flipped_region="south"), now=now, snapshot=snapshot
    )

    report = held(poisoned, now=now)

    found = verdicts(report)
    assert found["no_worse_than_champion:South"] == "failed"
    assert "in South: -0." in says(report, "no_worse_than_champion:South")
    for gate in ("memory_mb_at_most", "no_leaking_columns", "schema_match"):
        assert found[gate] == "passed"
    assert report.verdict == "failed"


def test_leaking_one_is_stopped_though_it_recalls_everything(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    leaking = register(gated, trained((*COLUMNS, FEE)), now=now, snapshot=snapshot)

    report = held(leaking, now=now)

    assert verdicts(report) == {**ALL, "no_leaking_columns": "failed"}
    assert "fee alone predicts the label almost perfectly: AUC 1.000" in says(
        report, "no_leaking_columns"
    )
    assert refused_at(leaking, now) == "no_leaking_columns"


def test_slow_one_is_stopped_by_its_latency_alone(
    workflow: Workflow, now: datetime, settings: Settings
) -> None:
    settings.TRUSTED_MODEL_TYPES = [waiting.TYPE_NAME]
    gated = declare_gates(workflow, now=now, latency=50)
    snapshot = make_payments(gated, now=now)
    put_champion(gated, now=now, snapshot=snapshot)
    slow = register(gated, slowed(trained()), now=now, snapshot=snapshot)

    report = held(slow, now=now)

    assert verdicts(report) == {**ALL, "latency_p99_ms_at_most": "failed"}
    assert report.evidence["n_repeats"] == 30  # of 400: it was clear by then
    assert refused_at(slow, now) == "latency_p99_ms_at_most"


def test_one_with_other_columns_than_it_says_does_not_match_the_schema(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    lying = register(gated, trained(), now=now, snapshot=snapshot)
    told = lying.columns[:2]
    ModelVersion.objects.filter(pk=lying.pk).update(columns=told)
    lying.refresh_from_db()

    report = held(lying, now=now)

    assert "it takes 3 inputs, 2 columns are given" in says(report, "schema_match")
    found = verdicts(report)
    assert found["schema_match"] == "failed"
    assert found["recall_at_least"] == "failed"
    assert "the model gave no scores (model_raised" in says(report, "recall_at_least")


def test_one_that_reads_its_columns_in_another_order_claims_too_much(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    amount, card, region = COLUMNS
    model = replace(trained(), columns=(card, amount, region))
    lying = register(gated, model, now=now)
    as_occurred = _split_as_occurred(lying)
    ModelVersion.objects.filter(pk=lying.pk).update(report=as_occurred)
    lying.refresh_from_db()

    report = held(lying, now=now)

    assert verdicts(report)["artifact_safety"] == "failed"
    assert "its report claims ROC AUC 0.9" in says(report, "artifact_safety")


def test_one_whose_lie_costs_nothing_does_not_answer_as_its_report_says(
    gated: Workflow, snapshot: Snapshot, in_force: ModelVersion, now: datetime
) -> None:
    amount, card, region = COLUMNS
    told = (amount, card, NIGHT, region)  # neither tells fraud
    model = trained((*COLUMNS, NIGHT))
    honest = register(gated, model, now=now, snapshot=snapshot)
    liar = replace(model, columns=told)
    lying = register(gated, liar, now=now, snapshot=snapshot)

    report = held(lying, now=now)

    assert verdicts(held(honest, now=now)) == ALL
    assert verdicts(report) == {**ALL, "artifact_safety": "failed"}
    assert "of 100 rows of its report, given by the names of its columns" in says(
        report, "artifact_safety"
    )
    assert "claims" not in says(report, "artifact_safety")
    assert report.evidence["n_answers"] == 100
    assert refused_at(lying, now) == "artifact_safety"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"rows": [1]}, "cannot be read: TypeError"),
        ({"rows": [], "label_keys": [], "scores": []}, "do not fit together"),
        (
            {"rows": [{"amount": 1}], "label_keys": ["fraud"], "scores": [[0.5]]},
            "answers about other columns than it is said to read",
        ),
    ],
)
def test_answers_that_cannot_be_asked_again_are_said(
    gated: Workflow,
    snapshot: Snapshot,
    now: datetime,
    answers: dict[str, object],
    words: str,
) -> None:
    version = register(gated, trained(), now=now, snapshot=snapshot)
    report = {**version.report, "answers": answers}
    ModelVersion.objects.filter(pk=version.pk).update(report=report)
    version.refresh_from_db()

    assert words in says(held(version, now=now), "artifact_safety")


def _split_as_occurred(version: ModelVersion) -> dict[str, object]:
    """Say up to when it learnt by when its rows occurred, half an hour earlier."""
    report: dict[str, object] = version.report
    split: dict[str, dict[str, str]] = report["split"]  # type: ignore[assignment]
    for name in ("train", "calibrate"):
        end = datetime.fromisoformat(split[name]["to"]) - timedelta(minutes=30)
        split[name]["to"] = end.isoformat()
    return report


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("changed", "artifact_changed"),
        ("untrusted", "types that nobody has trusted: tests.lifecycle.waiting.Waits"),
    ],
)
def test_one_whose_file_is_not_what_was_registered_is_not_safe(
    gated: Workflow,
    snapshot: Snapshot,
    now: datetime,
    settings: Settings,
    how: str,
    words: str,
) -> None:
    settings.TRUSTED_MODEL_TYPES = [waiting.TYPE_NAME]
    version = register(gated, slowed(trained()), now=now, snapshot=snapshot)
    if how == "changed":
        ModelVersion.objects.filter(pk=version.pk).update(sha256="0" * 64)
        version.refresh_from_db()
    else:
        settings.TRUSTED_MODEL_TYPES = []

    report: GateReport = held(version, now=now)

    assert words in says(report, "artifact_safety")
    assert refused_at(version, now) == "recall_at_least"
