"""What a new declaration changes, in words, and when it needs care."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.declaration import Declaration, declaration_from_json
from predictions.declaration_changes import declaration_changes

AMOUNT = {"name": "amount", "type": "number", "minimum": 0}
CUSTOMER = {"name": "customer", "type": "text"}
OK = {"key": "ok", "name": "Fine"}
FRAUD = {"key": "fraud", "name": "Fraud", "positive": True}
DOUBT = {"key": "doubt", "name": "Doubt"}


def declaration(**changes: Any) -> Declaration:  # noqa: ANN401 -- any JSON on purpose
    return declaration_from_json(
        {
            "slug": "cards",
            "name": "Cards",
            "question": "Hold this payment?",
            "labels": [OK, FRAUD],
            "reason_codes": [{"key": "usual", "name": "As usual"}],
            "features": [AMOUNT, CUSTOMER],
            "costs": {"false_positive": 20, "false_negative": 80},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "lines", "breaking"),
    [
        ({}, [], False),
        ({"name": "Pay"}, ["name changed from Cards to Pay"], False),
        ({"subject": "customer"}, ["subject changed from nothing to customer"], False),
        (
            {"queue": {"lease_seconds": 60}},
            ["queue lease_seconds changed from 300 to 60"],
            False,
        ),
        ({"labels": [OK, FRAUD, DOUBT]}, ["labels: doubt added"], False),
        ({"labels": [FRAUD, OK]}, ["labels: another order"], False),
        (
            {"labels": [FRAUD, DOUBT]},
            ["labels: ok removed", "labels: doubt added"],
            True,
        ),
        (
            {"labels": [{**OK, "positive": True}, {**FRAUD, "positive": False}]},
            [
                "labels: ok positive changed from False to True",
                "labels: fraud positive changed from True to False",
            ],
            True,
        ),
        ({"features": [AMOUNT]}, ["features: customer removed"], True),
        (
            {"features": [{**AMOUNT, "minimum": 1}, CUSTOMER]},
            ["features: amount minimum changed from 0.0 to 1.0"],
            False,
        ),
        (
            {"features": [AMOUNT, {**CUSTOMER, "type": "datetime"}]},
            ["features: customer type changed from text to datetime"],
            True,
        ),
        (
            {"features": [{**AMOUNT, "show": {"decimals": 2}}, CUSTOMER]},
            ["features: amount show decimals changed from nothing to 2"],
            False,
        ),
        ({"reason_codes": []}, ["reason_codes: usual removed"], False),
    ],
)
def test_changes_are_said_in_words(
    changes: dict[str, Any], lines: list[str], breaking: bool
) -> None:
    found = declaration_changes(declaration(), declaration(**changes))

    assert found.changes == lines
    assert found.breaking is breaking


LABELS = st.permutations([OK, FRAUD, DOUBT])
FEATURES = st.lists(
    st.sampled_from([AMOUNT, CUSTOMER, {"name": "night", "type": "boolean"}]),
    min_size=1,
    unique_by=lambda one: json.dumps(one),
)
DECLARATIONS = st.builds(
    lambda labels, features, name, share: declaration(
        labels=labels, features=features, name=name, policy={"audit_share": share}
    ),
    LABELS,
    FEATURES,
    st.sampled_from(["Cards", "Payments"]),
    st.sampled_from([0.1, 0.2]),
)


@given(old=DECLARATIONS, new=DECLARATIONS)
def test_there_are_no_changes_exactly_when_both_are_equal(
    old: Declaration, new: Declaration
) -> None:
    assert (declaration_changes(old, new).changes == []) == (old == new)
