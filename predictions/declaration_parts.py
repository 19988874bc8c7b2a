"""What the parts of a declaration are made of."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints, field_validator

# Ten years. What is longer lies beyond the calendar sooner or later, and nothing that
# adds it to a moment comes to an end.
MOST_MINUTES: Final = 5_256_000

# Strict: "yes" is no flag, true is no number.
type Flag = Annotated[bool, Strict()]
type Number = Annotated[float, Strict()]
type Whole = Annotated[int, Strict()]
type Value = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Part(BaseModel):
    """A table of the workflow file: closed, frozen, storable."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            raise ValueError("the character NUL cannot be stored")
        return value
