"""What people read of a version: exact figures, and reports of any shape."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from predictions.declaration import Declaration, parse_declaration
from predictions.models import ModelVersion
from predictions.queries.model_reports import (
    ColumnFacts,
    ConfusionTable,
    CurveFacts,
    LabelFigures,
    SplitPart,
    model_facts,
)
from predictions.queries.report_values import Share
from tests.factories.predictions import DECLARATION

CARDS: Declaration = parse_declaration(DECLARATION.format(slug="cards", name="Cards"))
HALF = {"value": 0.5, "low": 0.1, "high": 0.9, "k": 2, "n": 4}
REPORT = {
    "algorithm": "gradient_boosting",
    "seed": 3,
    "data_sha256": "ab" * 32,
    "versions": {"numpy": "2.0"},
    "parameters": {"max_iter": 100, "early": None},
    "label_counts": {"fraud": 7, "legitimate": 93},
    "labels_left_out": ["legitimate"],
    "split": {
        "by": "time",
        "train": {"n": 60, "n_positive": 4, "from": "2026-01-01T00:00:00+00:00"},
    },
    "test": {
        "n": 20,
        "n_positive": 4,
        "roc_auc": 0.75,
        "right": HALF,
        "labels": [
            {
                "label": "fraud",
                "n": 4,
                "n_recommended": 4,
                "precision": HALF,
                "recall": {"k": 0, "n": 0, "low": None, "high": None},
            }
        ],
        "at_threshold": {
            "true_positive": 2,
            "false_negative": 1,
            "false_positive": 3,
            "true_negative": 14,
        },
        "reliability": [
            {"low": 0.0, "high": 0.1, "n": 0, "mean_probability": None},
            {
                "low": 0.1,
                "high": 0.2,
                "n": 4,
                "mean_probability": 0.15,
                "observed": HALF,
            },
        ],
    },
}


def version(report: object) -> ModelVersion:
    return ModelVersion(
        report=report,
        label_keys=["legitimate", "fraud"],
        calibration={
            "n_labels": 2,
            "curves": [{"method": "isotonic", "x": [], "y": [], "n": 9, "n_true": 2}],
        },
        columns=[
            {"name": "amount", "kind": "number", "values": []},
            {"name": "gone", "kind": "category", "values": ["a"]},
        ],
    )


def test_figures_carry_the_names_and_units_of_the_workflow() -> None:
    facts = model_facts(version(REPORT), CARDS)

    assert facts.labels == [("Legitimate", False), ("Fraud", True)]
    assert facts.curves == [CurveFacts("Fraud", "isotonic", 9, 2)]
    assert facts.columns == [
        ColumnFacts("amount", "Amount", "number", "€", "0 to 100,000", []),
        ColumnFacts("gone", "gone", "category", "", "", ["a"]),
    ]
    origin = facts.origin
    assert (origin.algorithm, origin.seed) == ("gradient boosting", 3)
    assert origin.label_counts == [("Fraud", 7), ("Legitimate", 93)]
    assert origin.left_out == ["Legitimate"]
    assert origin.parameters == [("early", None), ("max_iter", 100)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert origin.parts == [SplitPart("Learned from", 60, 4, start, None)]


def test_figures_on_held_out_rows() -> None:
    test = model_facts(version(REPORT), CARDS).test

    assert test is not None
    half = Share(2, 4, 0.1, 0.9)
    assert (test.n, test.n_positive, test.right) == (20, 4, half)
    assert test.figures == [("ROC AUC", 0.75)]
    assert test.labels == [
        LabelFigures("Fraud", True, 4, 4, half, Share(0, 0, None, None))
    ]
    assert [(one.n, one.said, one.observed) for one in test.reliability] == [
        (4, 0.15, half)
    ]


def test_confusion_of_an_older_report_has_two_sides() -> None:
    test = model_facts(version(REPORT), CARDS).test

    assert test is not None
    assert test.confusion == ConfusionTable(
        ["Fraud", "Legitimate"], [("Fraud", [2, 1]), ("Legitimate", [3, 14])]
    )


def test_confusion_goes_label_by_label() -> None:
    table = {
        "truth": ["legitimate", "fraud"],
        "called": ["legitimate", "fraud"],
        "n": [[14, 3], [1, 2]],
    }
    report = {"test": {**REPORT["test"], "confusion": table}}  # type: ignore[dict-item]

    test = model_facts(version(report), CARDS).test

    assert test is not None
    assert test.confusion == ConfusionTable(
        ["Legitimate", "Fraud"], [("Legitimate", [14, 3]), ("Fraud", [1, 2])]
    )


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["test", "split", "train", "n", "labels", "label", "confusion"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(report=ANY)
def test_any_report_can_be_read(report: object) -> None:
    facts = model_facts(version(report), CARDS)

    assert [column.name for column in facts.columns] == ["amount", "gone"]
