"""Check the values of declared fields, and bring them into the form that is stored."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from predictions.declaration import FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.geometry import polygon_area
from predictions.intake.values import check_value, shown

type Values = dict[str, Any]
type Region = dict[str, Any]
type Sizes = Mapping[str, tuple[int, int]]  # width and height of an image, by slot

MAX_COORDINATE: Final = 100_000
MIN_SIDE: Final = 0.01
BEYOND: Final = 1.0  # pixels that a region may stick out: edges are rounded
MAX_CORNERS: Final = 200
MAX_ALL_CORNERS: Final = 2000  # of the polygons of a field together


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """The values as they are stored, and every rule that is broken."""

    values: Values
    errors: list[FieldError]


def check_fields(
    specs: Sequence[FieldSpec],
    given: object,
    *,
    texts: Mapping[str, object] | None = None,
    sizes: Sizes | None = None,
) -> Checked:
    """Hold values against the declared fields; None is a field that holds nothing.

    `texts` are the item's features, in which spans must lie, `sizes` those of its
    images, in which regions must; what is not known is not checked. Errors name
    `fields.<name>`, of regions with place and entry. Whether a field is asked for, or
    needed, is not looked at.
    """
    if not isinstance(given, Mapping):
        return Checked({}, [FieldError("fields", "type", shown(given))])
    known = {one.name: one for one in specs}
    values: Values = {}
    errors = [
        FieldError(f"fields.{shown(str(name))}", "unknown_field")
        for name in given
        if name not in known
    ]
    for name, spec in known.items():
        value, found = _check(spec, given.get(name), texts or {}, sizes or {})
        errors += found
        if value is not None:
            values[name] = value
    return Checked(values, errors)


def missing_fields(specs: Sequence[FieldSpec], values: Values) -> list[FieldError]:
    """Name the required fields that hold nothing; an empty list is nothing."""
    return [
        FieldError(f"fields.{one.name}", "missing")
        for one in specs
        if one.required and values.get(one.name) in (None, [])
    ]


def _check(
    spec: FieldSpec, value: object, texts: Mapping[str, object], sizes: Sizes
) -> tuple[object, list[FieldError]]:
    if value is None:
        return ([] if spec.is_set else None), []
    if spec.is_set:
        return _check_set(spec, value, _room(spec, texts, sizes))
    if spec.type == "text" and isinstance(value, str):
        value = value.strip() or None
    kept, error = check_value(spec, value)
    if error is None or error.rule == "missing":
        return kept, []
    return None, [dataclasses.replace(error, field=f"fields.{spec.name}")]


def _room(
    spec: FieldSpec, texts: Mapping[str, object], sizes: Sizes
) -> tuple[float, float] | None:
    """Return how far regions may reach to the right and down, spans to the right."""
    if spec.type == "spans":
        text = texts.get(spec.feature)
        return (len(text), 0) if isinstance(text, str) else None
    if (size := sizes.get(spec.media)) is None:
        return None
    return size[0] + BEYOND, size[1] + BEYOND


def _check_set(
    spec: FieldSpec, value: object, room: tuple[float, float] | None
) -> tuple[list[Region], list[FieldError]]:
    where = f"fields.{spec.name}"
    if not isinstance(value, list):
        return [], [FieldError(where, "type", shown(value))]
    if len(value) > spec.max_regions:
        return [], [FieldError(where, "too_many", len(value))]
    regions: list[Region] = []
    errors: list[FieldError] = []
    for place, one in enumerate(value):
        region, found = _check_one(spec, one, f"{where}.{place}", room)
        regions.append(region)
        errors += found
    n_corners = sum(len(one.get("points", ())) for one in regions)
    if n_corners > MAX_ALL_CORNERS:
        errors.append(FieldError(where, "all_corners", n_corners))
    if spec.type == "spans" and not errors:
        errors += _overlaps(regions, where)
    if errors:
        return [], errors
    return sorted(regions, key=lambda one: orjson.dumps(_order(one))), []


def _overlaps(spans: Sequence[Region], where: str) -> list[FieldError]:
    """Name the spans that lie over an earlier one of their class."""
    errors: list[FieldError] = []
    reach: dict[object, int] = {}
    for place in sorted(range(len(spans)), key=lambda at: spans[at]["start"]):
        one = spans[place]
        if one["start"] < reach.get(one.get("class"), 0):
            errors.append(FieldError(f"{where}.{place}.start", "overlap", one["start"]))
        reach[one.get("class")] = max(reach.get(one.get("class"), 0), one["end"])
    return errors


def _order(region: Region) -> list[Any]:
    return [region[name] for name in sorted(region)]


def _check_one(
    spec: FieldSpec, given: object, where: str, room: tuple[float, float] | None
) -> tuple[Region, list[FieldError]]:
    if not isinstance(given, Mapping):
        return {}, [FieldError(where, "type", shown(given))]
    region, errors = _SHAPES[spec.type](given, where)
    known = {*_ENTRIES[spec.type], "class"}
    errors += [
        FieldError(f"{where}.{shown(str(name))}", "unknown_field")
        for name in given
        if name not in known
    ]
    wanted = given.get("class")
    if spec.classes and wanted is None:
        errors.append(FieldError(f"{where}.class", "missing"))
    elif wanted is not None and wanted not in spec.classes:
        errors.append(FieldError(f"{where}.class", "value", shown(wanted)))
    elif wanted is not None:
        region["class"] = wanted
    if room is not None and not errors:
        errors = _beyond(region, where, room)
    return region, errors


def _beyond(region: Region, where: str, room: tuple[float, float]) -> list[FieldError]:
    """Name the entries by which a region leaves its image, or a span its text."""
    right, down = room
    if "points" in region:
        leaves = any(x > right or y > down for x, y in region["points"])
        return [FieldError(f"{where}.points", "outside")] if leaves else []
    if "end" in region:
        reach = {"end": (region["end"], right)}
    elif "w" in region:
        reach = {
            "w": (region["x"] + region["w"], right),
            "h": (region["y"] + region["h"], down),
        }
    else:
        reach = {"x": (region["x"], right), "y": (region["y"], down)}
    return [
        FieldError(f"{where}.{name}", "outside", region[name])
        for name, (far, most) in reach.items()
        if far > most
    ]


def _numbers(
    given: Mapping[Any, Any], where: str, least: Mapping[str, float]
) -> tuple[Region, list[FieldError]]:
    region: Region = {}
    errors: list[FieldError] = []
    for name, low in least.items():
        number, rule = _number(given.get(name), low)
        if rule:
            errors.append(FieldError(f"{where}.{name}", rule, shown(given.get(name))))
        region[name] = number
    return region, errors


def _number(value: object, low: float) -> tuple[float, str]:
    """Return a coordinate, and the rule that it breaks."""
    if value is None:
        return 0.0, "missing"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0, "type"
    if not math.isfinite(value) or not low <= value <= MAX_COORDINATE:
        return 0.0, "range"
    return float(value) + 0.0, ""  # zero has no sign


def _box(given: Mapping[Any, Any], where: str) -> tuple[Region, list[FieldError]]:
    return _numbers(given, where, {"x": 0, "y": 0, "w": MIN_SIDE, "h": MIN_SIDE})


def _point(given: Mapping[Any, Any], where: str) -> tuple[Region, list[FieldError]]:
    return _numbers(given, where, {"x": 0, "y": 0})


def _span(given: Mapping[Any, Any], where: str) -> tuple[Region, list[FieldError]]:
    region, errors = _numbers(given, where, {"start": 0, "end": 1})
    errors += [
        FieldError(f"{where}.{name}", "type", value)
        for name, value in region.items()
        if not value.is_integer()
    ]
    region = {name: int(value) for name, value in region.items()}
    if not errors and region["start"] >= region["end"]:
        errors.append(FieldError(f"{where}.end", "before_start", region["end"]))
    return region, errors


def _polygon(given: Mapping[Any, Any], where: str) -> tuple[Region, list[FieldError]]:
    points = given.get("points")
    where = f"{where}.points"
    if not isinstance(points, list):
        rule = "missing" if points is None else "type"
        return {}, [FieldError(where, rule, shown(points))]
    if not 3 <= len(points) <= MAX_CORNERS:
        return {}, [FieldError(where, "corners", len(points))]
    corners: list[list[float]] = []
    for place, point in enumerate(points):
        if not isinstance(point, list) or len(point) != 2:
            return {}, [FieldError(f"{where}.{place}", "type", shown(point))]
        found = [_number(value, 0) for value in point]
        if rule := found[0][1] or found[1][1]:
            return {}, [FieldError(f"{where}.{place}", rule, point)]
        corners.append([number for number, _ in found])
    if polygon_area(corners) < MIN_SIDE**2:
        return {}, [FieldError(where, "empty", len(points))]
    return {"points": corners}, []


type _Shape = Callable[[Mapping[Any, Any], str], tuple[Region, list[FieldError]]]
_SHAPES: Final[Mapping[str, _Shape]] = {
    "boxes": _box,
    "points": _point,
    "spans": _span,
    "polygons": _polygon,
}
_ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "boxes": ("x", "y", "w", "h"),
    "points": ("x", "y"),
    "spans": ("start", "end"),
    "polygons": ("points",),
}
