"""Regions over their image and spans in their text, as a page draws them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from predictions.declaration_fields import FieldSpec
from predictions.fields.wording import number_text, value_words

type Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, and the classes of the spans that cover it."""

    text: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One region as it is drawn: a box, the corners of a polygon, or a point."""

    words: str
    box: Values | None = None
    points: str = ""
    at: Values | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """The regions of one field, to be drawn over the image of their slot."""

    field: str
    slot: str
    title: str
    words: str
    shapes: tuple[Drawn, ...]
    radius: float


def overlays_of(specs: Sequence[FieldSpec], values: Values) -> list[Overlay]:
    """Return what is drawn over the images: fields that lie in one and hold regions."""
    return [
        Overlay(
            field=one.name,
            slot=one.media,
            title=one.label,
            words=value_words(one, values[one.name]),
            shapes=tuple(_drawn(one, region) for region in values[one.name]),
            radius=max(one.closeness, 3.0),
        )
        for one in specs
        if one.media and values.get(one.name)
    ]


def _drawn(spec: FieldSpec, region: Values) -> Drawn:
    words = value_words(spec, [region])
    if spec.type == "boxes":
        return Drawn(words, box=region)
    if spec.type == "points":
        return Drawn(words, at=region)
    return Drawn(words, points=region_texts(region)["points"])


def pieces_of(text: str, spans: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...]:
    """Cut a text where spans begin and end; nothing where there is no text."""
    if not text:
        return ()
    inside = [one for one in spans if one["end"] <= len(text)]
    ends = {0, len(text), *(one[at] for one in inside for at in ("start", "end"))}
    cuts = sorted(ends)
    pieces = []
    for start, end in pairwise(cuts):
        covering = [o for o in inside if o["start"] <= start and end <= o["end"]]
        marks = tuple(str(one.get("class", "marked")) for one in covering)
        pieces.append(Piece(text[start:end], marks))
    return tuple(pieces)


def region_texts(region: Mapping[str, Any]) -> dict[str, str]:
    """Write the numbers of a region as its inputs hold them."""
    return {
        name: " ".join(f"{number_text(x)},{number_text(y)}" for x, y in value)
        if name == "points"
        else value
        if name == "class"
        else number_text(value)
        for name, value in region.items()
    }
