"""The features that are not sent with an item, but measured from its media."""

from collections.abc import Sequence
from functools import lru_cache

from predictions.declaration_features import Feature, Show
from predictions.declaration_media import MediaSlot


def measured_features(slots: Sequence[MediaSlot]) -> tuple[Feature, ...]:
    """Return what the readers of the slots measure, in their order."""
    return tuple(feature for slot in slots for feature in _measured_in(slot))


@lru_cache(maxsize=64)
def _measured_in(slot: MediaSlot) -> tuple[Feature, ...]:
    if slot.reader is None:
        return ()
    return tuple(
        Feature(
            name=slot.column(one.name),
            title=one.title,
            type="number",
            unit=one.unit,
            description=one.description,
            minimum=one.minimum,
            maximum=one.maximum,
            show=Show(
                decimals=one.decimals,
                format=one.format,
                group=f"{slot.label}: {one.group.lower()}",
                important=one.important,
            ),
        )
        for one in slot.reader.columns
    )
