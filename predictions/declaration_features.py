"""What an item may hold: a workflow's features, and where their values usually lie."""

from collections.abc import Collection, Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from predictions.declaration_fields import FieldSpec
from predictions.declaration_life import Slice
from predictions.declaration_parts import Flag, Number, Part, Value, Whole
from predictions.personal.finders import Kind

NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"
NUMBERS = frozenset({"number", "integer"})


class Show(Part):
    """How a value is shown to people."""

    decimals: Whole | None = Field(default=None, ge=0, le=10)
    format: Literal["plain", "percent", "money", "duration"] = "plain"
    group: str = ""
    important: Flag = False
    trend: Flag = False


class Reference(Part):
    """Where a value usually lies, both ends inclusive; `of` whom, where it differs.

    With `of` it holds for items whose value of that feature is from `minimum` on and
    below `maximum`, or one of `values`.
    """

    low: Number | None = None
    high: Number | None = None
    of: str | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    values: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.low, self.high
        if low is None and high is None:
            raise ValueError("a reference range needs low or high")
        if low is not None and high is not None and low > high:
            raise ValueError("low is above high")
        is_range = self.minimum is not None or self.maximum is not None
        if (is_range or bool(self.values)) != (self.of is not None):
            raise ValueError("of goes with values, or with minimum or maximum")
        if is_range and self.values:
            raise ValueError("of goes with values or with a range, not with both")
        return self

    def is_for(self, value: object) -> bool:
        """Say whether it holds for an item with that value of `of`."""
        if self.of is None or self.values:
            return self.of is None or value in self.values
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        is_high = self.minimum is None or value >= self.minimum
        return is_high and (self.maximum is None or value < self.maximum)


class Feature(Part):
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
    reference: tuple[Reference, ...] = Field(default=(), max_length=20)
    mask: tuple[Kind, ...] = Field(default=(), max_length=20)

    @field_validator("reference", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "category" and not self.values:
            raise ValueError("a category needs its allowed values")
        if self.type != "category" and self.values:
            raise ValueError("only a category has allowed values")
        if len(set(self.values)) != len(self.values):
            raise ValueError("an allowed value stands twice")
        if self.is_ranged and self.type not in NUMBERS:
            raise ValueError("only a number or integer has a range")
        if self.reference and self.type not in NUMBERS:
            raise ValueError("only a number or integer has a reference range")
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and low > high:
            raise ValueError("minimum is above maximum")
        if self.mask and self.type != "text":
            raise ValueError("only in a text is personal data masked")
        if self.use == "model" and self.type == "datetime":
            raise ValueError("a datetime can be shown, not learned from")
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


def check_references(features: Sequence[Feature]) -> None:
    """See that ranges differ by what other features can hold. Raises: ValueError."""
    known = {one.name: one for one in features}
    for feature in features:
        for part in feature.reference:
            other = known.get(part.of or "")
            if part.of is None or (other is not None and _can_hold(other, part)):
                continue
            what = "allows these values" if part.values else "is a number"
            where = f"features: {feature.name}: reference"
            raise ValueError(f"{where}: no feature {part.of!r} {what}")


def _can_hold(feature: Feature, part: Reference) -> bool:
    if part.values:
        return set(part.values) <= set(feature.values)
    return feature.type in NUMBERS


def check_masked(
    features: Sequence[Feature], fields: Sequence[FieldSpec], shown: Collection[str]
) -> None:
    """See that what is masked is named nowhere else, and what finders fill in fits.

    `shown` are the features that headings and subjects are made of. Raises: ValueError.
    """
    masked = {one.name: one.mask for one in features if one.mask}
    if twice := sorted(set(masked) & set(shown)):
        raise ValueError(f"features: {', '.join(twice)}: masked, and title or subject")
    for field in fields:
        if not field.personal:
            continue
        if field.feature not in masked:
            raise ValueError(f"fields: {field.name}: personal needs a masked text")


def check_slice(part: Slice, feature: Feature | None) -> None:
    """See that a slice cuts by what a feature can hold. Raises: ValueError."""
    if feature is None:
        raise ValueError(f"slices: no feature is named {part.feature!r}")
    if part.values and feature.type == "category":
        if unknown := sorted(set(part.values) - set(feature.values)):
            raise ValueError(
                f"slices: {feature.name} does not allow {', '.join(unknown)}"
            )
    elif part.values or feature.type not in NUMBERS:
        what = "values of a category" if part.values else "a number or integer"
        raise ValueError(f"slices: {part.name} needs {what}, {feature.name} has none")
