"""Texts of an item as they are shown: in pieces, with what is said of each.

Pure: plain data in, plain data out. Places are characters (code points) of the text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from predictions.declaration import Declaration, Feature
from predictions.personal.finders import MASK

STRENGTHS: Final = 3
N_TOLD: Final = 12
# There and not seen, or able to turn the text around: shown as what they are.
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *range(9),
            *range(0xE, 0x20),
            0x7F,
            0xAD,
            0x61C,
            0xFEFF,
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2070),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text from character `start` on, all of one kind.

    `effect` is what its word did to the score (0: nothing worth telling), `strength`
    1 to 3 how much against the strongest; `unseen` names a character that has no look.
    """

    start: int
    text: str
    effect: float = 0.0
    strength: int = 0
    marks: tuple[str, ...] = ()
    is_masked: bool = False
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class MovedWord:
    """A word and what it did to the score, wherever it stands."""

    word: str
    effect: float
    n: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of an item; `moved` the words that moved the score, strongest first."""

    feature: Feature
    pieces: tuple[Piece, ...]
    moved: tuple[MovedWord, ...]
    is_exact: bool
    is_masked: bool
    is_marked: bool  # whether a field holds spans of it


def passages(
    features: Mapping[str, Any],
    declaration: Declaration,
    *,
    contributions: Sequence[Mapping[str, Any]] = (),
    fields: Mapping[str, Any] | None = None,
) -> list[Passage]:
    """Return the texts that are learnt from, masked or marked, as they are shown.

    `features` are masked where they must be; `contributions` what moved the score;
    `fields` the values of declared fields, whose spans are marked.
    """
    said = {one["feature"]: one for one in contributions if "words" in one}
    return [
        _passage(
            feature,
            features[feature.name],
            said.get(feature.name, {}),
            _marks(feature, declaration, fields or {}),
            is_marked=any(one.feature == feature.name for one in declaration.fields),
        )
        for feature in passage_features(declaration)
        if isinstance(features.get(feature.name), str)
    ]


def passage_features(declaration: Declaration) -> list[Feature]:
    """Return the texts that are shown on their own and not among the values."""
    marked = {one.feature for one in declaration.fields if one.feature}
    return [
        one
        for one in declaration.features
        if one.type == "text" and (one.is_for_models or one.mask or one.name in marked)
    ]


def apart_from_passages(
    features: Sequence[Feature], declaration: Declaration
) -> list[Feature]:
    """Return the features that are shown as values, not as passages."""
    on_their_own = passage_features(declaration)
    return [one for one in features if one not in on_their_own]


def _marks(
    feature: Feature, declaration: Declaration, fields: Mapping[str, Any]
) -> list[tuple[int, int, str]]:
    return [
        (span["start"], span["end"], span.get("class", spec.label))
        for spec in declaration.fields
        if spec.feature == feature.name
        for span in fields.get(spec.name) or ()
    ]


def _passage(
    feature: Feature,
    text: str,
    said: Mapping[str, Any],
    marks: Sequence[tuple[int, int, str]],
    *,
    is_marked: bool,
) -> Passage:
    words: Sequence[Mapping[str, Any]] = said.get("words", ())
    strongest = max((abs(one["effect"]) for one in words), default=0.0)
    edges = {0, len(text), *_breaks(text)}
    edges |= {at for one in words for at in (one["start"], one["end"])}
    edges |= {at for start, end, _ in marks for at in (start, end)}
    ordered = sorted(at for at in edges if 0 <= at <= len(text))
    effects = {one["start"]: one for one in words}
    pieces, word = [], None
    for start, end in pairwise(ordered):
        word = effects.get(start, word)
        word = None if word is not None and word["end"] <= start else word
        effect = float(word["effect"]) if word else 0.0
        pieces.append(
            Piece(
                start,
                text[start:end],
                effect,
                _strength(effect, strongest),
                tuple(name for low, high, name in marks if low <= start < high),
                text[start] == MASK,
                _unseen(text[start:end]),
            )
        )
    return Passage(
        feature,
        tuple(pieces),
        _moved(text, words),
        bool(said.get("is_exact")),
        MASK in text,
        is_marked,
    )


def _breaks(text: str) -> Iterable[int]:
    """Return where pieces end: at masks, at what is unseen, at ends of lines.

    A browser reads the two characters of an end of a line as one: they are a piece.
    """
    for at, one in enumerate(text):
        if one == "\n" and text[at - 1 : at] == "\r":
            yield at + 1
        elif text[at : at + 2] == "\r\n":
            yield at
        elif one in _UNSEEN or one in "\r\n":
            yield from (at, at + 1)
        elif (one == MASK) != (at > 0 and text[at - 1] == MASK):
            yield at


def _unseen(text: str) -> str:
    is_one = len(text) == 1 and text in _UNSEEN
    return f"U+{ord(text):04X}" if is_one else ""


def _strength(effect: float, strongest: float) -> int:
    if not effect:
        return 0
    return min(STRENGTHS, 1 + int(STRENGTHS * abs(effect) / strongest))


def _moved(text: str, words: Sequence[Mapping[str, Any]]) -> tuple[MovedWord, ...]:
    known: dict[str, list[float]] = {}
    for one in words:
        word = text[one["start"] : one["end"]]
        if MASK not in word:
            known.setdefault(word.casefold(), []).append(float(one["effect"]))
    moved = [MovedWord(word, found[0], len(found)) for word, found in known.items()]
    return tuple(sorted(moved, key=lambda one: -abs(one.effect))[:N_TOLD])
