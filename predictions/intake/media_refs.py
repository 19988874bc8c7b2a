"""What an item says of its images and sound. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from predictions.declaration import FieldError
from predictions.declaration_media import MediaSlot
from predictions.intake.values import shown, storable_text

ENTRY = "media"


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """Stands in an item for a file that came with it and is not taken."""

    error: FieldError


def field_of(slot: str) -> str:
    """Return how errors name a slot."""
    return f"{ENTRY}.{storable_text(slot)[:40]}"


def check_references(
    slots: Sequence[MediaSlot], raw: object
) -> tuple[dict[str, UUID], list[FieldError]]:
    """Return the id that an item names for each slot, and every rule it breaks.

    `{"media": {slot: id}}`; null is as missing as what is absent.
    """
    sent = raw.get(ENTRY) if isinstance(raw, Mapping) else None
    if sent is None:
        sent = {}
    if not isinstance(sent, Mapping):
        return {}, [FieldError(ENTRY, "type", shown(sent))]
    known = {slot.name for slot in slots}
    errors = [
        FieldError(field_of(str(name)), "unknown_slot", shown(name))
        for name, value in sent.items()
        if name not in known and not isinstance(value, RefusedFile)
    ]
    errors += [one.error for one in sent.values() if isinstance(one, RefusedFile)]
    found: dict[str, UUID] = {}
    for slot in slots:
        value = sent.get(slot.name)
        if value is None:
            if slot.required:
                errors.append(FieldError(field_of(slot.name), "missing"))
        elif isinstance(value, RefusedFile):
            continue
        elif (media_id := _uuid(value)) is None:
            errors.append(FieldError(field_of(slot.name), "type", shown(value)))
        else:
            found[slot.name] = media_id
    return found, errors


def as_payload(raw: object) -> object:
    """Return an item as it can be kept: without what stands for refused files."""
    sent = raw.get(ENTRY) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(sent, dict):
        return raw
    kept = {
        name: value
        for name, value in sent.items()
        if not isinstance(value, RefusedFile)
    }
    return raw | {ENTRY: kept}


def _uuid(value: object) -> UUID | None:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or len(value) > 45:
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
