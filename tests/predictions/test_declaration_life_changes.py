"""What a new declaration changes in a model's life, in words."""

from typing import Any

import pytest

from predictions.declaration import (
    Declaration,
    DeclarationError,
    declaration_from_json,
)
from predictions.declaration_changes import declaration_changes

SMALL = {"name": "small", "feature": "amount", "maximum": 50}
RECALL = {"kind": "recall_at_least", "bound": 0.8}
NO_WORSE = {"kind": "no_worse_than_champion", "bound": 0.05, "segments": ["small"]}


def declaration(**changes: Any) -> Declaration:  # noqa: ANN401 -- any JSON on purpose
    return declaration_from_json(
        {
            "slug": "cards",
            "name": "Cards",
            "question": "Hold this payment?",
            "labels": [
                {"key": "ok", "name": "Fine"},
                {"key": "fraud", "name": "Fraud", "positive": True},
            ],
            "features": [{"name": "amount", "type": "number"}],
            "costs": {"false_positive": 20, "false_negative": 80},
            "slices": [SMALL],
            "gates": [RECALL],
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"gates": []}, ["gates: recall_at_least removed"]),
        (
            {"gates": [RECALL, NO_WORSE]},
            ["gates: no_worse_than_champion:small added"],
        ),
        (
            {"gates": [{**RECALL, "bound": 0.9, "min_n": 50}]},
            [
                "gates: recall_at_least bound changed from 0.8 to 0.9",
                "gates: recall_at_least min_n changed from 30 to 50",
            ],
        ),
        (
            {"slices": [{**SMALL, "maximum": 60}]},
            ["slices: small maximum changed from 50.0 to 60.0"],
        ),
        (
            {"promotion": {"approvals": 2}},
            ["promotion approvals changed from 1 to 2"],
        ),
        (
            {"retraining": {"every_days": 30, "candidates": [{"name": "plain"}]}},
            [
                "retraining candidates changed from nothing to name plain",
                "retraining every_days changed from 0 to 30",
            ],
        ),
        (
            {"retraining": {"candidates": [{"algorithm": "logistic"}]}},
            ["retraining candidates changed from nothing to algorithm logistic"],
        ),
        (
            {"monitoring": {"latency_ms": 50}},
            ["monitoring latency_ms changed from 0 to 50"],
        ),
        (
            {"business": {"measure": "precision"}},
            ["business measure changed from nothing to precision"],
        ),
    ],
)
def test_changes_are_said_in_words_and_break_nothing(
    changes: dict[str, Any], lines: list[str]
) -> None:
    found = declaration_changes(declaration(), declaration(**changes))

    assert (found.changes, found.breaking) == (lines, False)


@pytest.mark.parametrize(
    "gates",
    [[RECALL, {**RECALL, "bound": 0.9}], [NO_WORSE, {**NO_WORSE, "min_n": 5}]],
)
def test_a_gate_is_asked_once(gates: list[dict[str, Any]]) -> None:
    with pytest.raises(DeclarationError, match="asked twice"):
        declaration(gates=gates)
