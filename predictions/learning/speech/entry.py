"""Heard words as the values of declared fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from predictions.declaration_fields import FieldSpec
from predictions.learning.speech.terms import DIGITS, POINT, Word

NEXT_FIELD_MS: Final = 600  # so long a pause ends a field where none are named
MOST_DIGITS: Final = 15
UNSURE_SHAPE: Final = 0.3  # at most so sure of a field whose place had to be guessed
_DIGIT: Final = {word: str(n) for n, word in enumerate(DIGITS)} | {"oh": "0"}


@dataclass(slots=True)
class Reading:
    """What one field is given: words in their order, and how sure their place is."""

    spec: FieldSpec
    words: list[Word] = field(default_factory=list)
    most: float = 1.0
    name: Word | None = None


def read_entry(
    words: Sequence[Word], specs: Sequence[FieldSpec]
) -> dict[str, dict[str, Any]]:
    """Fill the spoken fields from words; JSON data by field, as models answer.

    Where a field's name is among the words, each name begins its field. Else the words
    fill the fields in the order of the declaration: by how many digits each has, where
    that comes out even, else a pause of `NEXT_FIELD_MS` ends one; the last ones may be
    left unsaid where they are not required. A value that breaks the declaration is left
    out, and `evidence` says why. The confidence is the product of the words', which are
    taken as independent.
    """
    spoken = [one for one in specs if one.spoken is not None]
    names = {one.spoken.name: one for one in spoken if one.spoken is not None}
    if any(word.text in names for word in words):
        given = _by_name(words, names)
    else:
        given = _by_pause(words, spoken)
    return {one.spec.name: _filled(one) for one in given if one.words or one.name}


def spoken_words(specs: Sequence[FieldSpec]) -> tuple[str, ...]:
    """Return all words that fields may need: names, digits, point and categories."""
    found = [*DIGITS, POINT]
    for one in specs:
        if one.spoken is not None:
            found += [one.spoken.name, *one.values]
    return tuple(dict.fromkeys(found))


def _by_name(words: Sequence[Word], names: Mapping[str, FieldSpec]) -> list[Reading]:
    """Give each name the words after it; who says a name again corrects it."""
    given: dict[str, Reading] = {}
    current: Reading | None = None
    most = 1.0 if words[0].text in names else UNSURE_SHAPE
    for word in words:
        if word.text in names:
            sure = min(most, word.confidence)
            current = Reading(names[word.text], most=sure, name=word)
            given[word.text] = current
        elif current is not None:
            current.words.append(word)
    return list(given.values())


def _by_pause(words: Sequence[Word], spoken: Sequence[FieldSpec]) -> list[Reading]:
    groups: list[list[Word]] = []
    for word in words:
        if groups and word.start_ms - groups[-1][-1].end_ms < NEXT_FIELD_MS:
            groups[-1].append(word)
        else:
            groups.append([word])
    rows = [spoken[:n] for n in range(len(spoken), 0, -1) if _may_end(spoken, n)]
    for row in rows:
        lengths = [one.spoken.digits if one.spoken else 0 for one in row]
        if all(lengths) and sum(lengths) == len(words):
            ends = set(accumulate(map(len, groups)))
            fits = ends <= set(accumulate(lengths))
            most = 1.0 if fits else UNSURE_SHAPE
            return _readings(row, _cut(words, lengths), most=most)
    for row in rows:
        if len(row) == len(groups):
            return _readings(row, groups)
    return _readings(spoken, groups, most=UNSURE_SHAPE)


def _may_end(spoken: Sequence[FieldSpec], n: int) -> bool:
    """Say whether the fields after the first n may be left unsaid."""
    return not any(one.required for one in spoken[n:])


def _readings(
    specs: Sequence[FieldSpec], groups: Sequence[Sequence[Word]], *, most: float = 1.0
) -> list[Reading]:
    pairs = zip(specs, groups, strict=False)
    return [Reading(spec, list(group), most) for spec, group in pairs]


def _cut(words: Sequence[Word], lengths: Sequence[int]) -> list[list[Word]]:
    groups, place = [], 0
    for n in lengths:
        groups.append(list(words[place : place + n]))
        place += n
    return groups


def _filled(one: Reading) -> dict[str, Any]:
    if not one.words and one.name is not None:
        return {
            "value": None,
            "evidence": {
                "start_ms": one.name.start_ms,
                "end_ms": one.name.end_ms,
                "said": "",
                "wrong": "nothing was heard after the name",
            },
        }
    sure = one.most
    for word in one.words:
        sure *= word.confidence
    value, wrong = _value(one.spec, [word.text for word in one.words])
    evidence: dict[str, Any] = {
        "start_ms": one.words[0].start_ms,
        "end_ms": one.words[-1].end_ms,
        "said": " ".join(word.text for word in one.words)[:1000],
    }
    if wrong:
        return {"value": None, "evidence": evidence | {"wrong": wrong}}
    return {"value": value, "confidence": round(sure, 6), "evidence": evidence}


def _value(spec: FieldSpec, said: Sequence[str]) -> tuple[object, str]:
    """Return the value that words stand for, or why they stand for none."""
    if spec.type == "category":
        whole = " ".join(said)
        return (whole, "") if whole in spec.values else (None, "no such value")
    digits = "".join("." if word == POINT else _DIGIT.get(word, "?") for word in said)
    whole_part, dot, rest = digits.partition(".")
    if "?" in digits or "." in rest or not whole_part or (dot and not rest):
        return None, "no number"
    rules = spec.spoken
    n_digits = len(whole_part) + len(rest)
    if rules is not None and rules.digits and n_digits != rules.digits:
        return None, f"{rules.digits} digits expected, {n_digits} heard"
    if spec.type == "text":
        return digits, ""
    return _number(spec, digits, dot)


def _number(spec: FieldSpec, digits: str, dot: str) -> tuple[object, str]:
    decimals = spec.spoken.decimals if spec.spoken is not None else 0
    if len(digits) > MOST_DIGITS:
        return None, f"more than {MOST_DIGITS} digits"
    value = float(digits) if dot else int(digits) / 10**decimals
    if spec.type == "integer":
        if value != int(value):
            return None, "a whole number is expected"
        value = int(value)
    low, high = spec.minimum, spec.maximum
    if low is not None and value < low:
        return None, f"{value:g} is below {low:g}"
    if high is not None and value > high:
        return None, f"{value:g} is above {high:g}"
    return value, ""
