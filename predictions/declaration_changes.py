"""What a new declaration changes, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from predictions.declaration import MAX_SHOWN, Declaration, Feature, LabelSpec

_NAMED_BY = {"labels": "key", "reason_codes": "key", "features": "name"}


@dataclass(frozen=True, slots=True)
class DeclarationChanges:
    """What a new declaration changes, in words; breaking ones need care."""

    changes: list[str]
    breaking: bool


def declaration_changes(old: Declaration, new: Declaration) -> DeclarationChanges:
    """Compare two declarations, entry by entry; no changes means that they are equal.

    Breaking is what leaves stored items or labels with another meaning or none: a
    label or feature that goes, a feature of another type, a label that turns positive
    or ceases to be.
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
        if kept != [name for name in after if name in before]:
            changes.append(f"{part}: another order")
        breaking = breaking or (bool(gone) and part != "reason_codes")
    for name in Declaration.model_fields:
        if name not in _NAMED_BY:
            changes += _differences(name, getattr(old, name), getattr(new, name))
    return DeclarationChanges(changes, breaking)


def _by_name(declaration: Declaration, part: str) -> Mapping[str, Any]:
    key = _NAMED_BY[part]
    return {getattr(one, key): one for one in getattr(declaration, part)}


def _meaning(part: object) -> object:
    if isinstance(part, LabelSpec):
        return part.positive
    return part.type if isinstance(part, Feature) else None


def _differences(where: str, before: object, after: object) -> list[str]:
    if before == after:
        return []
    if not isinstance(before, BaseModel):
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
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
