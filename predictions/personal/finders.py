"""Find personal data in a text by patterns: what they find and miss is in docs/text.md.

Each finder errs on its own side: a word that only looks like a name is masked, a name
in small letters or from nowhere on the list is missed.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from predictions.personal.names import GIVEN, LEADS, TITLES

type Kind = Literal["email", "date_of_birth", "number_id", "phone", "address", "person"]
KINDS: Final[tuple[str, ...]] = get_args(Kind.__value__)
# One character for one: places in the text stay where they are.
MASK: Final = "\u2022"

# What is there and not seen would hide a name from the patterns.
_UNSEEN = frozenset(
    map(chr, (0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
              *range(0x2060, 0x2070)))
)  # fmt: skip
_NAME = r"[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+){0,2}"
_NAMES = (
    rf"{_NAME}(?:[ ]{{1,2}}(?:(?:van|von|de|der|den|da|del|bin|al)[ ])?{_NAME}){{0,3}}"
)
_TITLED = re.compile(rf"\b(?i:{TITLES})\b\.?[ ]{{1,2}}({_NAMES})")
_LED = re.compile(rf"\b(?i:{LEADS})[:,]?[ ]{{1,2}}({_NAME}[ ]{{1,2}}{_NAMES})")
_CAPITALS = re.compile(_NAMES)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}[ ]?(?:@|\(at\)|\[at\])[ ]?[\w-]{1,63}"
    r"(?:\.[\w-]{1,63}){1,5}"
)
_DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2}(?:st|nd|rd|th)?[ ][A-Za-z]{3,9}\.?,?[ ]\d{4}"
    r"|[A-Za-z]{3,9}\.?[ ]\d{1,2}(?:st|nd|rd|th)?,?[ ]\d{4})"
)
_BORN = re.compile(
    rf"\b(?i:born(?: on)?|dob|d\.o\.b\.?|date of birth|birth ?date|birthday)"
    rf"[ :=(is]{{0,6}}({_DATE})"
)
_PHONE = re.compile(
    r"(?<![\w.,/-])"
    r"(?:(?:\+|00)\d{1,3}[ .()/-]{0,2}|\(0?\d{1,5}\)[ .-]?|0\d{1,4}[ ./-]?"
    r"|\d{3}[-. ](?=\d{3}[-. ]\d{4}\b))\d{2,5}(?:[ ./-]?\d{2,5}){1,5}(?![\w/-])"
)
_CALLED = re.compile(
    r"\b(?i:tel|telephone|phone|mobile|cell|call(?:ed)?(?: (?:back|on|at))?|ring|fax)"
    r"\b[ :.]{1,3}(?i:on |at |no\.? |number )?(\d(?:[ .-]?\d){6,14})(?!\d)"
)
_NUMBERED = re.compile(
    r"\b(?i:id|ssn|nhs|nino|passport|licen[cs]e|insurance|social security|tax"
    r"|national|member(?:ship)?|policy|account|iban|identity(?: card)?)\b"
    r"(?i:[ ](?:id|no\.?|nr\.?|number|card|code|insurance)){0,3}[ :#]{1,3}(?i:is )?"
    r"([A-Z0-9]{1,12}(?:[ -][A-Z0-9]{1,10}){0,6})(?![\w])"
)
MIN_DIGITS: Final = 4
_SHAPED = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|[A-CEGHJ-PR-TW-Z]{2}[ ]?\d{2}[ ]?\d{2}[ ]?\d{2}"
    r"[ ]?[A-D]|[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}(?:[ ]?[A-Z0-9]{1,3})?"
    r"|\d{6}[-+]\d{4})(?![\w-])"
)
_WAYS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|crescent|square|terrace"
    "|place|way|gardens|grove|boulevard|blvd"
)
_STREET = re.compile(
    rf"(?<![\w])\d{{1,5}}[a-zA-Z]?,?[ ](?:{_NAME}[ ]){{1,4}}(?i:{_WAYS})\b"
    r"(?:,?[ ](?:flat|apt\.?|unit|no\.?)[ ]?\w{1,5})?"
)
_STRASSE = re.compile(
    r"(?<![\w])[^\W\d_a-z][^\W\d_]*(?:stra(?:ss|ß)e|str\.|weg|gasse|platz|gata|vej)"
    r"[ ]\d{1,4}[a-z]?\b"
)
_POSTCODE = re.compile(
    r"(?<![\w])"
    r"(?:[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}|[A-Z]{2}[ ]\d{5}(?:-\d{4})?)(?![\w])"
)


class Found(NamedTuple):
    """Personal data at characters `start` to `end`, not included."""

    start: int
    end: int
    kind: str


def find_personal(text: str, kinds: Collection[str]) -> list[Found]:
    """Return what the finders of these kinds find, in order, none over another.

    Where two finders find the same place, the longer one counts, then the one that
    stands first in `KINDS`. Places are characters of `text`. Raises: KeyError for a
    kind that is none.
    """
    plain, places = _seen(text)
    found = [
        Found(places[start], places[end - 1] + 1, kind)
        for kind in KINDS
        if kind in kinds
        for start, end in FINDERS[kind](plain)
        if end > start
    ]
    return without_overlaps(found)


def without_overlaps(found: Sequence[Found]) -> list[Found]:
    """Keep, of finds that lie over each other, the longest; in order."""
    ranked = sorted(
        found, key=lambda one: (one.start - one.end, KINDS.index(one.kind), one.start)
    )
    kept: list[Found] = []
    for one in ranked:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept)


def masked(text: str, places: Sequence[tuple[int, int]]) -> str:
    """Return the text with its characters at the places masked, one by one.

    As long as it was; white space stays, so that lines break where they did.
    """
    characters = list(text)
    for start, end in places:
        for at in range(max(start, 0), min(end, len(characters))):
            if not characters[at].isspace():
                characters[at] = MASK
    return "".join(characters)


def _seen(text: str) -> tuple[str, Sequence[int]]:
    """Return the text as it looks, and where each of its characters stands."""
    if text.isascii():
        return text, range(len(text))
    characters, places = [], []
    for at, one in enumerate(text):
        if one in _UNSEEN:
            continue
        plain = unicodedata.normalize("NFKC", one)
        characters.append(plain if len(plain) == 1 else one)
        places.append(at)
    return "".join(characters), places


def _groups(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    group = 1 if pattern.groups else 0
    return (found.span(group) for found in pattern.finditer(text))


def _all(*patterns: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    def find(text: str) -> Iterator[tuple[int, int]]:
        for pattern in patterns:
            yield from _groups(pattern, text)

    return find


def _persons(text: str) -> Iterator[tuple[int, int]]:
    """Find names after a title or a lead, and given names with what follows them."""
    yield from _groups(_TITLED, text)
    yield from _groups(_LED, text)
    for found in _CAPITALS.finditer(text):
        parts = list(re.finditer(r"[^\s]+", found.group()))
        for at, part in enumerate(parts):
            if part.group().casefold() in GIVEN:
                yield found.start() + parts[at].start(), found.end()
                break


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Find what looks like an identity number, and what is said to be one."""
    yield from _groups(_SHAPED, text)
    for start, end in _groups(_NUMBERED, text):
        if sum(one.isdigit() for one in text[start:end]) >= MIN_DIGITS:
            yield start, end


FINDERS: Final[Mapping[str, Callable[[str], Iterator[tuple[int, int]]]]] = {
    "person": _persons,
    "phone": _all(_PHONE, _CALLED),
    "email": _all(_EMAIL),
    "number_id": _numbers,
    "date_of_birth": _all(_BORN),
    "address": _all(_STREET, _STRASSE, _POSTCODE),
}
