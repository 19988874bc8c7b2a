"""The rules that a workflow declares of its queue, routing, intake and models."""

from typing import Literal, Self

from pydantic import Field, model_validator

from predictions.declaration_parts import MOST_MINUTES, Flag, Number, Part, Whole


class QueueRules(Part):
    sla_minutes: Whole = Field(default=24 * 60, ge=1, le=MOST_MINUTES)
    lease_seconds: Whole = Field(default=300, ge=30, le=3600)
    undo_seconds: Whole = Field(default=60, ge=0, le=3600)
    max_leases: Whole = Field(default=3, ge=2, le=50)
    escalation_reason: Flag = False


class PolicySpec(Part):
    """Where the routing policy of a new workflow starts; all shares in 0..1."""

    mode: Literal["all", "above", "between"] = "all"
    low: Number = Field(default=0, ge=0, le=1)
    high: Number = Field(default=1, ge=0, le=1)
    audit_share: Number = Field(default=0.1, gt=0, le=1)
    blind_share: Number = Field(default=0.05, ge=0, le=1)
    second_opinion_share: Number = Field(default=0, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        if self.mode == "between" and self.low == self.high:
            raise ValueError("nothing lies between low and high")
        return self


class IntakeRules(Part):
    max_future_minutes: Whole = Field(default=60, ge=0, le=MOST_MINUTES)
    max_features_bytes: Whole = Field(default=65_536, ge=256, le=1_048_576)
    new_sites: Flag = False


class ModelRules(Part):
    time_budget_ms: Whole = Field(default=2000, ge=1, le=60_000)
    threshold: Number | None = Field(default=None, gt=0, lt=1)
    sensitivity: Number | None = Field(default=None, ge=0.5, lt=1)
    unlike_share: Number = Field(default=0, ge=0, le=0.2)
    field_confidence: Number = Field(default=0, ge=0, lt=1)

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.threshold is not None and self.sensitivity is not None:
            raise ValueError("threshold and sensitivity: one decides, not both")
        return self
