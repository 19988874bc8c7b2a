"""Rules in sentences: with the bound, whatever the value."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from predictions.declaration import Declaration, FieldError, declaration_from_json
from predictions.intake.wording import explained, sentence, told

CARDS: Declaration = declaration_from_json(
    {
        "slug": "cards",
        "name": "Cards",
        "question": "Hold?",
        "labels": [
            {"key": "ok", "name": "OK"},
            {"key": "fraud", "name": "Fraud", "positive": True},
        ],
        "features": [
            {
                "name": "amount",
                "type": "number",
                "unit": "EUR",
                "minimum": 0.5,
                "maximum": 200,
            },
            {"name": "count", "type": "integer", "minimum": 1},
            {"name": "kind", "type": "category", "values": [*"abcdefghijkl"]},
            {"name": "night", "type": "boolean"},
            {"name": "note", "type": "text"},
            {"name": "seen", "type": "datetime"},
        ],
        "costs": {"false_positive": 1, "false_negative": 1},
        "intake": {"max_future_minutes": 60, "max_features_bytes": 1024},
    }
)
CARDS_FIELDS = [feature.name for feature in CARDS.features]


@pytest.mark.parametrize(
    ("field", "rule", "value", "says"),
    [
        ("amount", "range", 250, "250 is above the most allowed, 200 EUR"),
        ("amount", "range", 0.25, "0.25 is below the least allowed, 0.5 EUR"),
        ("count", "range", 0, "0 is below the least allowed, 1"),
        ("count", "range", 2**60, f"{2**60:,} is too large to be kept exactly"),
        ("count", "range", "integer of 70 bits", "“integer of 70 bits” is too large"),
        ("amount", "type", "abc", "“abc” is not a number"),
        ("count", "type", 1.5, "1.5 is not a whole number"),
        ("night", "type", "yes", "“yes” is not true or false"),
        ("note", "type", 7, "7 is not a text"),
        ("seen", "type", "soon", "“soon” is not a moment such as 2026-01-31T14:30"),
        ("amount", "finite", "nan", "“nan” is not a finite number"),
        ("amount", "missing", None, "is missing, and every item needs it"),
        ("kind", "value", "z", "“z” is none of the values allowed: a, b, c, d, e, f,"),
        ("kind", "value", "z", "g, h, i, j and 2 more"),
        ("note", "too_long", 12_345, "12,345 characters are more than the 10,000"),
        ("note", "nul", "a", "holds the character NUL, which cannot be stored"),
        ("external_id", "type", 7, "7 is not a text"),
        ("external_id", "length", "", "has to have 1 to 200 characters"),
        ("external_id", "value", "  ", "“  ” is blank or holds what cannot be stored"),
        ("external_id", "conflict", {}, "is stored already with other content"),
        ("occurred_at", "type", True, "true is not a moment such as"),
        (
            "occurred_at",
            "future",
            "2027",
            "2027 lies further in the future than the 60",
        ),
        ("features", "too_large", 4096, "4,096 bytes are more than the 1,024 allowed"),
        ("item", "type", None, "nothing is not an object with external_id"),
        ("line 3", "json", "{x}", "this is not JSON"),
        ("line 3", "too_long", "xxx", "this line is too long to be read"),
        ("line 3", "columns", "3 cells, 4 columns", "3 cells, 4 columns: every line"),
        ("gone", "a_new_rule {", 1, "a new rule {"),
    ],
)
def test_sentence_says_what_is_wrong_and_what_is_allowed(
    field: str, rule: str, value: object, says: str
) -> None:
    words = sentence(field, rule, value, CARDS)

    assert words.startswith(f"{field}: ")
    assert says in words


def test_explained_errors_are_the_same_errors() -> None:
    errors = [FieldError("amount", "range", 250)]

    [one] = explained(errors, CARDS)

    assert one == errors[0]
    assert one.to_json() == {
        "field": "amount",
        "rule": "range",
        "value": 250,
        "detail": "amount: 250 is above the most allowed, 200 EUR",
    }


def test_the_sentence_that_was_kept_stands_when_the_bound_has_moved() -> None:
    kept = {"field": "amount", "rule": "range", "value": 150, "detail": "as it was"}

    assert told(kept, CARDS) == "as it was"
    assert told({**kept, "detail": ""}, CARDS) == (
        "amount: 150 is outside of what is allowed"
    )


@example(field="amount", rule="range", value=1e300)
@example(field="amount", rule="range", value=-(10**300))
@given(
    field=st.sampled_from([*CARDS_FIELDS, "item", "gone"]),
    rule=st.sampled_from(["type", "range", "value", "too_long", "columns", "finite"])
    | st.text(max_size=8),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=200)
    | st.lists(st.integers(), max_size=3),
)
def test_any_error_can_be_told(field: str, rule: str, value: object) -> None:
    words = sentence(field, rule, value, CARDS)

    assert words.startswith(f"{field}: ")
    assert len(words) < 400
