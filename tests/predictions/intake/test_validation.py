"""Validation: every broken rule by name, nothing lost, nothing raised."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.declaration import Declaration, declaration_from_json
from predictions.intake.payloads import storable_json
from predictions.intake.rows import ValidItem
from predictions.intake.validation import compile_validator
from predictions.intake.values import microseconds

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT = "2026-03-02T08:00:00+00:00"
FEATURES: list[dict[str, Any]] = [
    {"name": "amount", "type": "number", "minimum": 0, "maximum": 1000},
    {"name": "count", "type": "integer", "minimum": 0},
    {"name": "card", "type": "category", "values": ["CP", "CNP"]},
    {"name": "night", "type": "boolean"},
    {"name": "note", "type": "text"},
    {"name": "seen", "type": "datetime"},
]


def declared(**changes: object) -> Declaration:
    return declaration_from_json(
        {
            "slug": "cards",
            "name": "Cards",
            "question": "Hold?",
            "subject": "note",
            "labels": [
                {"key": "ok", "name": "Fine"},
                {"key": "fraud", "name": "Fraud", "positive": True},
            ],
            "features": FEATURES,
            "costs": {"false_positive": 1, "false_negative": 1},
            **changes,
        }
    )


VALIDATOR = compile_validator(declared())
STRICT = compile_validator(
    declared(features=[{**one, "required": True} for one in FEATURES])
)


def item(features: object = None, **changes: object) -> dict[str, object]:
    sent = {} if features is None else features
    return {"external_id": "tx-1", "occurred_at": AT, "features": sent, **changes}


def accepted(raw: object) -> ValidItem:
    found = VALIDATOR.validate([raw], now=NOW)
    assert found.rejected == []
    return found.accepted[0]


def refused(raw: object) -> list[tuple[str, str, object]]:
    found = VALIDATOR.validate([raw], now=NOW)
    assert found.accepted == []
    errors = found.rejected[0].errors
    orjson.loads(storable_json([error.to_json() for error in errors]))
    return [(error.field, error.rule, error.value) for error in errors]


def test_valid_item_is_canonical_hashed_and_knows_its_subject() -> None:
    one = accepted(item({"note": "c-7", "amount": 5, "count": 2, "night": False}))

    assert one.features == b'{"amount":5.0,"count":2,"night":false,"note":"c-7"}'
    assert one.subject == "c-7"
    assert one.moment == 1_772_438_400_000_000
    assert one.warnings == []
    moment = one.moment.to_bytes(8, "big", signed=True)
    assert one.content_hash == sha256(one.features + moment).digest()


@pytest.mark.parametrize(
    ("features", "field", "rule", "value"),
    [
        ({"amount": "12"}, "amount", "type", "12"),
        ({"amount": True}, "amount", "type", True),
        ({"amount": []}, "amount", "type", "list with 0 entries"),
        ({"amount": -0.01}, "amount", "range", -0.01),
        ({"amount": 1000.5}, "amount", "range", 1000.5),
        ({"amount": float("nan")}, "amount", "finite", "nan"),
        ({"amount": float("inf")}, "amount", "finite", "inf"),
        ({"amount": 10**400}, "amount", "range", "integer of 1329 bits"),
        ({"count": 1.5}, "count", "type", 1.5),
        ({"count": 2**53 + 1}, "count", "range", 2**53 + 1),
        ({"count": False}, "count", "type", False),
        ({"count": float("-inf")}, "count", "finite", "-inf"),
        ({"card": "cp"}, "card", "value", "cp"),
        ({"card": 1}, "card", "type", 1),
        ({"night": 1}, "night", "type", 1),
        ({"night": "true"}, "night", "type", "true"),
        ({"note": 7}, "note", "type", 7),
        ({"note": "x" * 10_001}, "note", "too_long", 10_001),
        ({"note": "a\x00b"}, "note", "nul", "a\ufffdb"),
        ({"note": "\ud800"}, "note", "surrogates", "?"),
        ({"seen": "yesterday"}, "seen", "type", "yesterday"),
        ({"seen": "0001-01-01T00:00:00+14:00"}, "seen", "type", None),
        ({"other": ["\x00"]}, "other", "nul", "list with 1 entries"),
        ({"a\x00": 1}, "a\ufffd", "nul", 1),
        ({"other": "\udfff"}, "other", "surrogates", "?"),
        ({"other": 2**64}, "other", "not_json", "integer of 65 bits"),
        ({"other": "x" * 70_000}, "features", "too_large", 70_012),
    ],
)
def test_broken_rule_names_field_rule_and_value(
    features: dict[str, object], field: str, rule: str, value: object
) -> None:
    [found] = refused(item(features))

    assert found[:2] == (field, rule)
    if value is not None:
        assert found[2] == value


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, [("item", "type")]),
        ([], [("item", "type")]),
        ("tx-1", [("item", "type")]),
        (
            {},
            [
                ("external_id", "missing"),
                ("occurred_at", "missing"),
                ("features", "missing"),
            ],
        ),
        (item(external_id=7), [("external_id", "type")]),
        (item(external_id=""), [("external_id", "length")]),
        (item(external_id="x" * 201), [("external_id", "length")]),
        (item(external_id=" \t"), [("external_id", "value")]),
        (item(external_id="a\x00"), [("external_id", "value")]),
        (item(external_id="\ud800"), [("external_id", "value")]),
        (item(features=[]), [("features", "type")]),
        (item(occurred_at=1_772_438_400), [("occurred_at", "type")]),
        (item(occurred_at="2026"), [("occurred_at", "type")]),
        (item(occurred_at="2026-13-01"), [("occurred_at", "type")]),
        (item(occurred_at="2026-03-02T10:00:01Z"), [("occurred_at", "future")]),
    ],
)
def test_broken_envelope_is_named(raw: object, expected: list[tuple[str, str]]) -> None:
    assert [found[:2] for found in refused(raw)] == expected


def test_every_broken_rule_of_an_item_is_listed() -> None:
    features = {"amount": -1, "card": "?", "night": "no", "count": None}

    assert [found[:2] for found in refused(item(features, external_id=""))] == [
        ("external_id", "length"),
        ("amount", "range"),
        ("card", "value"),
        ("night", "type"),
    ]


def test_missing_and_null_break_only_what_is_required() -> None:
    assert accepted(item({"amount": None, "other": None})).features == b'{"other":null}'
    assert accepted(item({"amount": None})) == accepted(item({}))

    [one] = STRICT.validate([item({"amount": None})], now=NOW).rejected
    assert [(error.field, error.rule) for error in one.errors] == [
        (feature["name"], "missing") for feature in FEATURES
    ]


@pytest.mark.parametrize(
    "occurred_at",
    [
        "2026-03-02T08:00:00Z",
        "2026-03-02T09:00:00+01:00",
        "2026-03-02 08:00:00",
        datetime(2026, 3, 2, 8, tzinfo=UTC),
        datetime(2026, 3, 2, 8),  # noqa: DTZ001 -- as read from Parquet
    ],
)
def test_moments_written_differently_are_one_moment(occurred_at: object) -> None:
    one = accepted(item(occurred_at=occurred_at))

    assert one.content_hash == accepted(item()).content_hash


@pytest.mark.parametrize(
    "occurred_at", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"]
)
def test_moments_beyond_the_calendar_are_refused(occurred_at: str) -> None:
    assert refused(item(occurred_at=occurred_at)) == [
        ("occurred_at", "type", occurred_at)
    ]


def test_zero_has_no_sign() -> None:
    assert accepted(item({"amount": -0.0})) == accepted(item({"amount": 0}))
    assert accepted(item({"amount": 0.0, "count": -0.0, "x": -0.05})).features == (
        b'{"amount":0.0,"count":0,"x":-0.05}'
    )


@pytest.mark.parametrize(
    "external_id", ["tx-\u0430", "é", "e\u0301", "TX-1", " a", "a\u200b"]
)
def test_ids_that_look_alike_are_kept_as_they_are(external_id: str) -> None:
    assert accepted(item(external_id=external_id)).external_id == external_id


def test_the_future_begins_after_the_declared_minutes() -> None:
    last = NOW + timedelta(minutes=60)

    assert accepted(item(occurred_at=last.isoformat()))
    assert refused(item(occurred_at=(last + timedelta(microseconds=1)).isoformat()))


def test_unknown_fields_are_kept_and_named() -> None:
    one = accepted(item({"zebra": [1], "amount": 1}, media="a.png"))

    assert one.features == b'{"amount":1.0,"zebra":[1]}'
    assert one.warnings == ["ignored_field: media", "unknown_field: zebra"]


def test_ten_thousand_unknown_fields_are_kept_with_a_hundred_warnings() -> None:
    validator = compile_validator(declared(intake={"max_features_bytes": 1_048_576}))
    raw = item({f"x{number}": number for number in range(10_000)})

    [one] = validator.validate([raw], now=NOW).accepted
    assert len(orjson.loads(one.features)) == 10_000
    assert len(one.warnings) == 100


def test_written_out_escape_of_nul_is_ordinary_text() -> None:
    assert accepted(item({"note": "\\u0000"})).subject == "\\u0000"


def test_deep_nesting_is_refused_by_name() -> None:
    deep: object = 1
    for _ in range(900):
        deep = [deep]

    assert [found[:2] for found in refused(item({"other": deep}))] == [
        ("other", "not_json")
    ]


def test_the_second_look_gives_the_same_item_as_the_first() -> None:
    fast = accepted(item({"amount": 5, "count": 3, "card": "CP"}))
    slow = accepted(item({"card": "CP", "count": 3.0, "amount": 5.0}))

    assert fast == slow


def test_indexes_are_places_in_what_was_sent() -> None:
    found = VALIDATOR.validate([item(), None, item({"amount": -1}), item()], now=NOW)

    assert [one.position for one in found.accepted] == [0, 3]
    assert [one.index for one in found.rejected] == [1, 2]
    assert [one.external_id for one in found.rejected] == [None, "tx-1"]
    assert found.rejected[1].payload == item({"amount": -1})


def test_validators_are_compiled_once() -> None:
    assert compile_validator(declared()) is compile_validator(declared())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(), max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from([one["name"] for one in FEATURES] + ["other"])
LIKELY = JSON | st.sampled_from(["CP", AT, "2026-03-02", 5, 5.0, True])
ITEMS = st.fixed_dictionaries(
    {
        "external_id": st.just("a") | JSON,
        "occurred_at": st.just(AT) | JSON,
        "features": st.dictionaries(NAMES, LIKELY) | JSON,
    }
)


@given(raw=st.lists(JSON | ITEMS, max_size=5))
def test_anything_is_accepted_or_refused_and_nothing_is_lost(raw: list[object]) -> None:
    found = VALIDATOR.validate(raw, now=NOW)

    indexes = [one.position for one in found.accepted]
    indexes += [one.index for one in found.rejected]
    assert sorted(indexes) == list(range(len(raw)))
    assert all(one.errors for one in found.rejected)
    for one in found.rejected:
        written = storable_json([error.to_json() for error in one.errors])
        assert json.loads(written)
        assert "\x00" not in storable_json(one.payload)


@given(raw=ITEMS)
def test_both_looks_give_the_same_item(raw: dict[str, object]) -> None:
    latest = microseconds(NOW)

    fast = VALIDATOR._fast_item(0, raw, latest)
    if fast is not None:
        assert VALIDATOR._slow_item(0, raw, latest) == fast


@given(features=st.dictionaries(NAMES, LIKELY))
def test_what_was_stored_is_a_duplicate_of_what_was_sent(
    features: dict[str, object],
) -> None:
    found = VALIDATOR.validate([item(features)], now=NOW)
    for one in found.accepted:
        again = accepted(item(orjson.loads(one.features)))
        assert again.content_hash == one.content_hash
