"""Declared fields and values that fit them, for properties."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from predictions.declaration_fields import FieldSpec

CLASSES = ("pit", "scratch")
at = st.integers(0, 400).map(lambda n: n / 4)
side = st.integers(1, 200).map(lambda n: n / 4)
of_class = st.sampled_from(CLASSES)
box = st.fixed_dictionaries({"x": at, "y": at, "w": side, "h": side, "class": of_class})
point = st.fixed_dictionaries({"x": at, "y": at, "class": of_class})
corner = st.tuples(at, at).map(list)


def _triangle(corners: list[list[float]]) -> float:
    (a, b), (c, d), (e, f) = corners
    return abs((c - a) * (f - b) - (e - a) * (d - b))


triangle = st.lists(corner, min_size=3, max_size=3).filter(lambda c: _triangle(c) > 1)
polygon = st.fixed_dictionaries({"points": triangle, "class": of_class})
span = st.tuples(st.integers(0, 80), st.integers(1, 20), of_class).map(
    lambda s: {"start": s[0], "end": s[0] + s[1], "class": s[2]}
)
REGION = {"boxes": box, "points": point, "polygons": polygon, "spans": span}


def spec_of(kind: str, **more: Any) -> FieldSpec:  # noqa: ANN401 -- any entry
    given: dict[str, Any] = {"name": "it", "type": kind, **more}
    if kind in REGION:
        given.setdefault("classes", CLASSES)
    if kind == "spans":
        given.setdefault("feature", "note")
    if kind == "category":
        given.setdefault("values", ("a", "b"))
    return FieldSpec.model_validate(given)


def sets_of(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    found = st.lists(REGION[kind], max_size=5)
    return found.filter(_are_apart) if kind == "spans" else found


def _are_apart(spans: list[dict[str, Any]]) -> bool:
    """Say whether no two spans of a class lie over each other."""
    ordered = sorted(spans, key=lambda one: (one["class"], one["start"]))
    return all(
        one["class"] != other["class"] or one["end"] <= other["start"]
        for one, other in pairwise(ordered)
    )
