"""How readings become items: the `[series]` of a workflow file, and what it derives."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Self

from pydantic import Field, model_validator

from predictions.declaration_features import Feature, Reference, Show
from predictions.declaration_parts import MOST_MINUTES, Flag, Number, Part, Whole
from predictions.learning.series_columns import COLUMNS

CHANNEL_NAME: Final = r"^[A-Za-z][A-Za-z0-9_]{0,39}$"
MAX_CHANNELS: Final = 20
MAX_STEPS: Final = 1000  # of a window: how many windows one reading may be in
MINUTE: Final = 60_000_000  # microseconds


class Channel(Part):
    """One quantity that a machine reads; `low` and `high` are its usual limits."""

    name: str = Field(pattern=CHANNEL_NAME)
    title: str = ""
    unit: str = ""
    description: str = ""
    minimum: Number | None = None
    maximum: Number | None = None
    decimals: Whole = Field(default=1, ge=0, le=10)
    low: Number | None = None
    high: Number | None = None
    required: Flag = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for low, high in ((self.minimum, self.maximum), (self.low, self.high)):
            if low is not None and high is not None and low > high:
                raise ValueError("a lower limit is above its upper one")
        return self

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def as_feature(self) -> Feature:
        """The channel as a reading holds it."""
        return Feature(
            name=self.name,
            title=self.title,
            type="number",
            unit=self.unit,
            minimum=self.minimum,
            maximum=self.maximum,
            required=self.required,
        )


class Series(Part):
    """Windows, what is to be foreseen with them, and what it costs; minutes."""

    window_minutes: Number = Field(gt=0, le=MOST_MINUTES)
    step_minutes: Number = Field(gt=0, le=MOST_MINUTES)
    wait_minutes: Number = Field(default=1, ge=0, le=MOST_MINUTES)
    gap_minutes: Number = Field(default=0, ge=0, le=MOST_MINUTES)
    min_readings: Whole = Field(default=3, ge=1, le=100_000)
    horizon_minutes: Number = Field(gt=0, le=MOST_MINUTES)
    lead_minutes: Number = Field(default=0, ge=0, le=MOST_MINUTES)
    stop_cost: Number = Field(ge=0)
    visit_cost: Number = Field(ge=0)
    keep_days: Whole = Field(default=0, ge=0, le=36_500)  # of readings; 0 is for ever
    channels: tuple[Channel, ...] = Field(max_length=MAX_CHANNELS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.channels:
            raise ValueError("channels: at least one is needed")
        names = [one.name for one in self.channels]
        if len(set(names)) != len(names):
            raise ValueError("channels: a name stands twice")
        if self.step_minutes * 60 != int(self.step_minutes * 60):
            raise ValueError("step_minutes is no whole number of seconds")
        if not self.step_minutes <= self.window_minutes:
            raise ValueError("step_minutes is above window_minutes")
        if self.window_minutes > MAX_STEPS * self.step_minutes:
            raise ValueError(f"a window holds at most {MAX_STEPS} steps")
        if self.lead_minutes >= self.horizon_minutes:
            raise ValueError("lead_minutes is not below horizon_minutes")
        needed = self.window_minutes + self.step_minutes + self.wait_minutes
        if 0 < self.keep_days * 24 * 60 < needed:
            raise ValueError("keep_days is below what a window needs")
        return self

    @property
    def step(self) -> int:
        """Microseconds from one window's end to the next."""
        return round(self.step_minutes * MINUTE)

    @property
    def window(self) -> int:
        """Microseconds that a window holds."""
        return round(self.window_minutes * MINUTE)

    @property
    def wait(self) -> int:
        """Microseconds that a window stays open after its end."""
        return round(self.wait_minutes * MINUTE)

    @property
    def gap(self) -> int:
        """Microseconds of silence after which a window begins anew; 0 is never."""
        return round(self.gap_minutes * MINUTE)

    @property
    def meaning(self) -> tuple[object, ...]:
        """What the derived columns mean by: a change of it is a breaking one."""
        return (
            self.window_minutes,
            self.step_minutes,
            self.gap_minutes,
            self.horizon_minutes,
        )


def with_derived(data: object) -> object:
    """Add what a series derives to the features of raw JSON data, as it will be stored.

    What was added before is added anew: a declaration can be read back from its JSON.
    Data that is wrong stays as it is, for the validation that follows.
    """
    if not isinstance(data, Mapping) or not data.get("series"):
        return data
    given = data["series"]
    try:
        series = given if isinstance(given, Series) else Series.model_validate(given)
    except ValueError:
        return data
    sent = data.get("features")
    if not isinstance(sent, list | tuple):
        return data
    derived = {one.name: one for one in derived_features(series)}
    own: list[Any] = [one for one in sent if _name(one) not in derived]
    again = [one for one in sent if _name(one) in derived]
    if not all(_is_derived(one, derived) for one in again):
        return data  # a feature of one's own by that name: refused as standing twice
    return {**data, "features": [*own, *derived.values()]}


@lru_cache(maxsize=64)
def derived_features(series: Series) -> tuple[Feature, ...]:
    """Return the columns that are measured of each channel, in their order."""
    return tuple(
        Feature(
            name=f"{channel.name}_{column.name}",
            title=f"{channel.label}, {column.title}",
            type="number",
            unit=f"{channel.unit}{column.unit}" if channel.unit else "",
            description=column.description,
            show=Show(
                decimals=min(channel.decimals + column.more_decimals, 10),
                group=channel.label,
                important=column.name == "last",
            ),
            reference=_reference(channel) if column.is_level else (),
        )
        for channel in series.channels
        for column in COLUMNS
    )


def check_series(
    series: Series | None, *, subject: str | None, features: Sequence[Feature]
) -> None:
    """See that the machine is named, and no name stands for two. Raises: ValueError."""
    if series is None:
        return
    known = {one.name: one for one in features}
    named = known.get(subject or "")
    if named is None or named.type != "text" or not named.required:
        raise ValueError("series: subject must be a required text: who sends readings")
    if twice := sorted(set(known) & {one.name for one in series.channels}):
        raise ValueError(f"series: channels: features as well: {', '.join(twice)}")
    derived = {one.name for one in derived_features(series)}
    if missing := derived - known.keys():  # see `with_derived`
        own = ", ".join(sorted(derived & known.keys()))
        raise ValueError(f"features: measured by the series: {own or min(missing)}")


def _reference(channel: Channel) -> tuple[Reference, ...]:
    if channel.low is None and channel.high is None:
        return ()
    return (Reference(low=channel.low, high=channel.high),)


def _name(feature: object) -> object:
    if isinstance(feature, Feature):
        return feature.name
    return feature.get("name") if isinstance(feature, Mapping) else None


def _is_derived(given: object, derived: Mapping[str, Feature]) -> bool:
    if isinstance(given, Feature):
        return given == derived[given.name]
    if not isinstance(given, Mapping):
        return False
    try:
        return Feature.model_validate(given) == derived[str(given["name"])]
    except ValueError:
        return False
