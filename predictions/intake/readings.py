"""Readings of machines as they are sent: checked like items, by what a reading holds.

A reading travels as an item does on its way in: the machine in place of the external
id, its moment in place of `occurred_at`, its values in place of the features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from predictions.declaration import (
    Costs,
    Declaration,
    FieldError,
    LabelSpec,
)
from predictions.declaration_series import Series, derived_features
from predictions.intake.rows import RejectedItem
from predictions.intake.values import shown
from predictions.intake.wording import MOMENT

MAX_MACHINE: Final = 100
KEYS: Final = {"machine": "external_id", "at": "occurred_at", "values": "features"}
_NAMES: Final = {name: key for key, name in KEYS.items()}
_DETAILS: Final = {
    ("machine", "missing"): "is missing, and every reading needs it",
    ("at", "missing"): "is missing, and every reading needs it",
    ("values", "missing"): "is missing, and every reading needs one value at least",
    ("machine", "type"): "a text is expected",
    ("at", "type"): f"{MOMENT} is expected",
    ("values", "type"): "an object of names and values is expected",
}


def reading_declaration(declaration: Declaration, series: Series) -> Declaration:
    """Return what a reading is checked by: channels, and features that are not derived.

    Nothing but a channel is required in each reading: an item has what its window has.
    """
    derived = {one.name for one in derived_features(series)} | {declaration.subject}
    others = [one for one in declaration.features if one.name not in derived]
    channels = [one.as_feature for one in series.channels]
    return Declaration(
        slug=declaration.slug,
        name=declaration.name,
        question="-",
        labels=(
            LabelSpec(key="no", name="No"),
            LabelSpec(key="yes", name="Yes", positive=True),
        ),
        features=(
            *channels,
            *(one.model_copy(update={"required": False}) for one in others),
        ),
        costs=Costs(false_positive=1, false_negative=1),
        intake=declaration.intake,
    )


def as_sent(raw: object) -> object:
    """Turn a reading as it was sent into what travels; what is neither stays."""
    if not isinstance(raw, Mapping) or "features" in raw:
        return raw
    return {KEYS.get(str(name), name): value for name, value in raw.items()}


def named_as_sent(errors: Sequence[FieldError]) -> list[FieldError]:
    """Name the fields of a reading as its sender does, each with a sentence."""
    return [_named(one) for one in errors]


def _named(error: FieldError) -> FieldError:
    name = _NAMES.get(error.field, "reading" if error.field == "item" else error.field)
    detail = _DETAILS.get((name, error.rule), "")
    told = f"{name}: {detail}" if detail else error.detail
    return replace(error, field=name, detail=told)


def reading_errors(raw: object) -> list[FieldError]:
    """Return the rules of readings that those of items do not have."""
    sent = cast("Mapping[str, object]", raw) if isinstance(raw, Mapping) else {}
    machine = sent.get("external_id")
    if isinstance(machine, str) and len(machine) > MAX_MACHINE:
        detail = f"machine: has to have 1 to {MAX_MACHINE} characters"
        return [FieldError("machine", "length", shown(machine), detail)]
    return []


def unread(index: int, raw: object, errors: Sequence[FieldError]) -> RejectedItem:
    """Return a reading that may not be stored, with its reasons; not its payload."""
    sent = raw if isinstance(raw, Mapping) else {}
    machine = sent.get("external_id")
    name = machine[:MAX_MACHINE] if isinstance(machine, str) else None
    return RejectedItem(index, name, None, list(errors))
