"""Labels in an order, costs from label to label, and usual ranges of values."""

import json
from typing import Any

import pytest

from predictions.declaration import declaration_from_json, parse_declaration
from predictions.declaration_changes import declaration_changes
from predictions.declaration_features import Reference
from tests.predictions.test_declaration import WORKFLOWS, declared, refused

LEVELS = [
    {"key": "low", "name": "Low"},
    {"key": "mid", "name": "Middle"},
    {"key": "high", "name": "High", "positive": True},
]
MATRIX = {
    "low": {"low": 0, "mid": 2, "high": 5},
    "mid": {"low": 4, "mid": 0, "high": 3},
    "high": {"low": 20, "mid": 10, "high": 0},
}


def triage(**changes: object) -> dict[str, Any]:
    costs = {"matrix": MATRIX, "review_minute": 2}
    return declared(labels=LEVELS, ordered=True, costs=costs, **changes)


def with_matrix(matrix: object) -> dict[str, Any]:
    return triage() | {"costs": {"matrix": matrix}}


def test_costs_of_the_sides_follow_from_the_matrix() -> None:
    declaration = declaration_from_json(triage())

    assert declaration.costs.false_positive == 5  # low said to be high
    assert declaration.costs.false_negative == 20
    assert declaration.greatest_cost == 20
    assert declaration.error_cost("low", "mid") == 4
    assert declaration.error_cost("mid", "mid") == 0
    assert [declaration.dearest_error(key) for key in ("low", "mid", "high")] == [
        20,
        10,
        5,
    ]
    assert declaration.label_terms.cost_rows(("high", "low"), ("low", "high")) == [
        [20, 0],
        [0, 5],
    ]
    assert declaration.label_terms.order == ("low", "mid", "high")
    again = declaration_from_json(json.loads(json.dumps(declaration.to_json())))
    assert again == declaration


def test_costs_without_a_matrix_are_those_of_the_two_sides() -> None:
    declaration = declaration_from_json(declared(labels=LEVELS))

    assert declaration.error_cost("low", "high") == 80
    assert declaration.error_cost("high", "mid") == 20
    assert declaration.error_cost("low", "mid") == 0
    assert declaration.dearest_error("mid") == 80
    assert declaration.dearest_error("high") == 20
    assert declaration.label_terms.cost_rows(("low",), ("low",)) is None
    assert declaration.label_terms.order == ()


@pytest.mark.parametrize(
    ("matrix", "why"),
    [
        ({**MATRIX, "low": {"low": 0, "mid": 2}}, "costs.matrix.low: no cost for high"),
        ({"low": MATRIX["low"]}, "costs.matrix: no cost for mid, high"),
        ({**MATRIX, "no": {}}, "costs.matrix: no label is called no"),
        ({**MATRIX, "low": {**MATRIX["low"], "low": 1}}, "what is right costs nothing"),
        ({a: dict.fromkeys(MATRIX, 0) for a in MATRIX}, "no error costs anything"),
    ],
)
def test_incomplete_matrix_is_refused(matrix: object, why: str) -> None:
    [(_, rule)] = refused(with_matrix(matrix))
    assert why in rule


def test_negative_cost_is_refused_where_it_stands() -> None:
    found = refused(with_matrix({**MATRIX, "low": {"low": 0, "mid": -1, "high": 5}}))
    assert [field for field, _ in found] == ["costs.matrix.low.mid"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"costs": {"matrix": MATRIX, "false_positive": 4}}, "false_positive"),
        ({"model": {"threshold": 0.2}}, "no threshold decides"),
        ({"model": {"sensitivity": 0.9}}, "no threshold decides"),
        ({"labels": [LEVELS[2], LEVELS[0], LEVELS[1]]}, "positive labels come last"),
        ({"ordered": False, "gates": [{"kind": "under_rate_at_most", "bound": 0.1}]},
         "only of ordered labels"),
    ],
)  # fmt: skip
def test_what_contradicts_order_or_matrix_is_refused(
    changes: dict[str, object], why: str
) -> None:
    [(_, rule)] = refused(triage() | changes)
    assert why in rule


def test_sensitivity_and_threshold_exclude_each_other() -> None:
    [(field, _)] = refused(declared(model={"sensitivity": 0.9, "threshold": 0.1}))
    assert field == "model"


@pytest.mark.parametrize(
    "reference",
    [
        {},
        {"low": 2, "high": 1},
        {"low": 1, "of": "age"},
        {"low": 1, "minimum": 3},
        {"low": 1, "of": "sex", "minimum": 3, "values": ["f"]},
        {"low": 1, "of": "sex", "values": ["x"]},
        {"low": 1, "of": "nothing", "minimum": 3},
        {"low": 1, "of": "sex", "minimum": 3},
    ],
)
def test_reference_range_that_says_nothing_is_refused(reference: object) -> None:
    features = [
        {"name": "pulse", "type": "number", "reference": reference},
        {"name": "age", "type": "integer"},
        {"name": "sex", "type": "category", "values": ["f", "m"]},
    ]
    assert len(refused(declared(features=features))) == 1


def test_reference_range_may_differ_by_age_and_by_category() -> None:
    child = Reference(low=80, of="age", maximum=6)
    assert [child.is_for(one) for one in (2, 6, None, True, "2")] == [
        True,
        False,
        False,
        False,
        False,
    ]
    women = Reference(low=7, of="sex", values=("female",))
    assert [women.is_for(one) for one in ("female", "male", None)] == [
        True,
        False,
        False,
    ]


def test_only_numbers_have_a_reference_range() -> None:
    features = [{"name": "note", "type": "text", "reference": {"low": 1}}]
    [(_, rule)] = refused(declared(features=features))
    assert "reference range" in rule


def test_a_new_matrix_is_told_and_breaks_nothing() -> None:
    old = declaration_from_json(triage())
    new = declaration_from_json(
        with_matrix({**MATRIX, "mid": {"low": 6, "mid": 0, "high": 3}})
        | {"ordered": True}
    )
    changes = declaration_changes(old, new)

    assert not changes.breaking
    assert any(one.startswith("costs matrix changed") for one in changes.changes)


def test_triage_costs_more_the_further_below() -> None:
    text = (WORKFLOWS / "ed-triage.toml").read_text("utf-8")
    declaration = parse_declaration(text)
    keys = declaration.label_keys

    for place, truth in enumerate(keys):
        costs = [declaration.error_cost(said, truth) for said in keys]
        assert costs[:place] == sorted(costs[:place], reverse=True)
        assert costs[place:] == sorted(costs[place:])
    for low, high in ((0, 1), (1, 3), (2, 4)):
        under = declaration.error_cost(keys[low], keys[high])
        assert under > declaration.error_cost(keys[high], keys[low])
