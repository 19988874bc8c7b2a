"""What a workflow declares of its models' life: slices, gates, retraining, monitors."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from predictions.declaration_parts import MOST_MINUTES, Flag, Number, Part, Value, Whole
from predictions.learning.gate_terms import Gate

type Measure = Literal[
    "cost_per_item",
    "false_alarms_per_hit",
    "precision",
    "recall",
    "false_positive_rate",
    "review_share",
]


class Slice(Part):
    """A named part of the items: values of a category, or a range of a number.

    `minimum` is in it, `maximum` is not.
    """

    name: str = Field(min_length=1, max_length=60)
    feature: str
    values: tuple[Value, ...] = ()
    minimum: Number | None = None
    maximum: Number | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        is_range = self.minimum is not None or self.maximum is not None
        if bool(self.values) == is_range:
            raise ValueError("a slice needs values, or a minimum or maximum, not both")
        return self


class GateSpec(Part):
    """One gate as declared; `learning.gates.Gate` says what each kind asks."""

    kind: str
    bound: Number | None = None
    among: str = "all"
    segments: tuple[str, ...] = ()
    min_n: Whole = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _is_a_gate(self) -> Self:
        self.gate  # noqa: B018 -- raises what is wrong
        return self

    @property
    def title(self) -> str:
        """What the gate is called: its kind, among whom and in which slices."""
        return ", ".join(self.gate.result_keys())

    @property
    def gate(self) -> Gate:
        """The gate that model versions are held against. Raises: ValueError."""
        data: dict[str, Any] = self.model_dump(mode="json")
        return Gate.from_json(data)


class Promotion(Part):
    """How a version becomes champion, and how it is compared with the one there is.

    `delta` is the chance of a wrong verdict, ever; `margin` by how much of the greatest
    loss a version may be worse and still be called no worse.
    """

    approvals: Whole = Field(default=1, ge=1, le=2)
    loss: Literal["costs", "errors"] = "costs"
    delta: Number = Field(default=0.05, gt=0, lt=1)
    margin: Number = Field(default=0.01, ge=0, le=1)


class Candidate(Part):
    """One model to train: how, and on which features (all that models read)."""

    algorithm: Literal["gradient_boosting", "logistic", "baseline", "entry_point"] = (
        "gradient_boosting"
    )
    entry_point: str = Field(default="", max_length=200)
    features: tuple[str, ...] = ()
    name: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _names_its_code(self) -> Self:
        if (self.algorithm == "entry_point") != bool(self.entry_point):
            raise ValueError("entry_point goes with the algorithm of that name")
        return self


class Retraining(Part):
    """When a new model is trained by itself, and what for; 0 is never."""

    candidates: Annotated[tuple[Candidate, ...], Field(max_length=10)] = ()
    every_days: Whole = Field(default=0, ge=0, le=3650)
    after_labels: Whole = Field(default=0, ge=0)
    on_drift: Flag = False
    min_positives: Whole = Field(default=200, ge=50)
    min_others: Whole = Field(default=200, ge=50)


class Monitoring(Part):
    """What monitors raise an alert at; 0 is never."""

    false_alarms_per_year: Number = Field(default=2, gt=0, le=52)
    min_distance: Number = Field(default=0.1, ge=0, le=1)
    queue_age_minutes: Whole = Field(default=0, ge=0, le=MOST_MINUTES)
    score_age_minutes: Whole = Field(default=10, ge=0, le=MOST_MINUTES)
    latency_ms: Whole = Field(default=0, ge=0)
    failed_share: Number = Field(default=0.01, ge=0, le=1)
    silent_minutes: Whole = Field(default=0, ge=0, le=MOST_MINUTES)
    cost_per_decision: Number = Field(default=0, ge=0)
    quarantine_share: Number = Field(default=0.05, ge=0, le=1)
    calibration_error: Number = Field(default=0.05, ge=0, le=1)


class Business(Part):
    """The workflow's one metric as it is measured; `metric` says it in words."""

    measure: Measure | None = None
    aim: Number | None = None
