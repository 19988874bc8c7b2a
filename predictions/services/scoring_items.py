"""Items as they are scored, and what is known of the regions of their images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from predictions.declaration import Declaration
from predictions.masking import masked_values


@dataclass(frozen=True, slots=True)
class Region:
    """A mark that a reader found: its box in pixels, and its values by feature.

    The values are those of an image in which this mark is the only one.
    """

    box: Mapping[str, float]
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ItemToScore:
    """An item with all its values; `regions` by slot of what was found in its images.

    `failure` says why its media could not be measured: no model is asked then.
    """

    id: UUID
    features: Mapping[str, object]
    regions: Mapping[str, Sequence[Region]] = field(default_factory=dict)
    failure: str = ""


def masked_items(
    items: Sequence[ItemToScore], declaration: Declaration
) -> Sequence[ItemToScore]:
    """Return the items as models read them: without what is masked."""
    if not declaration.masked:
        return items
    return [
        replace(one, features=masked_values(one.features, declaration)) for one in items
    ]
