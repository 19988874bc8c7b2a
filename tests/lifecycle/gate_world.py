"""Payments with a known truth, and models of them: a good one and four bad ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from sklearn.pipeline import Pipeline

from lifecycle.services.gate_runs import request_gate_run
from lifecycle.services.gating import hold_against_gates
from predictions.enums import Stage
from predictions.learning.features import Column, feature_matrix
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Snapshot
from tests.factories.predictions import DECLARATION
from tests.factories.snapshots import Row, make_snapshot
from tests.factories.trained import register
from tests.lifecycle.waiting import Waits

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
N_ROWS = 3000
REGIONS = ("north", "south", "west")
EXTRA = """
[[features]]
name = "region"
type = "category"
values = ["north", "south", "west"]

[[features]]
name = "fee"
type = "number"

[[slices]]
name = "South"
feature = "region"
values = ["south"]

[[slices]]
name = "Small"
feature = "amount"
maximum = 300
"""
GATES = """
[[gates]]
kind = "recall_at_least"
bound = 0.8

[[gates]]
kind = "false_positive_rate_at_most"
bound = 0.2

[[gates]]
kind = "no_worse_than_champion"
bound = 0.1
segments = ["South", "Small"]

[[gates]]
kind = "memory_mb_at_most"
bound = 2000

[[gates]]
kind = "no_leaking_columns"

[[gates]]
kind = "schema_match"

[[gates]]
kind = "artifact_safety"
"""
LATENCY = """
[[gates]]
kind = "latency_p99_ms_at_most"
bound = {}
"""
COLUMNS = (
    Column("amount", "number"),
    Column("card_present", "category", ("yes", "no")),
    Column("region", "category", REGIONS),
)
FEE = Column("fee", "number")
NIGHT = Column("night", "boolean")


def declare_gates(
    workflow: Workflow,
    *,
    now: datetime,
    gates: str = GATES,
    promotion: str = "",
    latency: float | None = None,
) -> Workflow:
    text = DECLARATION.format(slug=workflow.slug, name=workflow.name)
    asked = LATENCY.format(latency) if latency is not None else ""
    source = text + EXTRA + gates + asked + promotion
    declared, _ = declare_workflow(source_toml=source, by=None, now=now)
    return declared


@lru_cache
def payments(seed: int = 3) -> tuple[Row, ...]:
    """Return payments: large ones without the card are fraud, all but 3 in 100."""
    rng = np.random.default_rng(seed)
    amounts = rng.gamma(2.0, 200.0, N_ROWS)
    is_present = rng.random(N_ROWS) < 0.5
    regions = rng.integers(0, 3, N_ROWS)
    is_fraud = ((amounts > 400) & ~is_present) ^ (rng.random(N_ROWS) < 0.03)
    return tuple(
        Row(
            features={
                "amount": float(amounts[i]),
                "card_present": "yes" if is_present[i] else "no",
                "night": bool(i % 2),
                "customer": f"c-{i}",
                "region": REGIONS[regions[i]],
                "fee": 25.0 if is_fraud[i] else 0.0,
            },
            label="fraud" if is_fraud[i] else "legitimate",
            minute=i,
            subject=f"c-{i}",
        )
        for i in range(N_ROWS)
    )


@lru_cache
def trained(
    columns: tuple[Column, ...] = COLUMNS, flipped_region: str = ""
) -> TrainedModel:
    """Train on the payments, with the labels of one region flipped or none."""
    rows = payments()
    labels = [_flipped(row, flipped_region) for row in rows]
    data = TrainingData(
        matrix=feature_matrix([row.features for row in rows], columns),
        labels=labels,
        times=np.array([_moment(row).timestamp() for row in rows]),
        columns=columns,
        label_keys=("legitimate", "fraud"),
        positive_labels=("fraud",),
        subjects=[row.subject for row in rows],
    )
    return train(data, algorithm="gradient_boosting", seed=1, threshold=0.2)


def _flipped(row: Row, region: str) -> str:
    if row.features["region"] != region:
        return row.label
    return "legitimate" if row.label == "fraud" else "fraud"


def _moment(row: Row) -> datetime:
    """When it was decided, as the snapshots say it."""
    return FIRST + timedelta(minutes=row.minute + 30)


def put_champion(
    workflow: Workflow, *, now: datetime, snapshot: Snapshot
) -> ModelVersion:
    """Put a good version in force, past any gate."""
    version = register(workflow, trained(), now=now, snapshot=snapshot)
    ModelVersion.objects.filter(pk=version.pk).update(stage=Stage.CHAMPION)
    version.refresh_from_db()
    return version


def make_payments(workflow: Workflow, *, now: datetime) -> Snapshot:
    return make_snapshot(workflow, payments(), now=now, first=FIRST)


def slowed(model: TrainedModel) -> TrainedModel:
    fitted = Waits().fit(np.zeros((1, len(model.columns))))
    pipeline = Pipeline([("wait", fitted), ("model", model.pipeline)])
    return replace(model, pipeline=pipeline)


def held(
    version: ModelVersion, *, now: datetime, snapshot: Snapshot | None = None
) -> GateReport:
    """Hold a version against its gates as a worker does."""
    run = request_gate_run(
        version=version,
        snapshot_id=snapshot.pk if snapshot else None,
        by=None,
        now=now,
    )
    hold_against_gates(run_id=run.pk, clock=lambda: now)
    return GateReport.objects.get(pk=run.pk)


def verdicts(report: GateReport) -> dict[str, str]:
    return {result["key"]: result["verdict"] for result in report.results}


def says(report: GateReport, gate: str) -> str:
    found: str = next(one["says"] for one in report.results if one["key"] == gate)
    return found
