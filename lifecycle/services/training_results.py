"""What came of a training run: versions, problems with their items, the report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lifecycle.models import TrainingRun
from lifecycle.queries.training_runs import versions_of
from lifecycle.services.training_data import SnapshotRows
from predictions.declaration import Declaration
from predictions.learning.candidate_spec import CandidateSpec
from predictions.learning.reference import Reference
from predictions.learning.training_job import artifact_path, reference_path
from predictions.models import ModelVersion
from predictions.services.registry import (
    ModelDescription,
    RegistrationRefused,
    register_model,
)

ORDER = "decided_at"


def keep_candidate(
    *,
    run: TrainingRun,
    folder: Path,
    index: int,
    result: Mapping[str, Any],
    now: datetime,
) -> Mapping[str, Any]:
    """Register what came of one candidate; what an earlier try registered is kept.

    Returns what the report says of it.
    """
    spec = CandidateSpec.from_json(run.asked[index])
    told = {"title": spec.title, "version": None, "figures": result.get("figures")}
    if "why_not" in result:
        return {**told, "why_not": result["why_not"]}
    version = versions_of(run).get(index)
    if version is None:
        try:
            version = _registered(run, spec, folder, index, result, now=now)
        except RegistrationRefused as refusal:
            return {**told, "why_not": f"It was refused: {refusal}"}
    return {**told, "why_not": "", "version": _version(version)}


def _registered(
    run: TrainingRun,
    spec: CandidateSpec,
    folder: Path,
    index: int,
    result: Mapping[str, Any],
    *,
    now: datetime,
) -> ModelVersion:
    snapshot = run.snapshot
    origin = {
        "training_run": str(run.pk),
        "candidate": index,
        "snapshot_sha256": snapshot.sha256 if snapshot else "",
        "ordered_by": ORDER,
    }
    return register_model(
        workflow=run.workflow,
        artifact=artifact_path(folder, index).read_bytes(),
        description=ModelDescription(
            columns=result["columns"],
            label_keys=result["label_keys"],
            calibration=result["calibration"],
            references=result["references"],
            report=result["report"] | origin,
            name=spec.title[:200],
            threshold=result["report"]["test"]["at_threshold"]["threshold"],
            snapshot_id=run.snapshot_id,
        ),
        by=run.created_by,
        now=now,
        reference=Reference.from_bytes(reference_path(folder, index).read_bytes()),
    )


def _version(version: ModelVersion) -> dict[str, object]:
    return {
        "id": str(version.pk),
        "number": version.number,
        "sha256": version.sha256,
        "n_features": len(version.columns),
    }


def problems_of(result: Mapping[str, Any], rows: SnapshotRows) -> dict[str, object]:
    """Return what is wrong with the data, the rows as items that can be looked at."""
    found = [
        {**one, "rows": [_row(index, rows) for index in one["rows"]]}
        for one in result["problems"]
    ]
    return {"found": found, "reviewers": result["reviewers"]}


def _row(index: int, rows: SnapshotRows) -> dict[str, object]:
    item_id, external_id = rows.items[index]
    return {
        "item_id": item_id,
        "external_id": external_id,
        "label": rows.data.labels[index],
        "reviewer": rows.reviewers[index],
    }


def report_of(
    run: TrainingRun,
    rows: SnapshotRows,
    result: Mapping[str, Any],
    outcomes: Sequence[Mapping[str, Any]],
    declaration: Declaration,
) -> dict[str, object]:
    """Return the report of a run that is done, as JSON data."""
    n_positive, n_other = rows.counts()
    reports = [one["report"] for one in result["candidates"] if "report" in one]
    return {
        "snapshot_sha256": run.snapshot.sha256 if run.snapshot else "",
        "n_rows": n_positive + n_other,
        "n_positive": n_positive,
        "n_left_out": rows.n_left_out,
        "data_sha256": result["data_sha256"],
        "seed": run.seed,
        "versions": result["versions"],
        "ordered_by": ORDER,
        "split": reports[0]["split"] if reports else None,
        "threshold": declaration.decision_threshold,
        "currency": declaration.costs.currency,
        "candidates": list(outcomes),
    }
