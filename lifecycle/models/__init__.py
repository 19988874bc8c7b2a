"""Tables of a model's life after its first version."""

from lifecycle.models.alert import Alert, AlertEvent, AlertMail, Reading
from lifecycle.models.comparison import ComparisonLook
from lifecycle.models.gate_run import GateRun
from lifecycle.models.proof import Proof
from lifecycle.models.training_run import TrainingRun

__all__ = [
    "Alert",
    "AlertEvent",
    "AlertMail",
    "ComparisonLook",
    "GateRun",
    "Proof",
    "Reading",
    "TrainingRun",
]
