"""Tables of what people say."""

from reviewqueue.models.autonomy import Segment, TrustMove, TrustPlan
from reviewqueue.models.case import Case, CaseEvent, CaseNote, CaseSkip
from reviewqueue.models.decision import (
    Decision,
    IdempotencyKey,
    Label,
    Outcome,
    Retraction,
)
from reviewqueue.models.gold import GoldItem, GoldPlacement
from reviewqueue.models.notice import Delivery, Notice, NoticeRead, Webhook
from reviewqueue.models.observation import FieldObservation, Observation
from reviewqueue.models.route import Policy, Route
from reviewqueue.models.snapshot import Snapshot
from reviewqueue.models.tally import Tally

__all__ = [
    "Case",
    "CaseEvent",
    "CaseNote",
    "CaseSkip",
    "Decision",
    "Delivery",
    "FieldObservation",
    "GoldItem",
    "GoldPlacement",
    "IdempotencyKey",
    "Label",
    "Notice",
    "NoticeRead",
    "Observation",
    "Outcome",
    "Policy",
    "Retraction",
    "Route",
    "Segment",
    "Snapshot",
    "Tally",
    "TrustMove",
    "TrustPlan",
    "Webhook",
]
