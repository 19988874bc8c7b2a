"""How training runs look over the API."""

from datetime import datetime
from typing import Annotated, NotRequired, TypedDict
from uuid import UUID

from lifecycle.enums import RunStatus, Trigger
from lifecycle.models import TrainingRun
from reviewqueue.api.schema import Count, OneOf


class CandidateShape(TypedDict):
    """What to train: `features` none means all that models read."""

    algorithm: str
    entry_point: str
    features: list[str]
    name: str


class ProblemRow(TypedDict):
    """An item to look at; `reviewer` is a pseudonym, null where truth came late."""

    item_id: UUID
    external_id: str
    label: str
    reviewer: str | None


class ProblemFound(TypedDict):
    """One thing that is wrong with the data: `n` of `n_looked_at` rows have it."""

    kind: str
    column: str | None
    says: str
    n: Count
    n_looked_at: Count
    measure: float
    rows: list[ProblemRow]
    values: list[str | float | bool | None]
    p_value: float | None


class ReviewerContradicted(TypedDict):
    """How one reviewer's labels agree with others of rows with equal features."""

    reviewer: str
    n_labels: Count
    n_repeated: Count
    n_conflicting: Count
    n_odd: Count
    n_with_self: Count


class DataProblems(TypedDict):
    """What is wrong with the data of a snapshot."""

    found: list[ProblemFound]
    reviewers: list[ReviewerContradicted]


class MeasuredJson(TypedDict):
    """A figure over `n` rows with its 95 % interval, where there is one."""

    value: float | None
    low: float | None
    high: float | None
    n: Count


class RateJson(TypedDict):
    """A share, `k` of `n`, with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    k: Count
    n: Count


class CandidateFigures(TypedDict):
    """How a candidate does on the held-out rows, which are the same for all."""

    auc: MeasuredJson
    recall: RateJson
    precision: RateJson
    false_positive_rate: RateJson
    calibration_error: MeasuredJson
    brier: MeasuredJson
    cost: MeasuredJson
    dearer: MeasuredJson


class RegisteredVersion(TypedDict):
    """The version that came of a candidate."""

    id: UUID
    number: int
    sha256: str
    n_features: Count


class CandidateOutcome(TypedDict):
    """What came of a candidate: a version, or why none did."""

    title: str
    version: RegisteredVersion | None
    why_not: str
    figures: CandidateFigures | None


SplitPart = TypedDict(
    "SplitPart", {"n": Count, "n_positive": Count, "from": datetime, "to": datetime}
)


class SplitJson(TypedDict):
    """How the rows were cut: the oldest train, the newest are held out."""

    by: str
    train: SplitPart
    calibrate: SplitPart
    test: SplitPart


class TrainingReport(TypedDict):
    """What a run was made from, and its candidates side by side."""

    snapshot_sha256: str
    n_rows: Count
    n_positive: Count
    n_left_out: Count
    data_sha256: str
    seed: Count
    versions: dict[str, str]
    ordered_by: str
    split: SplitJson | None
    threshold: float
    currency: str
    candidates: list[CandidateOutcome]


class TrainingRunShape(TypedDict):
    """A training run; `problems` and `report` once it is done, `said` says why not."""

    id: UUID
    workflow: str
    status: Annotated[str, OneOf(RunStatus)]
    trigger: Annotated[str, OneOf(Trigger)]
    why: str
    snapshot_id: UUID | None
    candidates: list[CandidateShape]
    seed: Count
    step: str
    n_done: Count
    n_steps: Count
    is_cancel_asked: bool
    n_tries: Count
    said: str
    problems: DataProblems | None
    report: TrainingReport | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class CandidateAsked(TypedDict):
    """What to train; `entry_point` goes with the algorithm of that name."""

    algorithm: NotRequired[str]
    entry_point: NotRequired[str]
    features: NotRequired[list[str]]
    name: NotRequired[str]


def training_run_shape(run: TrainingRun) -> TrainingRunShape:
    return {
        "id": run.id,
        "workflow": run.workflow.slug,
        "status": run.status,
        "trigger": run.trigger,
        "why": run.why,
        "snapshot_id": run.snapshot_id,
        "candidates": run.asked,
        "seed": run.seed,
        "step": run.step,
        "n_done": run.n_done,
        "n_steps": run.n_steps,
        "is_cancel_asked": run.is_cancel_asked,
        "n_tries": run.n_tries,
        "said": run.said,
        "problems": run.problems,
        "report": run.report,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }
