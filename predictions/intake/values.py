"""Check one value against its feature: the rule book, in words people can act on."""

import math
from datetime import UTC, datetime

from predictions.declaration import Feature, FieldError

MAX_TEXT_LENGTH = 10_000
MAX_EXACT_INTEGER = 2**53  # beyond it, a float is no longer the integer it was


def check_value(feature: Feature, value: object) -> tuple[object, FieldError | None]:
    """Return the value as stored, and the rule that it breaks, if any.

    None is missing: allowed unless the feature is required.
    """
    if value is None:
        missing = FieldError(feature.name, "missing") if feature.required else None
        return None, missing
    if feature.type in {"number", "integer"}:
        return _check_number(feature, value)
    if feature.type == "boolean":
        return value, None if isinstance(value, bool) else _wrong_type(feature, value)
    if not isinstance(value, str):
        if feature.type == "datetime" and isinstance(value, datetime):
            return aware(value).isoformat(), None
        return value, _wrong_type(feature, value)
    if feature.type == "category":
        allowed = value in feature.values
        return value, None if allowed else FieldError(feature.name, "value", value)
    if feature.type == "datetime":
        moment = parse_moment(value)
        if moment is None:
            return value, _wrong_type(feature, value)
        return moment.isoformat(), None
    return value, _text_error(feature.name, value)


def parse_moment(value: object) -> datetime | None:
    """Read an ISO 8601 moment with year to day at least; naive ones are UTC."""
    if isinstance(value, datetime):
        return aware(value)
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        return aware(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def aware(moment: datetime) -> datetime:
    """Return the moment in UTC. Raises: OverflowError at the calendar's ends."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _check_number(feature: Feature, value: object) -> tuple[object, FieldError | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value, _wrong_type(feature, value)
    if not math.isfinite(value):
        return value, FieldError(feature.name, "finite", str(value))
    if feature.type == "integer" and isinstance(value, float):
        if not value.is_integer():
            return value, _wrong_type(feature, value)
        value = int(value)
    if abs(value) > MAX_EXACT_INTEGER and isinstance(value, int):
        return value, FieldError(feature.name, "range", str(value)[:100])
    low, high = feature.minimum, feature.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return value, FieldError(feature.name, "range", value)
    return value, None


def _wrong_type(feature: Feature, value: object) -> FieldError:
    shown = value if isinstance(value, str | int | float | bool) else repr(value)[:100]
    return FieldError(feature.name, "type", shown)


def _text_error(name: str, value: str) -> FieldError | None:
    if len(value) > MAX_TEXT_LENGTH:
        return FieldError(name, "too_long", len(value))
    return None
