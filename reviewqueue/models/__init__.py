"""Tables of what people say."""

from reviewqueue.models.case import Case, CaseEvent, CaseNote, CaseSkip
from reviewqueue.models.decision import (
    Decision,
    IdempotencyKey,
    Label,
    Outcome,
    Retraction,
)
from reviewqueue.models.route import Policy, Route
from reviewqueue.models.snapshot import Snapshot
from reviewqueue.models.tally import Tally

__all__ = [
    "Case",
    "CaseEvent",
    "CaseNote",
    "CaseSkip",
    "Decision",
    "IdempotencyKey",
    "Label",
    "Outcome",
    "Policy",
    "Retraction",
    "Route",
    "Snapshot",
    "Tally",
]
