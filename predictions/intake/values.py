"""Check one value against its feature or field: the rules, in words to act on."""

import math
from datetime import UTC, datetime, timedelta

from predictions.declaration import Feature, FieldError
from predictions.declaration_fields import FieldSpec

MAX_TEXT_LENGTH = 10_000
MAX_EXACT_INTEGER = 2**53  # beyond it, a float is no longer the integer it was
MAX_SHOWN = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
type Valued = Feature | FieldSpec


def check_value(feature: Valued, value: object) -> tuple[object, FieldError | None]:
    """Return the value as stored, and the rule that it breaks, if any.

    None is missing: allowed unless the feature is required. A number is stored as a
    float and a whole float of an integer feature as an integer, whichever way it came,
    so that the same content has the same hash.
    """
    if value is None:
        missing = FieldError(feature.name, "missing") if feature.required else None
        return None, missing
    if feature.type in {"number", "integer"}:
        return _check_number(feature, value)
    if feature.type == "boolean":
        return value, None if isinstance(value, bool) else _wrong_type(feature, value)
    if feature.type == "datetime":
        moment = parse_moment(value)
        if moment is None:
            return value, _wrong_type(feature, value)
        return moment.isoformat(), None
    if not isinstance(value, str):
        return value, _wrong_type(feature, value)
    return value, _text_error(feature, value)


def parse_moment(value: object) -> datetime | None:
    """Read an ISO 8601 moment with year to day at least; naive ones are UTC."""
    try:
        if isinstance(value, datetime):
            return aware(value)
        if isinstance(value, str) and 10 <= len(value) <= 40:
            return aware(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None
    return None


def aware(moment: datetime) -> datetime:
    """Return the moment in UTC. Raises: OverflowError at the calendar's ends."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def microseconds(moment: datetime) -> int:
    """Return how long after 1970 the moment is, exactly."""
    return (moment - EPOCH) // MICROSECOND


def storable_text(text: str) -> str:
    """Replace what PostgreSQL cannot hold: NUL and lone surrogates."""
    readable = text.encode("utf-8", "replace").decode()
    return readable.replace("\x00", "\ufffd")


def shown(value: object) -> object:
    """Return a value as an error may quote it: short, and always storable."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        bits = value.bit_length()
        return value if bits <= 63 else f"integer of {bits} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        cut = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
        return storable_text(cut)
    if isinstance(value, dict):
        return f"object with {len(value)} entries"
    if isinstance(value, list | tuple):
        return f"list with {len(value)} entries"
    return f"value of type {type(value).__name__}"


def _check_number(feature: Valued, value: object) -> tuple[object, FieldError | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value, _wrong_type(feature, value)
    out_of_range = FieldError(feature.name, "range", shown(value))
    try:
        number = float(value) + 0.0  # zero has no sign: PostgreSQL keeps none
    except OverflowError:
        return value, out_of_range
    if not math.isfinite(number):
        return value, FieldError(feature.name, "finite", str(value))
    if feature.type == "integer":
        if not number.is_integer():
            return value, _wrong_type(feature, value)
        if abs(value) > MAX_EXACT_INTEGER:
            return value, out_of_range
        number = int(value)
    low, high = feature.minimum, feature.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return value, out_of_range
    return number, None


def _wrong_type(feature: Valued, value: object) -> FieldError:
    return FieldError(feature.name, "type", shown(value))


def _text_error(feature: Valued, value: str) -> FieldError | None:
    if feature.type == "category":
        known = value in feature.values
        return None if known else FieldError(feature.name, "value", shown(value))
    if len(value) > MAX_TEXT_LENGTH:
        return FieldError(feature.name, "too_long", len(value))
    return _character_error(feature.name, value)


def _character_error(name: str, value: str) -> FieldError | None:
    if "\x00" in value:
        return FieldError(name, "nul", shown(value))
    try:
        value.encode()
    except UnicodeEncodeError:
        return FieldError(name, "surrogates", shown(value))
    return None
