"""What a workflow declares: labels, features, costs, rules of the queue, owners.

Pure: text or JSON in, frozen models out. `docs/workflow-file.md` explains each entry.
"""

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

MAX_SHOWN = 200
KEY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$"
NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"


@dataclass(frozen=True, slots=True)
class FieldError:
    """Which field broke which rule, with the value as it came."""

    field: str
    rule: str
    value: object = None

    def to_json(self) -> dict[str, object]:
        """Return JSON data; a long value is cut."""
        value = self.value
        if isinstance(value, str) and len(value) > MAX_SHOWN:
            value = value[:MAX_SHOWN] + "…"
        return {"field": self.field, "rule": self.rule, "value": value}


class DeclarationError(ValueError):
    """The declaration breaks rules; `errors` lists every one."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        lines = (f"{e.field}: {e.rule} ({e.value!r})" for e in self.errors)
        super().__init__("; ".join(lines))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LabelSpec(_Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)
    positive: bool = False
    description: str = ""


class ReasonCode(_Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)


class Show(_Part):
    """How a value is shown to people."""

    decimals: int | None = Field(default=None, ge=0, le=10)
    format: Literal["plain", "percent", "money", "duration"] = "plain"
    group: str = ""
    important: bool = False


class Feature(_Part):
    name: str = Field(pattern=NAME)
    title: str = ""
    type: Literal["number", "integer", "category", "boolean", "text", "datetime"]
    unit: str = ""
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    required: bool = False
    show: Show = Show()
    use: Literal["model", "show"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "category" and not self.values:
            raise ValueError("a category needs its allowed values")
        if self.type != "category" and self.values:
            raise ValueError("only a category has allowed values")
        if len(set(self.values)) != len(self.values):
            raise ValueError("an allowed value stands twice")
        if self.is_ranged and self.type not in {"number", "integer"}:
            raise ValueError("only a number or integer has a range")
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and low > high:
            raise ValueError("minimum is above maximum")
        if self.use == "model" and self.type in {"text", "datetime"}:
            raise ValueError("a text or datetime can be shown, not learned from")
        return self

    @property
    def is_ranged(self) -> bool:
        return self.minimum is not None or self.maximum is not None

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def is_for_models(self) -> bool:
        if self.use is not None:
            return self.use == "model"
        return self.type not in {"text", "datetime"}


class Costs(_Part):
    false_positive: float = Field(ge=0)
    false_negative: float = Field(ge=0)
    review_minute: float = Field(default=0, ge=0)
    currency: str = Field(default="EUR", max_length=10)


class QueueRules(_Part):
    sla_minutes: int = Field(default=24 * 60, ge=1)
    lease_seconds: int = Field(default=300, ge=30, le=3600)
    undo_seconds: int = Field(default=60, ge=0, le=3600)
    max_leases: int = Field(default=3, ge=2, le=50)


class Owners(_Part):
    data: str = ""
    model: str = ""
    monitoring: str = ""
    retraining: str = ""
    incident: str = ""


class PolicySpec(_Part):
    """Where the routing policy of a new workflow starts; all shares in 0..1."""

    mode: Literal["all", "above", "between"] = "all"
    low: float = Field(default=0, ge=0, le=1)
    high: float = Field(default=1, ge=0, le=1)
    audit_share: float = Field(default=0.1, gt=0, le=1)
    blind_share: float = Field(default=0.05, ge=0, le=1)
    second_opinion_share: float = Field(default=0, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class IntakeRules(_Part):
    max_future_minutes: int = Field(default=60, ge=0)
    max_features_bytes: int = Field(default=65_536, ge=256, le=1_048_576)


class ModelRules(_Part):
    time_budget_ms: int = Field(default=2000, ge=1, le=60_000)
    threshold: float | None = Field(default=None, gt=0, lt=1)


class Declaration(_Part):
    """Everything that a workflow says about itself."""

    slug: str = Field(pattern=r"^[a-z][a-z0-9-]{1,48}$")
    name: str = Field(min_length=1, max_length=200)
    description: str = ""
    question: str = Field(min_length=1, max_length=200)
    data_note: str = ""
    metric: str = ""
    subject: str | None = None
    title: str = ""
    labels: tuple[LabelSpec, ...] = Field(min_length=2, max_length=30)
    reason_codes: tuple[ReasonCode, ...] = Field(default=(), max_length=30)
    features: tuple[Feature, ...] = Field(min_length=1, max_length=500)
    costs: Costs
    queue: QueueRules = QueueRules()
    owners: Owners = Owners()
    policy: PolicySpec = PolicySpec()
    intake: IntakeRules = IntakeRules()
    model: ModelRules = ModelRules()

    @field_validator("labels", "reason_codes")
    @classmethod
    def _unique_keys(cls, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        keys = [part.key for part in parts]
        if len(set(keys)) != len(keys):
            raise ValueError("a key stands twice")
        return parts

    @field_validator("features")
    @classmethod
    def _unique_names(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [feature.name for feature in features]
        if len(set(names)) != len(names):
            raise ValueError("a feature's name stands twice")
        return features

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        positives = [label for label in self.labels if label.positive]
        if not positives or len(positives) == len(self.labels):
            raise ValueError("some labels must be positive, and some not")
        names = {feature.name for feature in self.features}
        if self.subject is not None and self.subject not in names:
            raise ValueError(f"subject: no feature is named {self.subject!r}")
        if unknown := sorted(title_fields(self.title) - names):
            raise ValueError(f"title: no feature is named {', '.join(unknown)}")
        return self

    @cached_property
    def label_keys(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels)

    @cached_property
    def positive_labels(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels if label.positive)

    @cached_property
    def model_features(self) -> tuple[Feature, ...]:
        return tuple(one for one in self.features if one.is_for_models)

    @cached_property
    def _features_by_name(self) -> Mapping[str, Feature]:
        return {feature.name: feature for feature in self.features}

    @property
    def decision_threshold(self) -> float:
        """Where recommending a positive label begins to pay, in (0, 1).

        Source: Elkan 2001, the foundations of cost-sensitive learning, eq. 2.
        """
        if self.model.threshold is not None:
            return self.model.threshold
        total = self.costs.false_positive + self.costs.false_negative
        if not total:
            return 0.5
        return min(max(self.costs.false_positive / total, 1e-6), 1 - 1e-6)

    def feature(self, name: str) -> Feature | None:
        """Return the feature of that name, or None."""
        return self._features_by_name.get(name)

    def label_name(self, key: str) -> str:
        """Return the name of a label; the key itself when it is not declared."""
        names = (label.name for label in self.labels if label.key == key)
        return next(names, key)

    def reason_name(self, key: str) -> str:
        """Return the name of a reason code; the key itself when not declared."""
        names = (code.name for code in self.reason_codes if code.key == key)
        return next(names, key)

    def to_json(self) -> dict[str, Any]:
        """Return JSON data that `declaration_from_json` reads."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class DeclarationChanges:
    """What a new declaration changes, in words; breaking ones need care."""

    changes: list[str]
    breaking: bool


def parse_declaration(text: str) -> Declaration:
    """Read a workflow file. Raises: DeclarationError listing every broken rule."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError([FieldError("file", f"toml: {error}")]) from error
    return declaration_from_json(data)


def declaration_from_json(data: Mapping[str, Any]) -> Declaration:
    """Read JSON data. Raises: DeclarationError listing every broken rule."""
    try:
        return Declaration.model_validate(data)
    except ValidationError as error:
        raise DeclarationError([_error(one) for one in error.errors()]) from error


def title_fields(title: str) -> set[str]:
    """Return the feature names in a title like `Payment of {amount}`.

    Raises: ValueError for anything but plain names in braces.
    """
    fields = set()
    for _, name, spec, conversion in string.Formatter().parse(title):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"title: {{{name}}} is not a plain feature name")
        fields.add(name)
    return fields


def declaration_changes(old: Declaration, new: Declaration) -> DeclarationChanges:
    """Compare two declarations, entry by entry."""
    changes: list[str] = []
    breaking = False
    for part in ("labels", "reason_codes", "features"):
        key = "name" if part == "features" else "key"
        before = {getattr(one, key): one for one in getattr(old, part)}
        after = {getattr(one, key): one for one in getattr(new, part)}
        gone = [name for name in before if name not in after]
        changes += [f"{part}: {name} removed" for name in gone]
        changes += [f"{part}: {name} added" for name in after if name not in before]
        changed = [n for n in before if n in after and before[n] != after[n]]
        changes += [f"{part}: {name} changed" for name in changed]
        retyped = part == "features" and any(
            before[name].type != after[name].type for name in changed
        )
        breaking = breaking or retyped or (part != "reason_codes" and bool(gone))
    for name in type(old).model_fields:
        if name in {"labels", "reason_codes", "features"}:
            continue
        if getattr(old, name) != getattr(new, name):
            changes.append(f"{name} changed")
    return DeclarationChanges(changes, breaking)


def _error(error: Any) -> FieldError:  # noqa: ANN401 -- pydantic's error dict
    path = ".".join(str(part) for part in error["loc"]) or "declaration"
    shown = error.get("input")
    if isinstance(shown, dict | list | tuple):
        shown = None
    return FieldError(path, error["msg"].removeprefix("Value error, "), shown)
