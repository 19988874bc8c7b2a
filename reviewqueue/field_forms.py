"""Declared fields as a form without script: values to inputs, and what was sent back.

Pure: plain data in, plain data out. Inputs are named `field-<name>`, those of regions
and spans `field-<name>-<row>-<entry>`; see `docs/structured-decisions.md`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from predictions.declaration import FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.wording import (
    evidence_words,
    number_text,
    rule_words,
    value_words,
)
from reviewqueue.field_drawings import Piece, pieces_of, region_texts

type Sent = Mapping[str, str]
type Values = Mapping[str, Any]

MARK: Final = "with-fields"  # sent by every form that holds fields
PREFIX: Final = "field-"
BLANK_ROWS: Final = 2
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
ENTRIES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "boxes": (("x", "Left"), ("y", "Top"), ("w", "Width"), ("h", "Height")),
    "points": (("x", "Left"), ("y", "Top")),
    "polygons": (("points", "Corners"),),
    "spans": (("start", "From"), ("end", "To")),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One input of a row; `options` where it is a choice."""

    key: str
    words: str
    text: str
    options: tuple[Option, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One region or span; `quote` is the text that it marks, `off` its check box."""

    cells: tuple[Cell, ...]
    off: str
    is_off: bool
    is_blank: bool
    quote: str = ""


@dataclass(frozen=True, slots=True)
class FieldInput:
    """One field of the form, with what the model says of it."""

    spec: FieldSpec
    key: str
    text: str
    options: tuple[Option, ...]
    rows: tuple[Row, ...]
    errors: tuple[str, ...]
    confidence: float | None
    recommended: str
    labels: tuple[str, ...]
    evidence: Values = field(default_factory=dict)
    pieces: tuple[Piece, ...] = ()
    is_first: bool = False

    @property
    def evidence_words(self) -> str:
        """What the model read the value from."""
        return evidence_words(self.evidence)

    @property
    def kind(self) -> str:
        """Which control it is."""
        if self.spec.is_set:
            return "rows"
        return "choice" if self.options else self.spec.type


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form begins with: recommended or decided values, and the model's word.

    `label` is the recommended one, empty where nothing is recommended.
    """

    values: Values = field(default_factory=dict)
    confidences: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, Values] = field(default_factory=dict)
    label: str = ""


def field_inputs(
    specs: Sequence[FieldSpec],
    shown: Shown,
    *,
    features: Values,
    zone: tzinfo,
    label_names: Mapping[str, str],
    sent: Sent | None = None,
    errors: Sequence[FieldError] = (),
) -> list[FieldInput]:
    """Return the fields of a form; with a recommendation the least sure first.

    What was `sent` stands in the inputs as it came, with the errors beside it.
    """
    found = []
    for place, spec in enumerate(_in_order(specs, shown)):
        value = shown.values.get(spec.name)
        key = PREFIX + spec.name
        text = "" if spec.is_set else text_of(spec, value, zone=zone)
        text = text if sent is None else sent.get(key, "")
        rows = _rows(spec, value, sent=sent, errors=errors, features=features)
        passage = str(features.get(spec.feature) or "") if spec.feature else ""
        found.append(
            FieldInput(
                spec=spec,
                key=key,
                text=text,
                options=_options(spec, text),
                rows=rows,
                errors=_errors(spec, errors, f"fields.{spec.name}"),
                confidence=shown.confidences.get(spec.name),
                recommended=value_words(spec, value) if shown.label else "",
                labels=tuple(label_names.get(one, one) for one in spec.labels),
                pieces=pieces_of(passage, value if isinstance(value, list) else []),
                evidence=shown.evidence.get(spec.name, {}),
                is_first=place == 0,
            )
        )
    return found


def read_fields(
    specs: Sequence[FieldSpec], sent: Sent, *, base: Values, zone: tzinfo
) -> dict[str, object]:
    """Return what a form says of each field, to be checked by the service.

    An input that is as it was filled in with `base` is that value to the last digit.
    """
    return {
        one.name: _read_rows(one, sent)
        if one.is_set
        else _read(one, sent.get(PREFIX + one.name, ""), base.get(one.name), zone=zone)
        for one in specs
    }


def text_of(spec: FieldSpec, value: object, *, zone: tzinfo) -> str:
    """Write a stored value as its input holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if spec.type == "datetime":
        moment = datetime.fromisoformat(str(value)).astimezone(zone)
        return moment.strftime("%Y-%m-%dT%H:%M:%S")
    return str(value).replace("\r\n", "\n")


def _in_order(specs: Sequence[FieldSpec], shown: Shown) -> list[FieldSpec]:
    if not shown.label:
        return list(specs)

    def doubt(spec: FieldSpec) -> float:
        if not spec.is_asked_with(shown.label):
            return 3.0
        if spec.required and shown.values.get(spec.name) in (None, []):
            return -1.0
        return shown.confidences.get(spec.name, 2.0)

    return sorted(specs, key=doubt)


def _options(spec: FieldSpec, text: str) -> tuple[Option, ...]:
    if spec.type not in {"boolean", "category"}:
        return ()
    known = [(one, one) for one in spec.values]
    if spec.type == "boolean":
        known = [("true", "yes"), ("false", "no")]
    return _choice((("", "–"), *known), text)  # noqa: RUF001 -- typography


def _choice(known: Sequence[tuple[str, str]], text: str) -> tuple[Option, ...]:
    return tuple(Option(value, words, value == text) for value, words in known)


def _read(spec: FieldSpec, text: str, base: object, *, zone: tzinfo) -> object:
    text = text.replace("\r\n", "\n").strip()
    filled_in = text_of(spec, base, zone=zone).strip()
    if not text:
        return None
    if text == filled_in or _moment(text) == _moment(filled_in) is not None:
        return base
    if spec.type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if spec.type in {"number", "integer"}:
        return _number(text)
    if spec.type == "datetime" and (moment := _moment(text)) is not None:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC).isoformat()
    return text


def _number(text: str) -> object:
    """Return the number that a text is, else the text: the check says what is wrong."""
    text = text.replace("\u2212", "-")
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        return float(text) if text.isascii() and "_" not in text else text
    except ValueError:
        return text


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if len(text) >= 16 else None
    except ValueError:
        return None


def _read_rows(spec: FieldSpec, sent: Sent) -> list[dict[str, object]]:
    found = []
    for row in _sent_rows(spec, sent):
        entries = _sent_entries(spec, sent, row)
        if entries and sent.get(f"{PREFIX}{spec.name}-{row}-off") is None:
            found.append(_region(spec, entries))
    return found


def _region(spec: FieldSpec, entries: Mapping[str, str]) -> dict[str, object]:
    region: dict[str, object] = {
        name: _corners(text) if name == "points" else _number(text)
        for name, text in entries.items()
        if name != "class"
    }
    if entries.get("class"):
        region["class"] = entries["class"]
    return region


def _corners(text: str) -> object:
    """Read "0,0 40,0 40,20"; what is no number stays a text."""
    return [[_number(one) for one in pair.split(",")] for pair in text.split()]


def _sent_rows(spec: FieldSpec, sent: Sent) -> list[int]:
    """Return the rows that a form holds, at most a few more than are allowed."""
    pattern = re.compile(rf"{PREFIX}{spec.name}-([0-9]{{1,4}})-[a-z]+")
    found = {int(m[1]) for name in sent if (m := pattern.fullmatch(name))}
    return sorted(found)[: spec.max_regions + BLANK_ROWS]


def _sent_entries(spec: FieldSpec, sent: Sent, row: int) -> dict[str, str]:
    """Return what stands in a row; nothing but a class is nothing."""
    names = [name for name, _ in ENTRIES[spec.type]]
    texts = {
        name: sent.get(f"{PREFIX}{spec.name}-{row}-{name}", "").strip()
        for name in (*names, "class")
    }
    kept = {name: text for name, text in texts.items() if text}
    return kept if any(name in kept for name in names) else {}


def _rows(
    spec: FieldSpec,
    value: object,
    *,
    sent: Sent | None,
    errors: Sequence[FieldError],
    features: Values,
) -> tuple[Row, ...]:
    if not spec.is_set:
        return ()
    if sent is None:
        regions = value if isinstance(value, list) else []
        if spec.type == "spans":
            regions = sorted(regions, key=lambda one: (one["start"], one["end"]))
        kept = [(region_texts(one), False) for one in regions]
    else:
        kept = [
            (entries, f"{PREFIX}{spec.name}-{row}-off" in sent)
            for row in _sent_rows(spec, sent)
            if (entries := _sent_entries(spec, sent, row))
        ]
    n_blank = min(BLANK_ROWS, max(spec.max_regions - len(kept), 0))
    kept += [({}, False)] * n_blank
    passage = str(features.get(spec.feature) or "")
    rows, place = [], 0
    for number, (entries, is_off) in enumerate(kept):
        # Rows that are taken out are not among those that were checked.
        where = f"fields.{spec.name}.{place}" if entries and not is_off else None
        place += where is not None
        rows.append(_row(spec, number, entries, is_off, where, errors, passage))
    return tuple(rows)


def _row(
    spec: FieldSpec,
    number: int,
    entries: Mapping[str, str],
    is_off: bool,
    where: str | None,
    errors: Sequence[FieldError],
    passage: str,
) -> Row:
    key = f"{PREFIX}{spec.name}-{number}"
    cells = [
        Cell(
            f"{key}-{name}",
            words,
            entries.get(name, ""),
            errors=_errors(spec, errors, f"{where}.{name}", deep=True) if where else (),
        )
        for name, words in ENTRIES[spec.type]
    ]
    if spec.classes:
        text = entries.get("class", "")
        known = [("", "–"), *((one, one) for one in spec.classes)]  # noqa: RUF001 -- typography
        said = _errors(spec, errors, f"{where}.class") if where else ()
        cells.append(Cell(f"{key}-class", "Class", text, _choice(known, text), said))
    quote = _quote(passage, entries) if spec.type == "spans" else ""
    return Row(tuple(cells), f"{key}-off", is_off, not entries, quote)


def _quote(text: str, entries: Mapping[str, str]) -> str:
    start, end = entries.get("start", ""), entries.get("end", "")
    if not (start.isdecimal() and end.isdecimal()):
        return ""
    return text[int(start) : int(end)]


def _errors(
    spec: FieldSpec, errors: Sequence[FieldError], where: str, *, deep: bool = False
) -> tuple[str, ...]:
    return tuple(
        rule_words(spec, one.rule, one.value)
        for one in errors
        if one.field == where or (deep and one.field.startswith(f"{where}."))
    )
