"""Words of texts as cells: places, codes, what is known, and what they did."""

import numpy as np
import pytest

from predictions.learning.answers import Answers, wrong_answers
from predictions.learning.artifacts import check_artifact, dump, load
from predictions.learning.calibration import logit
from predictions.learning.features import (
    Column,
    columns_from_json,
    columns_to_json,
    feature_matrix,
    learnt_words,
    matrix_width,
    word_places,
)
from predictions.learning.novelty import Novelty
from predictions.learning.training import TrainedModel, train
from predictions.learning.training_data import TrainingData
from predictions.learning.word_weights import exact_word_effects
from predictions.learning.words import MAX_WORDS, words_of

COLUMNS = (Column("note", "text"), Column("days", "number"))
WORDS = ("late", "form", "letter", "bill", "parking", "food", "call", "room", "staff")
KEYS = ("calm", "urgent")


def test_places_are_characters_whatever_folding_does() -> None:
    text = "\U0001f600 Cafe\u0301 STRASSE stra\u00dfe x\u200by don't 12 caf\u00e9"
    found = list(words_of(text))
    said = [text[one.start : one.end] for one in found]
    assert said == [
        "Cafe\u0301",
        "STRASSE",
        "stra\u00dfe",
        "x\u200by",
        "don't",
        "caf\u00e9",
    ]
    codes = [one.code for one in found]
    assert codes[0] == codes[5]
    assert codes[1] == codes[2]


def test_text_has_one_cell_and_its_words_behind_all_columns() -> None:
    rows = [{"note": "late late bill", "days": 3}, {"note": None}, {"note": "12 .."}]
    matrix = feature_matrix(rows, COLUMNS)

    assert matrix.shape == (3, matrix_width(COLUMNS)) == (3, 2 + MAX_WORDS)
    assert matrix[0, :2].tolist() == [0, 3]
    assert np.isnan(matrix[1:, 0]).all()
    assert (~np.isnan(matrix[:, 2:])).sum(axis=1).tolist() == [2, 0, 0]


def test_only_words_of_two_fitted_rows_are_known() -> None:
    rows = [{"note": "late bill"}, {"note": "late fee"}, {"note": "bill"}]
    matrix, columns = learnt_words(feature_matrix(rows, COLUMNS), COLUMNS, np.arange(2))

    assert matrix[:, 0].tolist() == [0.5, 0.5, 1.0]
    again = columns_from_json(columns_to_json(columns))
    assert again == columns
    assert feature_matrix([{"note": "LATE, fee"}], again)[0, 0] == 0.5


def test_columns_without_texts_are_as_they_were() -> None:
    plain = (Column("days", "number"),)
    assert columns_to_json(plain) == [{"name": "days", "kind": "number", "values": []}]
    assert word_places(plain) == {}


@pytest.mark.parametrize("known", ["x", "", 7])
def test_known_words_are_read_with_suspicion(known: object) -> None:
    given = {
        "name": "note",
        "kind": "text" if known else "number",
        "known": known or "A",
    }
    with pytest.raises(ValueError, match="known"):
        Column.from_json(given)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    rng = np.random.default_rng(3)
    rows, labels = [], []
    for _ in range(600):
        is_urgent = rng.random() < 0.4
        said = [*rng.choice(WORDS, 5), *(["pain"] if is_urgent else [])]
        rows.append({"note": " ".join(said), "days": float(rng.integers(30))})
        labels.append("urgent" if is_urgent != (rng.random() < 0.05) else "calm")
    times = np.arange(600, dtype=float)
    matrix = feature_matrix(rows, COLUMNS)
    return TrainingData(matrix, labels, times, COLUMNS, KEYS, ("urgent",))


@pytest.fixture(scope="module")
def logistic(data: TrainingData) -> TrainedModel:
    return train(data, algorithm="logistic", seed=1)


def test_model_of_words_is_safe_the_same_each_time_and_right(
    data: TrainingData, logistic: TrainedModel
) -> None:
    artifact = dump(logistic.pipeline)

    assert artifact == dump(train(data, algorithm="logistic", seed=1).pipeline)
    facts = check_artifact(
        artifact, columns=logistic.columns, label_keys=KEYS, trusted=()
    )
    assert facts.label_keys == KEYS
    assert facts.accepts_missing
    assert logistic.report["test"]["roc_auc"] > 0.85  # type: ignore[index]


def test_effects_of_words_columns_and_a_constant_add_up(logistic: TrainedModel) -> None:
    model = load(dump(logistic.pipeline), trusted=())
    [row] = feature_matrix([{"note": "pain bill bill", "days": 4}], logistic.columns)
    places = list(word_places(logistic.columns).items())
    effects = exact_word_effects(model, row, places, label_index=1)

    assert effects is not None
    linear, prepare = model.named_steps["model"], model.named_steps["prepare"]
    values = prepare.transform(row[None, :]).toarray()[0]
    days = prepare.output_indices_["numbers"]
    rest = linear.intercept_[0] + values[days] @ linear.coef_[0][days]
    score = model.predict_proba(row[None, :])[0, 1]
    assert np.nansum(effects) + rest == pytest.approx(logit(np.array([score]))[0])
    pain, bill = effects[2], effects[3]
    assert pain > 1
    assert pain > abs(bill)
    other = exact_word_effects(model, row, places, label_index=0)
    assert other is not None
    assert np.nansum(other) == pytest.approx(-np.nansum(effects))


def test_text_of_unknown_words_is_unlike(logistic: TrainedModel) -> None:
    known = Novelty.of(logistic.reference)
    assert known is not None
    rows = [{"note": "zork quux plugh fnord", "days": 4}, {"note": "late", "days": 4}]
    odd, usual = known.p_values(feature_matrix(rows, logistic.columns))
    assert odd < 0.02
    assert usual > 0.1


def test_sample_keeps_no_words_and_answers_are_known_again(
    logistic: TrainedModel,
) -> None:
    assert logistic.reference.matrix.shape[1] == len(COLUMNS)
    answers = Answers.from_json(logistic.report["answers"])
    ask = logistic.pipeline.predict_proba
    assert wrong_answers(answers, logistic.columns, logistic.label_keys, ask) == []


def test_trees_read_topics_beside_the_columns(data: TrainingData) -> None:
    trees = train(data, algorithm="gradient_boosting", seed=1)
    assert trees.report["test"]["roc_auc"] > 0.8  # type: ignore[index]
    [row] = feature_matrix([{"note": "pain", "days": 4}], trees.columns)
    places = list(word_places(trees.columns).items())
    assert exact_word_effects(trees.pipeline, row, places, label_index=1) is None
