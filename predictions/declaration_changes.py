"""What a new declaration changes, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from predictions.declaration import MAX_SHOWN, Declaration, Feature, LabelSpec
from predictions.declaration_fields import FieldSpec
from predictions.declaration_media import MediaSlot

_NAMED_BY = {
    "labels": "key",
    "reason_codes": "key",
    "features": "name",
    "fields": "name",
    "slices": "name",
    "gates": "title",
    "media": "name",
}
# What stored items and labels mean by.
_MEANT_BY = ("labels", "features", "media", "fields")


@dataclass(frozen=True, slots=True)
class DeclarationChanges:
    """What a new declaration changes, in words; breaking ones need care."""

    changes: list[str]
    breaking: bool


def declaration_changes(old: Declaration, new: Declaration) -> DeclarationChanges:
    """Compare two declarations, entry by entry; no changes means that they are equal.

    Breaking is what leaves stored items or labels with another meaning or none: a
    label, feature, slot or field that goes, one of another type, a label that turns
    positive or ceases to be, a value or class of a field that goes, a slot that is no
    longer measured or by another reader, windows of a series that hold something else.
    """
    changes: list[str] = []
    breaking = False
    for part in _NAMED_BY:
        before, after = _by_name(old, part), _by_name(new, part)
        gone = [name for name in before if name not in after]
        kept = [name for name in before if name in after]
        changes += [f"{part}: {name} removed" for name in gone]
        changes += [f"{part}: {name} added" for name in after if name not in before]
        for name in kept:
            changes += _differences(f"{part}: {name}", before[name], after[name])
            breaking = breaking or _meaning(before[name]) != _meaning(after[name])
            breaking = breaking or _loses_values(before[name], after[name])
        if kept != [name for name in after if name in before]:
            changes.append(f"{part}: another order")
        breaking = breaking or (bool(gone) and part in _MEANT_BY)
    for name in Declaration.model_fields:
        if name not in _NAMED_BY:
            changes += _differences(name, getattr(old, name), getattr(new, name))
    if old.series and new.series and old.series.meaning != new.series.meaning:
        breaking = True
    return DeclarationChanges(changes, breaking)


def _by_name(declaration: Declaration, part: str) -> Mapping[str, Any]:
    key = _NAMED_BY[part]
    return {getattr(one, key): one for one in getattr(declaration, part)}


def _meaning(part: object) -> object:
    if isinstance(part, LabelSpec):
        return part.positive
    if isinstance(part, MediaSlot):
        return part.kind
    return part.type if isinstance(part, Feature | FieldSpec) else None


def _loses_values(before: object, after: object) -> bool:
    if isinstance(before, MediaSlot) and isinstance(after, MediaSlot):
        return before.measure not in (None, after.measure)
    if not isinstance(before, FieldSpec) or not isinstance(after, FieldSpec):
        return False
    lost = {*before.values, *before.classes} - {*after.values, *after.classes}
    # Where there were no classes regions had none, and where there are none now, too.
    return bool(lost) or bool(before.classes) != bool(after.classes)


def _differences(where: str, before: object, after: object) -> list[str]:
    if before == after:
        return []
    if not isinstance(before, BaseModel) or not isinstance(after, BaseModel):
        return [f"{where} changed from {_worded(before)} to {_worded(after)}"]
    return [
        line
        for name in type(before).model_fields
        for line in _differences(
            f"{where} {name}", getattr(before, name), getattr(after, name)
        )
    ]


def _worded(value: object) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    parts = value if isinstance(value, tuple) else (value,)
    text = ", ".join(map(_entry, parts))
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _entry(value: object) -> str:
    """Word one value; of a table, the entries that are not as by default."""
    if not isinstance(value, BaseModel):
        return str(value)
    given = value.model_dump(exclude_defaults=True) or value.model_dump()
    return " ".join(f"{name} {_worded(entry)}" for name, entry in given.items())
