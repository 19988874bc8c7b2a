"""What a model says of made-up rows, and what says something else."""

from dataclasses import replace

import numpy as np
import pytest

from predictions.learning.answers import (
    Answers,
    Ask,
    UnreadableAnswers,
    sample_answers,
    wrong_answers,
)
from predictions.learning.features import Column, Matrix, feature_matrix

COLUMNS = (
    Column("amount", "number"),
    Column("fee", "number"),
    Column("kind", "category", ("food", "fuel", "toys")),
    Column("abroad", "boolean"),
    Column("empty", "number"),
)
KEYS = ("ok", "bad")


def made(n: int = 400) -> Matrix:
    rng = np.random.default_rng(5)
    matrix = np.column_stack(
        [
            rng.gamma(2.0, 100.0, n),
            rng.normal(size=n),
            rng.choice([0, 2], n),
            rng.integers(0, 2, n),
            np.full(n, np.nan),
        ]
    )
    matrix[rng.random(n) < 0.3, 1] = np.nan
    return matrix


def reads(*places: int) -> Ask:
    """Return a model that adds up some of its inputs, each with its own weight."""
    weights = np.arange(1, len(places) + 1)

    def ask(matrix: Matrix) -> Matrix:
        total = np.nan_to_num(matrix[:, places]) @ weights
        share = 1 / (1 + np.exp(-total / 100))
        return np.column_stack([1 - share, share])

    return ask


def sampled(ask: Ask) -> Answers:
    return sample_answers(ask, made(), COLUMNS, KEYS, seed=1)


def test_rows_are_like_those_learnt_from_and_none_of_them() -> None:
    told = sampled(reads(0, 1))

    rows = feature_matrix(told.rows, COLUMNS)
    matrix = made()
    assert rows.shape == (100, 5)
    assert not set(rows[:, 0]) & set(matrix[:, 0])
    assert matrix[:, 0].min() <= rows[:, 0].min()
    assert rows[:, 0].max() <= matrix[:, 0].max()
    assert {row["kind"] for row in told.rows} == {"food", "toys"}
    assert {row["abroad"] for row in told.rows} == {False, True}
    assert {row["empty"] for row in told.rows} == {None}
    assert 10 <= sum(row["fee"] is None for row in told.rows) <= 50
    assert told.to_json() == sampled(reads(0, 1)).to_json()
    assert told.to_json() == Answers.from_json(told.to_json()).to_json()


def test_many_columns_have_few_rows() -> None:
    columns = tuple(Column(f"c{at}", "number") for at in range(400))
    told = sample_answers(
        lambda rows: np.ones((len(rows), 1)),
        np.random.default_rng(1).normal(size=(50, 400)),
        columns,
        ("ok",),
        seed=1,
    )
    assert len(told.rows) == 10


def test_the_same_model_says_the_same() -> None:
    ask = reads(0, 1)
    assert wrong_answers(sampled(ask), COLUMNS, KEYS, ask) == []


def test_labels_may_stand_in_another_order() -> None:
    ask = reads(0, 1)

    def turned(matrix: Matrix) -> Matrix:
        return ask(matrix)[:, ::-1]

    assert wrong_answers(sampled(ask), COLUMNS, KEYS[::-1], turned) == []


@pytest.mark.parametrize("swapped", [(0, 1), (2, 3)])
def test_columns_that_were_mixed_up_are_found(swapped: tuple[int, int]) -> None:
    ask = reads(0, 1, 2)
    one, other = swapped
    columns = list(COLUMNS)
    columns[one], columns[other] = columns[other], columns[one]

    found = wrong_answers(sampled(ask), columns, KEYS, ask)

    assert len(found) == 1
    assert "it says something else than its report of" in found[0]


def test_another_model_and_no_answer_are_found() -> None:
    told = sampled(reads(0, 1))

    def silent(matrix: Matrix) -> Matrix:
        return np.full((len(matrix), 2), np.nan)

    for ask in (reads(0), silent):
        assert "of 100" in wrong_answers(told, COLUMNS, KEYS, ask)[0]


def test_other_columns_or_labels_are_said() -> None:
    ask = reads(0, 1)
    told = sampled(ask)

    fewer = wrong_answers(told, COLUMNS[:-1], KEYS, ask)
    other = replace(told, label_keys=("ok", "worse"))

    assert "about other columns" in fewer[0]
    assert "other labels" in wrong_answers(other, COLUMNS, KEYS, ask)[0]


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        "rows",
        [],
        {},
        {"rows": [{"a": 1}], "label_keys": ["ok"], "scores": [[1.0, 0.0]]},
        {"rows": [{"a": 1}], "label_keys": ["ok"], "scores": [[float("nan")]]},
        {"rows": [["a"]], "label_keys": ["ok"], "scores": [[1.0]]},
        {"rows": [{"a": 1}], "label_keys": ["ok"], "scores": [["x"]]},
        {"rows": [{}] * 1001, "label_keys": ["ok"], "scores": [[1.0]] * 1001},
    ],
)
def test_what_is_no_answers_is_refused(data: object) -> None:
    with pytest.raises(UnreadableAnswers):
        Answers.from_json(data)
