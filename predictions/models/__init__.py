"""Tables of what the models say."""

from predictions.models.item import Item, PendingScore, QuarantinedItem
from predictions.models.model_version import ModelEvent, ModelVersion
from predictions.models.prediction import Explanation, Prediction
from predictions.models.workflow import FeatureProfile, Workflow, WorkflowVersion

__all__ = [
    "Explanation",
    "FeatureProfile",
    "Item",
    "ModelEvent",
    "ModelVersion",
    "PendingScore",
    "Prediction",
    "QuarantinedItem",
    "Workflow",
    "WorkflowVersion",
]
