"""What a workflow declares: labels, features, costs, rules of the queue, owners.

Pure: text or JSON in, frozen models out. `docs/workflow-file.md` explains each entry.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from predictions.declaration_costs import Costs as Costs
from predictions.declaration_costs import check_matrix, with_sides
from predictions.declaration_features import Feature as Feature
from predictions.declaration_features import (
    check_masked,
    check_references,
    check_slice,
)
from predictions.declaration_fields import FieldSpec, check_fields_declared
from predictions.declaration_labels import LabelSpec as LabelSpec
from predictions.declaration_labels import Owners as Owners
from predictions.declaration_labels import ReasonCode as ReasonCode
from predictions.declaration_life import (
    Business,
    GateSpec,
    Monitoring,
    Promotion,
    Retraining,
    Slice,
)
from predictions.declaration_measures import measured_features
from predictions.declaration_media import (
    MAX_SLOTS,
    MediaSlot,
    Retention,
    check_slots,
)
from predictions.declaration_parts import Flag, Part
from predictions.declaration_rules import (
    IntakeRules,
    ModelRules,
    PolicySpec,
    QueueRules,
)
from predictions.declaration_series import Series, check_series, with_derived
from predictions.declaration_text import title_fields as title_fields
from predictions.learning.gate_terms import OF_ORDERED
from predictions.learning.label_terms import LabelTerms

MAX_SHOWN = 200
MAX_TEXT = 500_000  # characters of a workflow file
MAX_BITS = 63  # of an integer that every JSON writer takes


@dataclass(frozen=True, slots=True)
class FieldError:
    """Which field broke which rule, with the value as it came.

    `detail` says the same to people; nothing depends on it.
    """

    field: str
    rule: str
    value: object = None
    detail: str = dataclass_field(default="", compare=False)

    def to_json(self) -> dict[str, object]:
        """Return JSON data; a long value is cut, what JSON has no word for is text."""
        data = {"field": self.field, "rule": self.rule, "value": _json(self.value)}
        return data | {"detail": self.detail} if self.detail else data


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


class Declaration(Part):
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
    ordered: Flag = False
    reason_codes: tuple[ReasonCode, ...] = Field(default=(), max_length=30)
    features: tuple[Feature, ...] = Field(max_length=500)
    fields: tuple[FieldSpec, ...] = Field(default=(), max_length=50)
    costs: Costs
    queue: QueueRules = QueueRules()
    owners: Owners = Owners()
    policy: PolicySpec = PolicySpec()
    intake: IntakeRules = IntakeRules()
    model: ModelRules = ModelRules()
    slices: tuple[Slice, ...] = Field(default=(), max_length=50)
    gates: tuple[GateSpec, ...] = Field(default=(), max_length=50)
    promotion: Promotion = Promotion()
    retraining: Retraining = Retraining()
    monitoring: Monitoring = Monitoring()
    business: Business = Business()
    media: tuple[MediaSlot, ...] = Field(default=(), max_length=MAX_SLOTS)
    retention: Retention = Retention()
    series: Series | None = None

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

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        """Slices, gates and candidates speak of features and slices that are there."""
        features = {one.name: one for one in self.all_features}
        for part in self.slices:
            check_slice(part, features.get(part.feature))
        named = [part.name for part in self.slices]
        if len(set(named)) != len(named):
            raise ValueError("slices: a name stands twice")
        gates = (name for gate in self.gates for name in gate.segments)
        if unknown := sorted(set(gates) - set(named)):
            raise ValueError(f"gates: no slice is named {', '.join(unknown)}")
        keys = [key for gate in self.gates for key in gate.gate.result_keys()]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"gates: asked twice: {', '.join(twice)}")
        check_fields_declared(
            self.fields,
            labels=self.label_keys,
            texts={one.name for one in self.features if one.type == "text"},
            images={one.name for one in self.media if one.kind == "image"},
        )
        learnt = {one.name for one in self.model_features}
        candidates = (n for one in self.retraining.candidates for n in one.features)
        if unknown := sorted(set(candidates) - learnt):
            raise ValueError(
                f"retraining: models read no feature named {', '.join(unknown)}"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _costs_of_sides(cls, data: Any) -> Any:  # noqa: ANN401 -- as it was sent
        return with_sides(with_derived(data))

    @model_validator(mode="after")
    def _labels_stand_to_each_other(self) -> Self:
        """Order, costs from label to label, and what follows from them."""
        sides = [label.positive for label in self.labels]
        if self.ordered and sides != sorted(sides):
            raise ValueError("ordered: the positive labels come last, as the highest")
        steps = {gate.kind for gate in self.gates} & set(OF_ORDERED)
        if steps and not self.ordered:
            raise ValueError(
                f"gates: only of ordered labels: {', '.join(sorted(steps))}"
            )
        if self.costs.matrix:
            check_matrix(self.costs, self.label_keys, self.positive_labels)
            if self.model.threshold is not None or self.model.sensitivity is not None:
                raise ValueError(
                    "model: with costs.matrix no threshold decides what is recommended"
                )
        if self.model.sensitivity is not None and len(self.positive_labels) != 1:
            raise ValueError("model: sensitivity is of the one positive label")
        check_references(self.features)
        shown = {*title_fields(self.title), self.subject or ""}
        check_masked(self.features, self.fields, shown)
        return self

    @model_validator(mode="after")
    def _media_fits(self) -> Self:
        check_slots(self.media)
        check_series(self.series, subject=self.subject, features=self.features)
        sent = {one.name for one in self.features}
        if twice := sorted(sent & {one.name for one in self.measured}):
            raise ValueError(f"features: measured from media: {', '.join(twice)}")
        return self

    @cached_property
    def label_keys(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels)

    @cached_property
    def positive_labels(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels if label.positive)

    @cached_property
    def measured(self) -> tuple[Feature, ...]:
        """What is not sent with an item, but measured from its media."""
        return measured_features(self.media)

    @property
    def all_features(self) -> tuple[Feature, ...]:
        """What is known of an item: as it was sent, and as its media were measured."""
        return self.features + self.measured

    @cached_property
    def model_features(self) -> tuple[Feature, ...]:
        return tuple(one for one in self.all_features if one.is_for_models)

    @cached_property
    def masked(self) -> Mapping[str, tuple[str, ...]]:
        """The kinds of personal data that are masked, by the text that has them."""
        return {one.name: one.mask for one in self.features if one.mask}

    @cached_property
    def masked_kinds(self) -> tuple[str, ...]:
        """All kinds of personal data that are masked in some text."""
        return tuple(sorted({kind for kinds in self.masked.values() for kind in kinds}))

    @property
    def label_terms(self) -> LabelTerms:
        """How the labels stand to each other, for what is pure."""
        return LabelTerms(
            order=self.label_keys if self.ordered else (),
            costs=self.costs.matrix,
            sensitivity=self.model.sensitivity,
        )

    def error_cost(self, said: str, truth: str) -> float:
        """Return what saying one label costs where another is true, 0 or more."""
        if self.costs.matrix:
            return self.costs.matrix.get(truth, {}).get(said, 0.0)
        if (said in self.positive_labels) == (truth in self.positive_labels):
            return 0.0
        costs = self.costs
        wrong_positive = said in self.positive_labels
        return costs.false_positive if wrong_positive else costs.false_negative

    def dearest_error(self, said: str) -> float:
        """Return what saying a label costs at most, if it is wrong."""
        if self.costs.matrix:
            return max(self.error_cost(said, truth) for truth in self.label_keys)
        costs = self.costs
        is_positive = said in self.positive_labels
        return costs.false_positive if is_positive else costs.false_negative

    @property
    def greatest_cost(self) -> float:
        """What the dearest of all errors costs."""
        return max(map(self.dearest_error, self.label_keys))

    @cached_property
    def _features_by_name(self) -> Mapping[str, Feature]:
        return {feature.name: feature for feature in self.all_features}

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

    def media_slot(self, name: str) -> MediaSlot | None:
        """Return the slot of that name, or None."""
        return next((slot for slot in self.media if slot.name == name), None)

    def fields_with(self, label: str) -> tuple[FieldSpec, ...]:
        """Return the fields that a decision of that label holds; no label: none."""
        return tuple(one for one in self.fields if one.is_asked_with(label))

    def label_place(self, key: str) -> int:
        """Return what labels are sorted by: their order; without one all are alike."""
        if not self.ordered:
            return 0
        keys = self.label_keys
        return keys.index(key) if key in keys else len(keys)

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
            by_name = words in (["features"], ["media"], ["fields"])
            named = data.get("name") if by_name else data.get("key")
            word = named if isinstance(named, str) and named else word
        words.append(word[:MAX_SHOWN])
    return ".".join(words)
