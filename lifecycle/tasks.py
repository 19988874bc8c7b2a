"""Work in the background about a model's life."""

from lifecycle.tasks_comparison import compare_versions, look_at_version
from lifecycle.tasks_gates import hold_against_gates, resume_gate_runs
from lifecycle.tasks_monitors import look, send_mails, sweep_mails, thin_readings, watch
from lifecycle.tasks_training import retrain, retrain_workflow, sweep_training, train

__all__ = [
    "compare_versions",
    "hold_against_gates",
    "look",
    "look_at_version",
    "resume_gate_runs",
    "retrain",
    "retrain_workflow",
    "send_mails",
    "sweep_mails",
    "sweep_training",
    "thin_readings",
    "train",
    "watch",
]
