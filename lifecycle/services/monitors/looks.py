"""Which function looks for which monitor. Imported by workers: it needs SciPy."""

from collections.abc import Callable, Mapping
from typing import Final

from lifecycle.judging.found import Found
from lifecycle.services.monitors.business import look_at_business
from lifecycle.services.monitors.infrastructure import (
    look_at_arrivals,
    look_at_cost,
    look_at_failures,
    look_at_latency,
    look_at_looks,
    look_at_queue_age,
    look_at_score_age,
    look_at_workers,
)
from lifecycle.services.monitors.look import Look
from lifecycle.services.monitors.model import (
    look_at_accuracy,
    look_at_calibration,
    look_at_feature_drift,
    look_at_missing,
    look_at_quarantine,
    look_at_score_drift,
    look_at_unknown,
)

LOOKS: Final[Mapping[str, Callable[[Look], Found]]] = {
    "latency": look_at_latency,
    "failures": look_at_failures,
    "queue_age": look_at_queue_age,
    "score_age": look_at_score_age,
    "arrivals": look_at_arrivals,
    "workers": look_at_workers,
    "looks": look_at_looks,
    "cost": look_at_cost,
    "drift_scores": look_at_score_drift,
    "drift_features": look_at_feature_drift,
    "calibration": look_at_calibration,
    "missing_values": look_at_missing,
    "unknown_values": look_at_unknown,
    "quarantine": look_at_quarantine,
    "accuracy": look_at_accuracy,
    "business": look_at_business,
}
