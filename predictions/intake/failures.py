"""Failures of machines as they are sent: what one holds, and what breaks a rule. Pure.

In a table a failure travels as an item does: see `predictions.intake.readings`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from predictions.declaration import Costs, Declaration, Feature, FieldError, LabelSpec
from predictions.intake.readings import MAX_MACHINE, named_as_sent
from predictions.intake.rows import RejectedItem
from predictions.intake.values import parse_moment, shown
from predictions.intake.wording import MOMENT

MAX_KIND: Final = 50
KIND: Final = "kind"


class SentFailure(NamedTuple):
    """A failure that breaks no rule by itself."""

    machine: str
    at: datetime
    kind: str = ""


def failure_declaration(declaration: Declaration) -> Declaration:
    """Return what the cells of a table of failures are read by."""
    return Declaration(
        slug=declaration.slug,
        name=declaration.name,
        question="-",
        labels=(
            LabelSpec(key="no", name="No"),
            LabelSpec(key="yes", name="Yes", positive=True),
        ),
        features=(Feature(name=KIND, type="text"),),
        costs=Costs(false_positive=1, false_negative=1),
        intake=declaration.intake,
    )


def read_failure(raw: object) -> tuple[SentFailure | None, list[FieldError]]:
    """Return a failure, from a table or as the API takes it, or the rules it breaks."""
    if isinstance(raw, RejectedItem):
        return None, named_as_sent(raw.errors)
    if not isinstance(raw, Mapping):
        return None, [FieldError("failure", "type", type(raw).__name__)]
    sent = _from_table(raw) if "features" in raw else raw
    errors = _text_errors(sent, "machine", MAX_MACHINE)
    if sent.get("machine") is None:
        errors = [FieldError("machine", "missing", detail="machine: is missing")]
    if sent.get(KIND) is not None:
        errors += _text_errors(sent, KIND, MAX_KIND)
    at = parse_moment(sent.get("at"))
    if at is None:
        errors.append(_no_moment(sent.get("at")))
    if errors or at is None:
        return None, errors
    return SentFailure(sent["machine"], at, sent.get(KIND) or ""), []


def machine_of(raw: object) -> str:
    """Return the machine as far as it can be named in an answer."""
    if not isinstance(raw, Mapping):
        return ""
    name = raw.get("machine", raw.get("external_id"))
    return name[:MAX_MACHINE] if isinstance(name, str) else ""


def _from_table(raw: Mapping[Any, Any]) -> Mapping[str, Any]:
    features = raw["features"]
    kind = features.get(KIND) if isinstance(features, Mapping) else None
    machine, at = raw.get("external_id"), raw.get("occurred_at")
    return {"machine": machine, "at": at, KIND: kind}


def _no_moment(value: object) -> FieldError:
    if value is None:
        return FieldError("at", "missing", detail="at: is missing")
    return FieldError("at", "type", shown(value), f"at: {MOMENT} is expected")


def _text_errors(
    raw: Mapping[Any, Any], name: str, max_length: int
) -> list[FieldError]:
    value = raw.get(name)
    if not isinstance(value, str) or not value.isprintable():
        detail = f"{name}: a text of printed characters is expected"
        return [FieldError(name, "type", shown(value), detail)]
    if not 0 < len(value) <= max_length:
        detail = f"{name}: has to have 1 to {max_length} characters"
        return [FieldError(name, "length", shown(value), detail)]
    return []
