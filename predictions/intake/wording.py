"""Say in a sentence which rule a refused item broke, with the bound. Pure.

The code (`field`, `rule`, `value`) is for programs; this is for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from predictions.declaration import Declaration, Feature, FieldError
from predictions.intake.validation import MAX_ID_LENGTH
from predictions.intake.values import MAX_EXACT_INTEGER, MAX_TEXT_LENGTH

MAX_QUOTED = 60
MAX_LISTED = 10
MOMENT = "a moment such as 2026-01-31T14:30:00Z"
KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "datetime": MOMENT,
    "category": "a text",
    "text": "a text",
}
ENVELOPE_KINDS = {
    "external_id": "a text",
    "occurred_at": MOMENT,
    "features": "an object of names and values",
    "item": "an object with external_id, occurred_at and features",
    "media": "an object of slots and ids",
    "site": "the key of a site",
}
PLAIN = {
    "missing": "is missing, and every item needs it",
    "finite": "{value} is not a finite number",
    "nul": "holds the character NUL, which cannot be stored",
    "surrogates": "holds half of a character (a lone surrogate), which is no text",
    "not_json": "cannot be written as JSON",
    "name_type": "the name {value} is not a text",
    "json": "this is not JSON",
    "csv": "this is not CSV: {text}",
    "columns": "{text}: every line needs one cell for each column",
    "length": f"has to have 1 to {MAX_ID_LENGTH} characters",
    "future": "{text} lies further in the future than the {minutes} minutes allowed",
    "conflict": "is stored already with other content",
    "unknown_slot": "the workflow has no slot {value} for images or sound",
    "unknown": "no file {value} was sent to this workflow",
    "unknown_site": "no site has the key {value}",
    "archived_site": "the site {value} is archived and takes nothing new",
    "removed": "the file {value} was removed",
    "measured": "is measured from the item's media, and cannot be sent",
    "kind": "this is {text}, another kind than the slot takes",
}


def explained(
    errors: Sequence[FieldError], declaration: Declaration
) -> list[FieldError]:
    """Return the errors, each with a sentence as `detail`; its own, if it has one."""
    return [
        one
        if one.detail
        else replace(one, detail=sentence(one.field, one.rule, one.value, declaration))
        for one in errors
    ]


def told(error: Mapping[str, object], declaration: Declaration) -> str:
    """Return the sentence of a kept error; older ones have none and get it here."""
    if detail := error.get("detail"):
        return str(detail)
    field, rule = str(error.get("field")), str(error.get("rule"))
    return sentence(field, rule, error.get("value"), declaration)


def sentence(field: str, rule: str, value: object, declaration: Declaration) -> str:
    """Return what is wrong with a field, in the words and units of the workflow."""
    feature = declaration.feature(field)
    if rule in _SENTENCES:
        words = _SENTENCES[rule](field, feature, value, declaration)
    elif rule in PLAIN:
        words = PLAIN[rule].format(
            value=_quoted(value),
            text=_cut(str(value)),
            minutes=declaration.intake.max_future_minutes,
        )
    else:
        words = rule.replace("_", " ")
    return f"{field}: {words}"


type _Words = Callable[[str, Feature | None, object, Declaration], str]


def _type(field: str, feature: Feature | None, value: object, _: Declaration) -> str:
    other = "the id of a file" if field.startswith("media.") else "as declared"
    kind = KINDS[feature.type] if feature else ENVELOPE_KINDS.get(field, other)
    return f"{_quoted(value)} is not {kind}"


def _range(_: str, feature: Feature | None, value: object, __: Declaration) -> str:
    low, high = (feature.minimum, feature.maximum) if feature else (None, None)
    unit = f" {feature.unit}" if feature and feature.unit else ""
    if not isinstance(value, int | float):
        return f"{_quoted(value)} is too large to be kept exactly"
    if high is not None and value > high:
        return f"{_quoted(value)} is above the most allowed, {_number(high)}{unit}"
    if low is not None and value < low:
        return f"{_quoted(value)} is below the least allowed, {_number(low)}{unit}"
    if abs(value) > MAX_EXACT_INTEGER:
        return f"{_quoted(value)} is too large to be kept exactly"
    return f"{_quoted(value)} is outside of what is allowed"


def _value(field: str, feature: Feature | None, value: object, _: Declaration) -> str:
    if feature is None or not feature.values:
        return f"{_quoted(value)} is blank or holds what cannot be stored"
    listed = ", ".join(feature.values[:MAX_LISTED])
    n_more = len(feature.values) - MAX_LISTED
    more = f" and {n_more} more" if n_more > 0 else ""
    return f"{_quoted(value)} is none of the values allowed: {listed}{more}"


def _too_long(_: str, feature: Feature | None, value: object, __: Declaration) -> str:
    if feature is None or not isinstance(value, int):
        return "this line is too long to be read"
    return f"{value:,} characters are more than the {MAX_TEXT_LENGTH:,} allowed"


def _too_large(
    _: str, __: Feature | None, value: object, declaration: Declaration
) -> str:
    limit = declaration.intake.max_features_bytes
    return f"{_quoted(value)} bytes are more than the {limit:,} allowed"


_SENTENCES: dict[str, _Words] = {
    "type": _type,
    "range": _range,
    "value": _value,
    "too_long": _too_long,
    "too_large": _too_large,
}


def _quoted(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return f"“{_cut(str(value))}”"


def _number(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        text = f"{int(value):,}"
        return text if len(text) <= MAX_QUOTED else f"{Decimal(value):.3g}"
    return f"{value:,.15g}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
