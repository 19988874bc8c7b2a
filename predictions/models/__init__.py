"""Tables of what the models say."""

from predictions.models.gate import Approval, GateReport, Waiver
from predictions.models.item import Item, PendingScore, QuarantinedItem
from predictions.models.kept_file import KeptFile
from predictions.models.measurement import Measurement
from predictions.models.media import ItemMedia, MediaDerivative, MediaFile
from predictions.models.media_intake import (
    MediaArchive,
    MediaUpload,
    MediaUploadPart,
)
from predictions.models.model_version import ModelEvent, ModelVersion
from predictions.models.prediction import Explanation, PredictedFields, Prediction
from predictions.models.series import (
    FailureWithdrawal,
    ItemWindow,
    Machine,
    MachineFailure,
    Moments,
    ReadingRemoval,
    SeriesReading,
)
from predictions.models.workflow import FeatureProfile, Workflow, WorkflowVersion

__all__ = [
    "Approval",
    "Explanation",
    "FailureWithdrawal",
    "FeatureProfile",
    "GateReport",
    "Item",
    "ItemMedia",
    "ItemWindow",
    "KeptFile",
    "Machine",
    "MachineFailure",
    "Measurement",
    "MediaArchive",
    "MediaDerivative",
    "MediaFile",
    "MediaUpload",
    "MediaUploadPart",
    "ModelEvent",
    "ModelVersion",
    "Moments",
    "PendingScore",
    "PredictedFields",
    "Prediction",
    "QuarantinedItem",
    "ReadingRemoval",
    "SeriesReading",
    "Waiver",
    "Workflow",
    "WorkflowVersion",
]
