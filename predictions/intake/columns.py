"""Which column of a table is what, and how its cells become values."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from predictions.declaration import Declaration, Feature
from predictions.intake.readers import MalformedPayload

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0"})
_UNIT = re.compile(r"\s*[\[(][^\])]*[\])]\s*$")
_DROPPED = re.compile(r"[^a-z0-9]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")

type Convert = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Moments for a table that has none: the first row at `start`, then in steps."""

    start: datetime
    interval: timedelta

    def at(self, row: int) -> datetime:
        """Return the moment of the row, counted from 0."""
        return self.start + row * self.interval


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which columns hold what.

    Columns are found by their exact name, else by their name without case, unit and
    punctuation: `Air temperature [K]` is `air_temperature`. `rename` maps a column to
    the feature that it holds; `ignore` names columns to leave out; `label` the column
    of the truth, which is handed back aside and never a feature. A column named `site`
    holds the keys of sites, unless the workflow declares a feature of that name.
    """

    external_id: str = "external_id"
    occurred_at: str | Arrivals = "occurred_at"
    label: str | None = None
    site: str = "site"
    rename: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Layout:
    """A `ColumnMap` applied to the columns of one table, by their place."""

    external_id: int
    occurred_at: int | Arrivals
    label: int | None
    site: int | None
    features: Sequence[tuple[int, str, Feature | None]]
    n_columns: int


def lay_out(
    header: Sequence[str], declaration: Declaration, columns: ColumnMap
) -> Layout:
    """Find every column. Raises: MalformedPayload naming what is missing or twice."""
    if len(set(header)) != len(header):
        twice = sorted({name for name in header if list(header).count(name) > 1})
        raise MalformedPayload(f"columns: {', '.join(twice)} stands twice")
    for name in (*columns.rename, *columns.ignore):
        _place(header, name)
    external_id = _place(header, columns.external_id)
    occurred_at = columns.occurred_at
    moment = _place(header, occurred_at) if isinstance(occurred_at, str) else None
    label = None if columns.label is None else _place(header, columns.label)
    site = _site_place(header, declaration, columns)
    taken = {external_id, moment, label, site}
    features = [
        (place, *_feature(name, declaration, columns.rename))
        for place, name in enumerate(header)
        if place not in taken and name not in columns.ignore and name
    ]
    names = [name for _, name, _ in features]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MalformedPayload(f"columns: two hold {', '.join(twice)}")
    if isinstance(occurred_at, str):
        return Layout(external_id, moment or 0, label, site, features, len(header))
    return Layout(external_id, occurred_at, label, site, features, len(header))


def _site_place(
    header: Sequence[str], declaration: Declaration, columns: ColumnMap
) -> int | None:
    name = columns.site
    if name not in header or name in columns.ignore or name in columns.rename:
        return None
    return None if declaration.feature(name) else list(header).index(name)


def guessed_column(header: Sequence[str], names: Sequence[str]) -> str:
    """Return the column that is called like the first of some names, or nothing."""
    plain = [plain_name(one) for one in header]
    for name in names:
        if plain.count(plain_name(name)) == 1:
            return header[plain.index(plain_name(name))]
    return ""


def plain_name(name: str) -> str:
    """Return the name without case, trailing unit and punctuation."""
    return _DROPPED.sub("", _UNIT.sub("", name).lower())


def cell_converter(feature: Feature | None) -> Convert:
    """Return what makes a value of a cell; None means missing.

    What cannot be read stays as it is, so that validation names it.
    """
    if feature is None:
        return _text_or_missing
    if feature.type in {"text", "category"}:
        return _plain_text
    return {"number": _number, "integer": _integer, "boolean": _boolean}.get(
        feature.type, _text_or_missing
    )


def _place(header: Sequence[str], name: str) -> int:
    if name in header:
        return list(header).index(name)
    plain = plain_name(name)
    found = [i for i, one in enumerate(header) if plain_name(one) == plain]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(header[:50])
    raise MalformedPayload(f"columns: none is named {name!r} (there are: {shown})")


def _feature(
    name: str, declaration: Declaration, rename: Mapping[str, str]
) -> tuple[str, Feature | None]:
    wanted = rename.get(name, name)
    if exact := declaration.feature(wanted):
        return wanted, exact
    plain = plain_name(wanted)
    for feature in declaration.features:
        if plain_name(feature.name) == plain:
            return feature.name, feature
    return wanted, None


def _text_or_missing(value: object) -> object:
    return None if value == "" else value


def _plain_text(value: object) -> object:
    if value is None or value == "":
        return None
    return str(value) if isinstance(value, int | float) else value


def _number(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return value if "_" in text else float(text)
    except ValueError:
        return value


def _integer(value: object) -> object:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    number = _number(value)
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return number


def _boolean(value: object) -> object:
    if isinstance(value, str):
        word = value.strip().lower()
        if not word:
            return None
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else value
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    return value
