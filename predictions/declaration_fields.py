"""What a workflow declares that a decision holds besides its label."""

from collections.abc import Collection, Sequence
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from predictions.declaration_parts import Flag, Number, Part, Value, Whole
from predictions.learning.speech.terms import DIGITS, POINT

type FieldType = Literal[
    "number",
    "integer",
    "category",
    "boolean",
    "text",
    "datetime",
    "boxes",
    "polygons",
    "points",
    "spans",
]
REGIONS: Final = frozenset({"boxes", "polygons", "points"})
SETS: Final = REGIONS | {"spans"}  # a value is a list, in any order
MAX_REGIONS: Final = 500
MAX_POLYGONS: Final = 50  # each pair takes about a thousand times as long as boxes
_COUNTED = frozenset({*DIGITS, "oh", POINT})
# From which overlap, or up to which distance, two values are the same.
TOLERANCES: Final = {"boxes": 0.5, "polygons": 0.5, "points": 5.0, "spans": 1.0}
SPEAKABLE: Final = frozenset({"number", "integer", "text", "category"})
_TOLERANT = {"number", "integer", "datetime", *SETS}
_SHARES = {"boxes", "polygons", "spans"}


class Spoken(Part):
    """How a field is said: its name, and how many digits follow."""

    name: str = Field(pattern=r"^[a-z]{1,30}$")
    digits: Whole = Field(default=0, ge=0, le=20)  # 0: as many as are said
    decimals: Whole = Field(default=0, ge=0, le=6)  # where no "point" is said


class FieldSpec(Part):
    """One field of a decision; `docs/structured-decisions.md` says what each holds."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")
    title: str = Field(default="", max_length=100)
    type: FieldType
    unit: str = Field(default="", max_length=30)
    description: str = ""
    minimum: Number | None = None
    maximum: Number | None = None
    values: tuple[Value, ...] = Field(default=(), max_length=100)
    required: Flag = False
    tolerance: Number | None = Field(default=None, ge=0)
    labels: tuple[str, ...] = ()
    media: str = ""
    feature: str = ""
    classes: tuple[Value, ...] = Field(default=(), max_length=50)
    max_regions: Whole = Field(default=50, ge=1, le=MAX_REGIONS)
    spoken: Spoken | None = None
    personal: Flag = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.type == "category") != bool(self.values):
            raise ValueError("a category, and nothing else, has allowed values")
        for names in (self.values, self.classes, self.labels):
            if len(set(names)) != len(names):
                raise ValueError("a value stands twice")
        low, high = self.minimum, self.maximum
        is_ranged = low is not None or high is not None
        if is_ranged and self.type not in {"number", "integer"}:
            raise ValueError("only a number or integer has a range")
        if low is not None and high is not None and low > high:
            raise ValueError("minimum is above maximum")
        if self.unit and self.type not in {"number", "integer"}:
            raise ValueError("only a number or integer has a unit")
        return self

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.classes and self.type not in SETS:
            raise ValueError("only regions and spans have classes")
        if self.media and self.type not in REGIONS:
            raise ValueError("only regions lie in a medium")
        if self.type == "polygons" and self.max_regions > MAX_POLYGONS:
            raise ValueError(f"at most {MAX_POLYGONS} polygons can be held")
        if bool(self.feature) != (self.type == "spans"):
            raise ValueError("spans, and nothing else, lie in a feature")
        if self.personal and self.type != "spans":
            raise ValueError("personal data is marked by spans")
        if self.tolerance is None:
            return self
        if self.type not in _TOLERANT:
            raise ValueError(f"a {self.type} has no tolerance")
        if self.type in _SHARES and not 0 < self.tolerance <= 1:
            raise ValueError("the tolerance is a share above 0, at most 1")
        return self

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        if self.spoken is None:
            return self
        if self.type not in SPEAKABLE:
            raise ValueError(f"spoken: a {self.type} cannot be said")
        if self.spoken.decimals and self.type != "number":
            raise ValueError("spoken: only a number has decimals")
        if self.spoken.digits and self.type == "category":
            raise ValueError("spoken: a category has no digits")
        return self

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def is_set(self) -> bool:
        """Whether a value is a list of regions or spans."""
        return self.type in SETS

    @property
    def closeness(self) -> float:
        """Within which, or from which, two values are the same."""
        if self.tolerance is not None:
            return self.tolerance
        return TOLERANCES.get(self.type, 0.0)

    def is_asked_with(self, label: str) -> bool:
        """Say whether a decision of that label holds the field."""
        return bool(label) and (not self.labels or label in self.labels)


def check_fields_declared(
    fields: Sequence[FieldSpec],
    *,
    labels: Collection[str],
    texts: Collection[str],
    images: Collection[str],
) -> None:
    """Hold fields against the labels, texts and images beside them.

    Raises: ValueError.
    """
    names = [one.name for one in fields]
    if len(set(names)) != len(names):
        raise ValueError("fields: a name stands twice")
    said = [one.spoken.name for one in fields if one.spoken is not None]
    if len(set(said)) != len(said) or not _COUNTED.isdisjoint(said):
        raise ValueError("fields: spoken names differ, and none is a digit or point")
    for one in fields:
        if unknown := sorted(set(one.labels) - set(labels)):
            raise ValueError(f"fields: no label is {', '.join(unknown)}")
        if one.feature and one.feature not in texts:
            raise ValueError(f"fields: no text feature is named {one.feature!r}")
        if one.media and one.media not in images:
            raise ValueError(f"fields: no image is named {one.media!r}")
