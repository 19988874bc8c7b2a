"""Values held against the declaration: what is kept, and what is named as wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.fields.predicted import read_predicted
from predictions.fields.values import check_fields, missing_fields
from tests.predictions.fields.strategies import REGION, sets_of, spec_of

BOX = {"x": 1, "y": 2, "w": 3, "h": 4, "class": "pit"}
TRIANGLE = [[0, 0], [9, 0], [9, 9]]
BARE: dict[str, Any] = {"classes": ()}


def errors_of(kind: str, value: object, **more: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- any entry
    found = check_fields([spec_of(kind, **more)], {"it": value}).errors
    return [(one.field, one.rule) for one in found]


@pytest.mark.parametrize(
    ("kind", "more", "value", "kept"),
    [
        ("number", {}, 3, 3.0),
        ("number", {}, -0.0, 0.0),
        ("integer", {}, 3.0, 3),
        ("text", {}, "  as said\n", "as said"),
        ("datetime", {}, "2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00+00:00"),
        ("boolean", {}, False, False),
        ("boxes", {}, [BOX], [{**BOX, "x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0}]),
        ("boxes", {}, None, []),
        ("polygons", BARE, [{"points": TRIANGLE}], [{"points": TRIANGLE}]),
        (
            "spans",
            BARE,
            [{"start": 0, "end": 2.0}],
            [{"start": 0, "end": 2}],
        ),
    ],
)
def test_kept_as_stored(
    kind: str, more: dict[str, Any], value: object, kept: object
) -> None:
    checked = check_fields([spec_of(kind, **more)], {"it": value})

    assert checked.errors == []
    assert checked.values == {"it": kept}
    assert type(checked.values["it"]) is type(kept)


@pytest.mark.parametrize(
    ("kind", "more", "value", "expected"),
    [
        ("number", {}, "3", ("fields.it", "type")),
        ("number", {}, float("nan"), ("fields.it", "finite")),
        ("number", {"maximum": 2}, 3, ("fields.it", "range")),
        ("integer", {}, 2**60, ("fields.it", "range")),
        ("category", {}, "c", ("fields.it", "value")),
        ("text", {}, "a\x00", ("fields.it", "nul")),
        ("datetime", {}, "soon", ("fields.it", "type")),
        ("boxes", {}, {}, ("fields.it", "type")),
        ("boxes", {}, [1], ("fields.it.0", "type")),
        ("boxes", {}, [{**BOX, "class": "dent"}], ("fields.it.0.class", "value")),
        ("boxes", {}, [{**BOX, "class": []}], ("fields.it.0.class", "value")),
        ("boxes", BARE, [BOX], ("fields.it.0.class", "value")),
        ("boxes", {}, [{**BOX, "z": 1}], ("fields.it.0.z", "unknown_field")),
        ("boxes", {}, [{**BOX, "x": -1}], ("fields.it.0.x", "range")),
        ("boxes", {}, [{**BOX, "x": True}], ("fields.it.0.x", "type")),
        ("boxes", {}, [{**BOX, "h": float("inf")}], ("fields.it.0.h", "range")),
        ("boxes", {"max_regions": 1}, [BOX, BOX], ("fields.it", "too_many")),
        ("polygons", BARE, [{}], ("fields.it.0.points", "missing")),
        (
            "polygons",
            BARE,
            [{"points": TRIANGLE[:2]}],
            ("fields.it.0.points", "corners"),
        ),
        (
            "polygons",
            BARE,
            [{"points": [[0, 0], [1, 1], [2, 2]]}],
            ("fields.it.0.points", "empty"),
        ),
        (
            "polygons",
            BARE,
            [{"points": [*TRIANGLE, [1]]}],
            ("fields.it.0.points.3", "type"),
        ),
        (
            "polygons",
            BARE,
            [{"points": TRIANGLE * 51}] * 14,
            ("fields.it", "all_corners"),
        ),
        (
            "spans",
            BARE,
            [{"start": 1, "end": 1}],
            ("fields.it.0.end", "before_start"),
        ),
        (
            "spans",
            BARE,
            [{"start": 0.5, "end": 2}],
            ("fields.it.0.start", "type"),
        ),
    ],
)
def test_what_breaks_a_rule_is_named(
    kind: str, more: dict[str, Any], value: object, expected: tuple[str, str]
) -> None:
    assert errors_of(kind, value, **more) == [expected]


def test_spans_lie_in_their_text() -> None:
    spec = spec_of("spans", classes=())
    value = {"it": [{"start": 0, "end": 5}]}

    assert check_fields([spec], value, texts={"note": "short"}).errors == []
    [error] = check_fields([spec], value, texts={"note": "brief"[:4]}).errors
    assert (error.field, error.rule, error.value) == ("fields.it.0.end", "outside", 5)


@pytest.mark.parametrize(
    ("kind", "region", "wrong"),
    [
        ("boxes", {"x": 5, "y": 0, "w": 5, "h": 5}, []),
        ("boxes", {"x": 5, "y": 0, "w": 6, "h": 5}, []),  # a rounded edge
        ("boxes", {"x": 5, "y": 0, "w": 6.5, "h": 9}, ["w", "h"]),
        ("points", {"x": 11, "y": 6}, []),
        ("points", {"x": 12, "y": 7}, ["x", "y"]),
        ("polygons", {"points": [[0, 0], [11, 0], [11, 6]]}, []),
        ("polygons", {"points": [[0, 0], [11, 0], [11, 6.5]]}, ["points"]),
    ],
)
def test_regions_lie_in_their_image(
    kind: str, region: dict[str, Any], wrong: list[str]
) -> None:
    spec = spec_of(kind, classes=(), media="photo")
    found = check_fields([spec], {"it": [region]}, sizes={"photo": (10, 5)})

    assert [(one.field, one.rule) for one in found.errors] == [
        (f"fields.it.0.{name}", "outside") for name in wrong
    ]
    assert check_fields([spec], {"it": [region]}).errors == []


def test_no_object_and_no_such_field() -> None:
    assert [e.rule for e in check_fields([], []).errors] == ["type"]
    [error] = check_fields([], {"x\x00": 1}).errors
    assert (error.field, error.rule) == ("fields.x\ufffd", "unknown_field")


def test_needed_is_what_holds_nothing() -> None:
    specs = [
        spec_of("number", name="a", required=True),
        spec_of("boxes", name="b", required=True),
        spec_of("number", name="c"),
    ]

    assert [e.field for e in missing_fields(specs, {"b": []})] == [
        "fields.a",
        "fields.b",
    ]
    assert missing_fields(specs, {"a": 0.0, "b": [BOX]}) == []


@pytest.mark.parametrize("kind", sorted(REGION))
@given(st.data())
def test_checking_twice_changes_nothing(kind: str, data: st.DataObject) -> None:
    spec, regions = spec_of(kind), data.draw(sets_of(kind))
    once = check_fields([spec], {"it": regions})
    again = check_fields([spec], json.loads(json.dumps(once.values)))
    other = check_fields([spec], {"it": regions[::-1]})

    assert once.errors == []
    assert again.values == once.values == other.values


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["it", "x", "w", "points", "class", "value", "start", "end"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", ["number", "text", "datetime", *sorted(REGION)])
@given(value=json_values)
def test_anything_is_kept_or_named(kind: str, value: object) -> None:
    spec = spec_of(kind)
    for given_ in (value, {"it": value}):
        checked = check_fields([spec], given_, texts={"note": "words"})
        json.dumps([e.to_json() for e in checked.errors], allow_nan=False).encode()
        json.dumps(checked.values, allow_nan=False)
        read_predicted([spec], given_, texts={})


def test_what_a_model_says_is_cut_to_its_label() -> None:
    specs = [spec_of("number", name="a", labels=("x",)), spec_of("number", name="b")]
    given_ = {
        "a": {"value": 1, "confidence": 0.5, "evidence": {"at": 3}},
        "b": {"value": 2},
    }
    found, errors = read_predicted(specs, given_, texts={})

    assert errors == []
    assert found.asked_with(specs, "x").evidence == {"a": {"at": 3}}
    assert found.asked_with(specs, "y").values == {"b": 2.0}
    assert found.asked_with(specs, "y").confidences == {}
