"""What a workflow declares: labels, features, costs, rules of the queue, owners.

Pure: text or JSON in, frozen models out. `docs/workflow-file.md` explains each entry.
"""

import math
import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

MAX_SHOWN = 200
MAX_TEXT = 500_000  # characters of a workflow file
MAX_BITS = 63  # of an integer that every JSON writer takes
KEY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$"
NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"

# Strict: "yes" is no flag, true is no number.
type Flag = Annotated[bool, Strict()]
type Number = Annotated[float, Strict()]
type Whole = Annotated[int, Strict()]
type Value = Annotated[str, StringConstraints(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class FieldError:
    """Which field broke which rule, with the value as it came."""

    field: str
    rule: str
    value: object = None

    def to_json(self) -> dict[str, object]:
        """Return JSON data; a long value is cut, what JSON has no word for is text."""
        return {"field": self.field, "rule": self.rule, "value": _json(self.value)}


def _json(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


class DeclarationError(ValueError):
    """The declaration breaks rules; `errors` lists every one."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        lines = (f"{e.field}: {e.rule} ({e.value!r})" for e in self.errors)
        super().__init__("; ".join(lines))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            raise ValueError("the character NUL cannot be stored")
        return value


class LabelSpec(_Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)
    positive: Flag = False
    description: str = ""


class ReasonCode(_Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)


class Show(_Part):
    """How a value is shown to people."""

    decimals: Whole | None = Field(default=None, ge=0, le=10)
    format: Literal["plain", "percent", "money", "duration"] = "plain"
    group: str = ""
    important: Flag = False


class Feature(_Part):
    name: str = Field(pattern=NAME)
    title: str = ""
    type: Literal["number", "integer", "category", "boolean", "text", "datetime"]
    unit: str = ""
    description: str = ""
    minimum: Number | None = None
    maximum: Number | None = None
    values: tuple[Value, ...] = ()
    required: Flag = False
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
    false_positive: Number = Field(ge=0)
    false_negative: Number = Field(ge=0)
    review_minute: Number = Field(default=0, ge=0)
    currency: str = Field(default="EUR", max_length=10)


class QueueRules(_Part):
    sla_minutes: Whole = Field(default=24 * 60, ge=1)
    lease_seconds: Whole = Field(default=300, ge=30, le=3600)
    undo_seconds: Whole = Field(default=60, ge=0, le=3600)
    max_leases: Whole = Field(default=3, ge=2, le=50)


class Owners(_Part):
    data: str = ""
    model: str = ""
    monitoring: str = ""
    retraining: str = ""
    incident: str = ""


class PolicySpec(_Part):
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


class IntakeRules(_Part):
    max_future_minutes: Whole = Field(default=60, ge=0)
    max_features_bytes: Whole = Field(default=65_536, ge=256, le=1_048_576)


class ModelRules(_Part):
    time_budget_ms: Whole = Field(default=2000, ge=1, le=60_000)
    threshold: Number | None = Field(default=None, gt=0, lt=1)


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
    labels: tuple[LabelSpec, ...] = Field(max_length=30)
    reason_codes: tuple[ReasonCode, ...] = Field(default=(), max_length=30)
    features: tuple[Feature, ...] = Field(max_length=500)
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
        # Not min_length: pydantic would count the valid ones, and err twice.
        if not features:
            raise ValueError("at least one feature is needed")
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


def parse_declaration(text: str) -> Declaration:
    """Read a workflow file. Raises: DeclarationError listing every broken rule."""
    if len(text) > MAX_TEXT:
        rule = f"longer than {MAX_TEXT} characters"
        raise DeclarationError([FieldError("file", rule, len(text))])
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # a huge integer raises it bare
        raise DeclarationError([FieldError("file", f"toml: {error}")]) from error
    except RecursionError as error:
        raise DeclarationError([FieldError("file", "toml: too deep")]) from error
    return declaration_from_json(data)


def declaration_from_json(data: Mapping[str, Any]) -> Declaration:
    """Read JSON data. Raises: DeclarationError listing every broken rule."""
    try:
        return Declaration.model_validate(data)
    except ValidationError as error:
        errors = [_error(data, one) for one in error.errors()]
        raise DeclarationError(errors) from error


def title_fields(title: str) -> set[str]:
    """Return the feature names in a title like `Payment of {amount}`.

    Raises: ValueError for anything but plain names in braces.
    """
    fields = set()
    try:
        parts = list(string.Formatter().parse(title))
    except ValueError as error:
        raise ValueError(f"title: {error}") from error
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"title: {{{name}}} is not a plain feature name")
        fields.add(name)
    return fields


def _error(data: object, error: Any) -> FieldError:  # noqa: ANN401 -- pydantic's error dict
    shown = error.get("input")
    if isinstance(shown, dict | list | tuple):
        shown = None
    return FieldError(
        _path(data, error["loc"]) or "declaration",
        error["msg"].removeprefix("Value error, "),
        shown,
    )


def _path(data: object, loc: Sequence[str | int]) -> str:
    """Return where an error is; entries of a list by their name, if they have one."""
    words: list[str] = []
    for step in loc:
        try:
            data = data[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            data = None
        word = str(step)
        if isinstance(step, int) and isinstance(data, dict):
            named = data.get("name") if words == ["features"] else data.get("key")
            word = named if isinstance(named, str) and named else word
        words.append(word[:MAX_SHOWN])
    return ".".join(words)
