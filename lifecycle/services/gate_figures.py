"""Measure what gates ask of a version: its figures, and on what evidence."""

import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lifecycle.services.gate_probe import (
    RECORDED_ROWS,
    Probe,
    Scored,
    Timing,
    probe,
    score_alone,
)
from lifecycle.services.gate_rows import GateRows, read_rows, unseen
from predictions.declaration import Declaration
from predictions.declaration_life import Slice
from predictions.learning.circumstances import versions
from predictions.learning.features import columns_from_json, feature_matrix
from predictions.learning.gate_figures import (
    CalibrationError,
    Figures,
    Paired,
    calibration_error,
    schema_problems,
)
from predictions.learning.gate_terms import Gate
from predictions.learning.ordered import ranks_of
from predictions.learning.problems import columns_known_by_label, leaking_columns
from predictions.learning.training_data import TrainingData
from predictions.learning.weighted_calls import WeightedCalls, WeightedSteps
from predictions.models import ModelVersion
from predictions.services.columns import model_columns, unfit_labels
from reviewqueue.models import Snapshot

SEED: Final = 0
# By how much a claimed ROC AUC may be above the one that the same rows show.
CLAIM_MARGIN: Final = 0.05
STEPS: Final = (
    "Reading the rows",
    "Scoring and timing the version",
    "Scoring with the champion",
    "Looking for leaking columns",
    "Judging",
)

type Flags = NDArray[np.bool_]
type Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a version, and what they rest on as JSON data."""

    figures: Figures
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows that a version is judged on, out of all rows of the snapshot."""

    all: GateRows
    judged: GateRows
    says: tuple[str, ...]


def measure(
    *,
    version: ModelVersion,
    champion: ModelVersion | None,
    snapshot: Snapshot | None,
    gates: Sequence[Gate],
    declaration: Declaration,
    tell: Tell,
    beat: Callable[[], None],
) -> Measured:
    """Measure the version on rows that neither it nor the champion learnt from.

    `tell` hears the number of each step, `beat` that the work goes on. Models that fail
    are said in words, nothing of them is raised. Writes nothing.
    """
    tell(0)
    held = _held(version, champion, snapshot, declaration)
    tell(1)
    timing = Timing(_recorded(held), _bound_ms(gates))
    features = held.judged.features
    found = probe(version, features, timing=timing, declaration=declaration, beat=beat)
    tell(2)
    rival = None
    if champion is not None:
        rival = score_alone(champion, features, declaration=declaration, beat=beat)
    tell(3)
    leaks = _leaks(version, held.all, declaration)
    tell(4)
    figures = _figures(version, held.judged, found, rival, leaks, declaration)
    return Measured(figures, _evidence(snapshot, held, found, rival, timing))


def _held(
    version: ModelVersion,
    champion: ModelVersion | None,
    snapshot: Snapshot | None,
    declaration: Declaration,
) -> _Held:
    rows = read_rows(snapshot)
    rows = rows.of(np.isin(rows.labels, declaration.label_keys))
    looks = [unseen(version, rows, snapshot)]
    if champion is not None:
        looks.append(unseen(champion, rows, snapshot))
    kept = np.logical_and.reduce([look.rows for look in looks])
    return _Held(rows, rows.of(kept), tuple(look.says for look in looks))


def _recorded(held: _Held) -> list[Mapping[str, object]]:
    """Return the batch that is timed: judged rows, or any where there are none."""
    return (held.judged.features or held.all.features)[:RECORDED_ROWS]


def _bound_ms(gates: Sequence[Gate]) -> float | None:
    bounds = [one.bound for one in gates if one.kind == "latency_p99_ms_at_most"]
    return min((one for one in bounds if one is not None), default=None)


def _figures(
    version: ModelVersion,
    rows: GateRows,
    found: Probe,
    rival: Probe | None,
    leaks: Sequence[str] | None,
    declaration: Declaration,
) -> Figures:
    plain = Figures(
        has_champion=rival is not None,
        latencies_ms=found.latencies_ms,
        peak_memory_mb=found.peak_memory_mb,
        leaks=leaks,
        schema_problems=[*_schema(version, declaration), *found.schema_problems],
        artifact_problems=found.artifact_problems,
        failure=found.failure and f"the model gave no scores ({found.failure})",
    )
    if found.scored is None or rows.n == 0:
        return plain
    positives = list(declaration.positive_labels)
    paired = None
    if rival is not None and rival.scored is not None:
        paired = _paired(rows, found.scored, rival.scored, declaration)
    artifact = found.artifact_problems
    if artifact is not None:
        artifact = [*artifact, *_false_claims(version, rows, found.scored, positives)]
    return replace(
        plain,
        calls=_calls(rows, found.scored, positives),
        steps=_steps(rows, found.scored, declaration),
        calibration=_calibration(rows, found.scored, positives),
        paired=paired,
        artifact_problems=artifact,
    )


def _calls(rows: GateRows, scored: Scored, positives: list[str]) -> WeightedCalls:
    return WeightedCalls(
        is_called=np.isin(scored.labels, positives),
        is_positive=np.isin(rows.labels, positives),
        weights=rows.weights,
    )


def _steps(
    rows: GateRows, scored: Scored, declaration: Declaration
) -> WeightedSteps | None:
    if not declaration.ordered:
        return None
    terms = declaration.label_terms
    return WeightedSteps(
        said=ranks_of(scored.labels, terms),
        truth=ranks_of(rows.labels, terms),
        weights=rows.weights,
    )


def _calibration(
    rows: GateRows, scored: Scored, positives: list[str]
) -> CalibrationError | None:
    if scored.probabilities is None:
        return None
    known = ~np.isnan(scored.probabilities)
    return calibration_error(
        scored.probabilities[known],
        np.isin(rows.labels, positives)[known],
        rows.weights[known],
        seed=SEED,
    )


def _paired(
    rows: GateRows, scored: Scored, other: Scored, declaration: Declaration
) -> Paired:
    return Paired(
        candidate=scored.labels == rows.labels,
        champion=other.labels == rows.labels,
        is_positive=np.isin(rows.labels, list(declaration.positive_labels)),
        segments={one.name: in_slice(one, rows.features) for one in declaration.slices},
        weights=rows.weights,
    )


def in_slice(part: Slice, features: Sequence[Mapping[str, object]]) -> Flags:
    """Return which rows [n] a declared slice holds; what is missing is in none."""
    return np.array(
        [_is_inside(part, row.get(part.feature)) for row in features], dtype=np.bool_
    )


def _is_inside(part: Slice, value: object) -> bool:
    if part.values:
        return value in part.values
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    is_high = part.minimum is None or value >= part.minimum
    return is_high and (part.maximum is None or value < part.maximum)


def _schema(version: ModelVersion, declaration: Declaration) -> list[str]:
    """Say where columns and labels are not as declared; a boolean may be a number."""
    columns = columns_from_json(version.columns)
    as_numbers = {one.name for one in columns if one.kind == "number"}
    declared = [
        replace(one, kind="number")
        if one.kind == "boolean" and one.name in as_numbers
        else one
        for one in model_columns(declaration)
    ]
    unfit = unfit_labels(declaration, version.label_keys)
    return [
        *schema_problems(columns, declared),
        *(f"label {key}: not declared, or none is positive" for key in unfit),
    ]


def _false_claims(
    version: ModelVersion, rows: GateRows, scored: Scored, positives: list[str]
) -> list[str]:
    """Say so where the report claims much more, on as many rows, than they show."""
    told = version.report.get("test")
    claimed = told.get("roc_auc") if isinstance(told, Mapping) else None
    truth = np.isin(rows.labels, positives)
    is_same = isinstance(told, Mapping) and (
        told.get("n") == rows.n and told.get("n_positive") == int(truth.sum())
    )
    known = ~np.isnan(scored.scores)
    if not is_same or not isinstance(claimed, float) or truth[known].all():
        return []
    if not truth[known].any():
        return []
    auc = float(
        roc_auc_score(
            truth[known], scored.scores[known], sample_weight=rows.weights[known]
        )
    )
    if auc >= claimed - CLAIM_MARGIN:
        return []
    return [
        f"its report claims ROC AUC {claimed:.3f} on {rows.n} such rows,"
        f" they show {auc:.3f}"
    ]


def _leaks(
    version: ModelVersion, rows: GateRows, declaration: Declaration
) -> list[str] | None:
    """Name the columns that it reads and that know the label too well."""
    if rows.n == 0:
        return None
    columns = columns_from_json(version.columns)
    data = TrainingData(
        matrix=feature_matrix(rows.features, columns),
        labels=[str(label) for label in rows.labels],
        times=rows.occurred,
        columns=columns,
        label_keys=declaration.label_keys,
        positive_labels=declaration.positive_labels,
        subjects=rows.subjects if declaration.subject else None,
    )
    problems = [*leaking_columns(data, seed=SEED), *columns_known_by_label(data)]
    return [one.says.rstrip(".") for one in problems]


def _evidence(
    snapshot: Snapshot | None,
    held: _Held,
    found: Probe,
    rival: Probe | None,
    timing: Timing,
) -> dict[str, Any]:
    """Return what the figures rest on: rows, how they were chosen, the machine."""
    judged, timed = held.judged, found.latencies_ms
    return {
        "n_rows": held.all.n,
        "n_judged": judged.n,
        "n_left_out": held.all.n - judged.n,
        "n_weighted": int((judged.weights != 1).sum()),
        "rows": list(held.says),
        "rows_sha256": _sha256(judged),
        "snapshot_sha256": snapshot.sha256 if snapshot else None,
        "n_without_score": found.scored.n_bad if found.scored else None,
        "failure": found.failure,
        "champion_failure": rival.failure if rival else "",
        "columns_without_effect": found.without_effect,
        "n_answers": found.n_answers,
        "recorded_rows": len(timing.batch),
        "n_repeats": 0 if timed is None else timed.size,
        "median_ms": None if timed is None else float(np.median(timed)),
        "peak_memory_mb": found.peak_memory_mb,
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "n_processors": os.cpu_count(),
        },
        "versions": versions(),
    }


def _sha256(rows: GateRows) -> str:
    digest = hashlib.sha256()
    for item, label in zip(rows.items, rows.labels, strict=True):
        digest.update(f"{item}\x00{label}\n".encode())
    return digest.hexdigest()
