"""Declarations: what they refuse, by name, and what they say."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.declaration import (
    Declaration,
    DeclarationError,
    FieldError,
    declaration_from_json,
    parse_declaration,
    title_fields,
)

WORKFLOWS = Path(__file__).parents[2] / "workflows"
SHIPPED = [
    "card-fraud",
    "case-notes",
    "cytology-screening",
    "ed-mortality",
    "ed-triage",
    "machine-failure",
    "machine-readings",
    "spoken-entry",
    "steel-plates",
    "surface-defects",
]


def declared(**changes: object) -> dict[str, Any]:
    return {
        "slug": "cards",
        "name": "Cards",
        "question": "Hold this payment?",
        "labels": [
            {"key": "ok", "name": "Fine"},
            {"key": "fraud", "name": "Fraud", "positive": True},
        ],
        "features": [
            {"name": "amount", "type": "number", "minimum": 0},
            {"name": "customer", "type": "text"},
        ],
        "costs": {"false_positive": 20, "false_negative": 80},
        **changes,
    }


def feature(**changes: object) -> dict[str, Any]:
    return declared(features=[{"name": "amount", "type": "number", **changes}])


def refused(data: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- any JSON on purpose
    with pytest.raises(DeclarationError) as caught:
        declaration_from_json(data)
    json.dumps([error.to_json() for error in caught.value.errors], allow_nan=False)
    return [(error.field, error.rule) for error in caught.value.errors]


def test_the_declarations_are_all_that_ship() -> None:
    assert sorted(path.stem for path in WORKFLOWS.glob("*.toml")) == SHIPPED


@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_declaration_is_complete_and_reads_back_the_same(slug: str) -> None:
    declaration = parse_declaration((WORKFLOWS / f"{slug}.toml").read_text("utf-8"))

    assert declaration.slug == slug
    assert declaration.metric
    assert declaration.data_note
    assert declaration.reason_codes
    assert declaration.model_features
    assert all(declaration.owners.model_dump().values())
    assert any(one.show.important for one in declaration.features)
    assert declaration_from_json(json.loads(json.dumps(declaration.to_json()))) == (
        declaration
    )


def test_shipped_declarations_have_the_labels_that_their_models_learn() -> None:
    labels = {
        slug: parse_declaration((WORKFLOWS / f"{slug}.toml").read_text("utf-8"))
        for slug in SHIPPED
    }

    assert labels["card-fraud"].positive_labels == ("fraud",)
    assert labels["cytology-screening"].positive_labels == ("malignant",)
    assert labels["ed-mortality"].positive_labels == ("high_risk",)
    assert labels["ed-triage"].positive_labels == ("orange", "red")
    assert labels["ed-triage"].ordered
    assert labels["machine-failure"].positive_labels == ("failure",)
    assert len(labels["machine-failure"].model_features) == 31
    assert labels["machine-readings"].positive_labels == ("failure",)
    assert len(labels["steel-plates"].labels) == 7
    assert "other_faults" not in labels["steel-plates"].positive_labels
    assert labels["surface-defects"].label_keys == ("good", "scratch", "pit", "stain")
    assert len(labels["surface-defects"].model_features) == 20
    assert len(labels["cytology-screening"].model_features) == 30
    assert len(labels["steel-plates"].model_features) == 27


def test_defaults_are_those_of_the_manual() -> None:
    declaration = declaration_from_json(declared())

    assert declaration.queue.lease_seconds == 300
    assert declaration.queue.undo_seconds == 60
    assert declaration.queue.max_leases == 3
    assert declaration.policy.mode == "all"
    assert declaration.intake.max_future_minutes == 60
    assert declaration.intake.max_features_bytes == 65_536
    assert declaration.model.time_budget_ms == 2000


def test_text_and_moments_are_shown_and_the_rest_is_for_models() -> None:
    features = [
        {"name": "n", "type": "number"},
        {"name": "i", "type": "integer"},
        {"name": "c", "type": "category", "values": ["a"]},
        {"name": "b", "type": "boolean"},
        {"name": "hidden", "type": "number", "use": "show"},
        {"name": "t", "type": "text"},
        {"name": "d", "type": "datetime"},
    ]
    declaration = declaration_from_json(declared(features=features))

    assert [one.name for one in declaration.model_features] == ["n", "i", "c", "b"]


def test_names_fall_back_to_what_is_there() -> None:
    declaration = declaration_from_json(
        declared(
            features=[{"name": "customer_mean_30d", "type": "number"}],
            reason_codes=[{"key": "usual", "name": "As usual"}],
        )
    )

    assert declaration.features[0].label == "Customer mean 30d"
    assert declaration.label_name("fraud") == "Fraud"
    assert declaration.label_name("gone") == "gone"
    assert declaration.reason_name("usual") == "As usual"
    assert declaration.reason_name("gone") == "gone"
    assert declaration.feature("gone") is None


@pytest.mark.parametrize(
    ("false_positive", "false_negative", "threshold", "expected"),
    [
        (20, 80, None, 0.2),
        (1, 1, None, 0.5),
        (20, 80, 0.7, 0.7),
        (0, 0, None, 0.5),
        (0, 5, None, 1e-6),
        (5, 0, None, 1 - 1e-6),
    ],
)
def test_threshold_follows_the_costs_unless_it_is_declared(
    false_positive: float,
    false_negative: float,
    threshold: float | None,
    expected: float,
) -> None:
    costs = {"false_positive": false_positive, "false_negative": false_negative}
    data = declared(costs=costs, model={"threshold": threshold})

    assert declaration_from_json(data).decision_threshold == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (declared(slug="Cards"), ("slug", "String should match pattern")),
        (declared(slug="c"), ("slug", "String should match pattern")),
        (declared(slug="cards\n"), ("slug", "String should match pattern")),
        (
            declared(queue={"sla_minutes": 10**10}),
            ("queue.sla_minutes", "Input should be less than or equal to 5256000"),
        ),
        (
            declared(intake={"max_future_minutes": 10**12}),
            ("intake.max_future_minutes", "Input should be less than or equal to"),
        ),
        (
            declared(monitoring={"silent_minutes": 10**18}),
            ("monitoring.silent_minutes", "Input should be less than or equal to"),
        ),
        (declared(question=""), ("question", "String should have at least 1")),
        (declared(colour="red"), ("colour", "Extra inputs are not permitted")),
        (declared(labels=[]), ("declaration", "some labels must be positive")),
        (declared(features=[]), ("features", "at least one feature is needed")),
        (
            declared(labels=[{"key": "a", "name": "A"}, {"key": "b", "name": "B"}]),
            ("declaration", "some labels must be positive, and some not"),
        ),
        (
            declared(
                labels=[
                    {"key": "a", "name": "A"},
                    {"key": "a", "name": "B", "positive": True},
                ]
            ),
            ("labels", "a key stands twice"),
        ),
        (
            declared(features=[{"name": "a", "type": "text"}] * 2),
            ("features", "a feature's name stands twice"),
        ),
        (declared(subject="gone"), ("declaration", "subject: no feature is named")),
        (declared(title="{gone}"), ("declaration", "title: no feature is named gone")),
        (declared(title="{amount"), ("declaration", "title: expected '}'")),
        (declared(title="}"), ("declaration", "title: Single '}'")),
        (
            declared(title="{amount.__class__}"),
            ("declaration", "title: {amount.__class__} is not a plain feature name"),
        ),
        (declared(title="{}"), ("declaration", "title: {} is not a plain")),
        (declared(title="{amount!r}"), ("declaration", "title: {amount} is not")),
        (declared(title="{amount:9}"), ("declaration", "title: {amount} is not")),
        (feature(type="float"), ("features.amount.type", "Input should be 'number'")),
        (feature(name="1st"), ("features.1st.name", "String should match pattern")),
        (feature(required="yes"), ("features.amount.required", "Input should be")),
        (feature(minimum="0"), ("features.amount.minimum", "Input should be")),
        (feature(minimum=True), ("features.amount.minimum", "Input should be")),
        (feature(maximum=float("inf")), ("features.amount.maximum", "Input should")),
        (feature(minimum=2, maximum=1), ("features.amount", "minimum is above")),
        (feature(type="category"), ("features.amount", "a category needs its")),
        (feature(values=["a"]), ("features.amount", "only a category has")),
        (
            feature(type="category", values=["a", "a"]),
            ("features.amount", "an allowed value stands twice"),
        ),
        (
            feature(type="category", values=[""]),
            ("features.amount.values.0", "String should have at least 1"),
        ),
        (
            feature(type="text", maximum=3),
            ("features.amount", "only a number or integer has a range"),
        ),
        (feature(type="datetime", use="model"), ("features.amount", "a datetime")),
        (feature(mask=["email"]), ("features.amount", "only in a text")),
        (
            declared(costs={"false_positive": -1, "false_negative": 1}),
            ("costs.false_positive", "Input should be greater than or equal to 0"),
        ),
        (
            declared(policy={"audit_share": 0}),
            ("policy.audit_share", "Input should be greater than 0"),
        ),
        (
            declared(policy={"mode": "between", "low": 0.6, "high": 0.5}),
            ("policy", "low is above high"),
        ),
        (
            declared(policy={"mode": "between", "low": 0.5, "high": 0.5}),
            ("policy", "nothing lies between low and high"),
        ),
        (
            declared(queue={"lease_seconds": 29}),
            ("queue.lease_seconds", "Input should be greater than or equal to 30"),
        ),
        (declared(name="a\x00b"), ("name", "the character NUL cannot be stored")),
        (
            feature(type="category", values=["a\x00"]),
            ("features.amount.values", "the character NUL cannot be stored"),
        ),
    ],
)
def test_broken_rule_is_named_with_its_place(
    data: dict[str, Any], expected: tuple[str, str]
) -> None:
    [(field, rule)] = refused(data)

    assert field == expected[0]
    assert rule.startswith(expected[1])


def test_every_broken_rule_is_listed_at_once() -> None:
    errors = refused(declared(slug="!", question="", costs={"false_positive": 1}))

    assert [field for field, _ in errors] == [
        "slug",
        "question",
        "costs.false_negative",
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("slug = ", "toml: Invalid value"),
        ("a = " + "[" * 100_000, "toml: too deep"),
        ("a = " + "9" * 5000, "toml: Exceeds the limit"),
        ("#" * 500_001, "longer than 500000 characters"),
    ],
)
def test_text_that_is_no_toml_is_refused(text: str, rule: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text)

    [error] = caught.value.errors
    assert error.field == "file"
    assert error.rule.startswith(rule)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 201, "a" * 200 + "…"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**400, "an integer of 1329 bits"),
        (tomllib.loads("a = 2026-01-02")["a"], "2026-01-02"),
        (True, True),
        (7, 7),
        (None, None),
    ],
)
def test_error_shows_its_value_as_json(value: object, shown: object) -> None:
    data = FieldError("a", "type", value).to_json()

    assert data == {"field": "a", "rule": "type", "value": shown}
    json.dumps(data, allow_nan=False)


def test_title_fields_are_the_names_in_braces() -> None:
    assert title_fields("{a} of {b} {{literally}}") == {"a", "b"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(key=st.sampled_from(sorted(Declaration.model_fields)), value=JSON)
def test_any_json_is_a_declaration_or_is_refused_with_reasons(
    key: str, value: object
) -> None:
    data = declared(**{key: value})
    try:
        declaration = declaration_from_json(data)
    except DeclarationError:
        assert refused(data)
    else:
        assert declaration_from_json(declaration.to_json()) == declaration


@given(value=JSON)
def test_anything_but_a_table_is_refused_with_reasons(value: Any) -> None:  # noqa: ANN401 -- any JSON on purpose
    assert refused(value)


@given(text=st.text(max_size=200))
def test_any_text_is_refused_with_reasons(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text)

    assert caught.value.errors
