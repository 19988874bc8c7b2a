"""Files as an integration would send them: good rows, broken ones, some twice."""

import csv
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from predictions.declaration import Declaration, Feature
from reviewqueue.proof.data_sets import Row

TRUTH_VALUES = {"true": True, "1": True, "false": False, "0": False}

type Cells = dict[str, str]
type Break = Callable[[Cells], Cells]


def write_table(
    path: Path, rows: Sequence[Row], declaration: Declaration, *, with_label: bool
) -> None:
    """Write rows as CSV, with their truth only for training."""
    names = _header(declaration)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*names, "label"] if with_label else names)
        writer.writeheader()
        for row in rows:
            label = {"label": row.label} if with_label else {}
            writer.writerow(cells_of(row) | label)


def write_batch(
    path: Path,
    rows: Sequence[Row],
    declaration: Declaration,
    *,
    n_broken: int,
    n_again: int,
    rng: np.random.Generator,
) -> None:
    """Write rows as CSV with broken ones strewn in, and some again at the end.

    Every broken row breaks one rule of the declaration; the rules take turns. Every
    row that comes again is the same as before, and so is a duplicate.
    """
    good = [cells_of(row) for row in rows]
    turns = itertools.cycle(_breaks(declaration))
    picked = rng.choice(len(good), size=n_broken, replace=False)
    broken: list[tuple[int, Cells]] = []
    conflicting: list[Cells] = []
    for number, place in enumerate(int(one) for one in picked):
        spoil = next(turns)
        cells = spoil({**good[place], "external_id": f"broken-{number}"})
        if spoil is _same_id_other_content:
            conflicting.append({**cells, "external_id": good[place]["external_id"]})
        else:
            broken.append((place, cells))
    again = [good[int(i)] for i in rng.choice(len(good), size=n_again, replace=False)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _header(declaration))
        writer.writeheader()
        writer.writerows(_strewn(good, broken))
        writer.writerows([*again, *conflicting])


def read_batch(path: Path, declaration: Declaration) -> Iterator[dict[str, object]]:
    """Read such a file as the objects that an integration would send as JSON."""
    types = {one.name: one.type for one in declaration.features}
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            features = {
                name: _json_value(cells[name], kind)
                for name, kind in types.items()
                if cells[name]
            }
            yield {
                "external_id": cells["external_id"],
                "occurred_at": cells["occurred_at"],
                "features": features,
            }


def _json_value(text: str, kind: str) -> object:
    """Return a number or a truth value where one is meant; what is broken as it is."""
    if kind == "boolean":
        return TRUTH_VALUES.get(text.lower(), text)
    if kind not in {"number", "integer"}:
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def cells_of(row: Row) -> Cells:
    """Return the row as text; what is missing is empty."""
    features = {
        name: "" if value is None else str(value)
        for name, value in row.features.items()
    }
    moment = row.occurred_at.isoformat()
    return {"external_id": row.external_id, "occurred_at": moment, **features}


def _header(declaration: Declaration) -> list[str]:
    return ["external_id", "occurred_at", *(one.name for one in declaration.features)]


def _strewn(
    good: Sequence[Cells], broken: Sequence[tuple[int, Cells]]
) -> Iterator[Cells]:
    by_place = dict(broken)
    for place, cells in enumerate(good):
        if place in by_place:
            yield by_place[place]
        yield cells


def _breaks(declaration: Declaration) -> list[Break]:
    """Return ways of breaking a row that this declaration has rules against."""
    features = declaration.features
    ways: list[Break] = [_no_moment, _no_id, _same_id_other_content]
    if missing := _first(features, lambda one: one.required):
        ways.append(_setting(missing.name, ""))
    if ranged := _first(features, lambda one: one.maximum is not None):
        ways.append(_setting(ranged.name, str((ranged.maximum or 0) * 2 + 1)))
        ways.append(_setting(ranged.name, "not measured"))
    if category := _first(features, lambda one: one.type == "category"):
        ways.append(_setting(category.name, "nothing we know"))
    return ways


def _first(
    features: Sequence[Feature], fits: Callable[[Feature], bool]
) -> Feature | None:
    return next((one for one in features if fits(one)), None)


def _setting(name: str, value: str) -> Break:
    return lambda cells: {**cells, name: value}


def _no_moment(cells: Mapping[str, str]) -> Cells:
    return {**cells, "occurred_at": "yesterday"}


def _no_id(cells: Mapping[str, str]) -> Cells:
    return {**cells, "external_id": ""}


def _same_id_other_content(cells: Mapping[str, str]) -> Cells:
    return {**cells, "occurred_at": "1999-12-31T00:00:00+00:00"}
