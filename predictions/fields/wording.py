"""Values of fields, and the rules that they break, as people read them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from predictions.declaration_fields import FieldSpec

NOTHING: Final = "nothing"
MAX_LISTED: Final = 5
MAX_QUOTED: Final = 60
_KINDS: Final = {
    "number": "a number, with a point before its decimals",
    "integer": "a whole number",
    "boolean": "yes or no",
    "datetime": "a moment such as 2026-01-31T14:30:00Z",
    "polygons": "corners such as 0,0 40,0 40,20",
}
_RULES: Final = {
    "missing": "is needed",
    "not_asked": "is not asked for with this label",
    "confirm": "is not as recommended: this is no confirmation",
    "empty": "holds no area",
    "outside": "reaches beyond the edge",
    "corners": "needs 3 to 200 corners",
    "all_corners": "has more than 2,000 corners in all",
    "before_start": "has to come after the start",
    "overlap": "lies over another of its class",
    "too_long": "is too long",
    "unknown_field": "is not declared",
    "nul": "holds a character that cannot be stored",
    "surrogates": "holds a character that cannot be stored",
    "finite": "is no finite number",
}


def value_words(spec: FieldSpec, value: object) -> str:
    """Write a stored value with its unit; of many regions the first few."""
    if value is None or value == []:
        return "none" if spec.is_set else NOTHING
    if spec.is_set and isinstance(value, list):
        return _set_words(spec, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{number_text(value)} {spec.unit}".strip()
    if spec.type == "datetime":
        moment = datetime.fromisoformat(str(value))
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def number_text(value: float) -> str:
    """Write a number as it is read back: 12.0 as "12"."""
    text = repr(float(value)) if isinstance(value, float) else str(value)
    return text.removesuffix(".0")


def _set_words(spec: FieldSpec, regions: Sequence[Mapping[str, Any]]) -> str:
    words = [_region_words(spec, one) for one in regions[:MAX_LISTED]]
    if (more := len(regions) - MAX_LISTED) > 0:
        words.append(f"and {more} more")
    return "; ".join(words)


def _region_words(spec: FieldSpec, one: Mapping[str, Any]) -> str:
    named = {name: number_text(one[name]) for name in one if name in "xywh"}
    if spec.type == "boxes":
        at = "{x}, {y}, {w} × {h}".format(**named)  # noqa: RUF001 -- typography
    elif spec.type == "points":
        at = "{x}, {y}".format(**named)
    elif spec.type == "spans":
        at = f"{one['start']} to {one['end']}"
    else:
        at = f"{len(one['points'])} corners"
    return f"{one['class']} at {at}" if "class" in one else at


def evidence_words(evidence: Mapping[str, Any]) -> str:
    """Say what a value was read from: a piece of a recording, or what else was told."""
    begin, end = evidence.get("start_ms"), evidence.get("end_ms")
    if isinstance(begin, int | float) and isinstance(end, int | float):
        said = f"“{evidence['said']}” " if evidence.get("said") else ""
        wrong = f": {evidence['wrong']}" if evidence.get("wrong") else ""
        return f"{said}heard from {begin / 1000:.1f} s to {end / 1000:.1f} s{wrong}"
    told = (f"{name} {_short(value)}" for name, value in evidence.items())
    return ", ".join(list(told)[:MAX_LISTED])


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"


def rule_words(spec: FieldSpec, rule: str, value: object) -> str:
    """Say which rule a value breaks, with the bound."""
    if rule == "type":
        return f"{_quoted(value)} is not {_KINDS.get(spec.type, 'a value of its kind')}"
    if rule == "range":
        return f"{_quoted(value)} is outside of {_bounds(spec)}"
    if rule == "value":
        known = ", ".join(spec.values or spec.classes) or "nothing"
        return f"{_quoted(value)} is none of: {known}"
    if rule == "too_many":
        return f"{value} are more than the {spec.max_regions} allowed"
    return _RULES.get(rule, rule.replace("_", " "))


def _bounds(spec: FieldSpec) -> str:
    low, high = spec.minimum, spec.maximum
    unit = f" {spec.unit}" if spec.unit else ""
    if low is not None and high is not None:
        return f"{number_text(low)} to {number_text(high)}{unit}"
    if low is not None:
        return f"{number_text(low)}{unit} and more"
    if high is not None:
        return f"{number_text(high)}{unit} and less"
    return "what is allowed"


def _quoted(value: object) -> str:
    return f"“{_short(value)}”"
