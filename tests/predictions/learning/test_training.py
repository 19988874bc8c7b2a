import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning import artifacts
from predictions.learning.circumstances import data_sha256
from predictions.learning.features import Column
from predictions.learning.label_terms import LabelTerms
from predictions.learning.pipelines import Algorithm
from predictions.learning.splits import split_by_time
from predictions.learning.training import (
    TooFewLabels,
    TrainingData,
    reference_values,
    train,
)

COLUMNS = (
    Column("amount", "number"),
    Column("kind", "category", ("food", "fuel", "toys")),
    Column("abroad", "boolean"),
    Column("empty", "number"),
)


def made(n: int = 1500, *, keys: tuple[str, ...] = ("ok", "bad")) -> TrainingData:
    rng = np.random.default_rng(5)
    matrix = np.column_stack(
        [rng.normal(size=n), rng.integers(0, 3, n), rng.integers(0, 2, n), [np.nan] * n]
    )
    drive = matrix[:, 0] + matrix[:, 2] + rng.normal(scale=0.5, size=n)
    edges = np.quantile(drive, np.linspace(0, 1, len(keys) + 1)[1:-1])
    matrix[rng.random(n) < 0.1, 0] = np.nan
    labels = [keys[i] for i in np.searchsorted(edges, drive)]
    times = np.arange(n, dtype=np.float64) * 60
    return TrainingData(matrix, labels, times, COLUMNS, keys, keys[-1:])


@pytest.mark.parametrize("algorithm", ["gradient_boosting", "logistic", "baseline"])
def test_train_twice_gives_the_same_bytes_and_report(algorithm: Algorithm) -> None:
    first, second = (train(made(), algorithm=algorithm, seed=1) for _ in range(2))
    hashes = {
        hashlib.sha256(artifacts.dump(model.pipeline)).hexdigest()
        for model in (first, second)
    }
    assert len(hashes) == 1
    assert json.dumps(first.report, allow_nan=False) == json.dumps(second.report)
    facts = artifacts.check_artifact(
        artifacts.dump(first.pipeline),
        columns=COLUMNS,
        label_keys=first.label_keys,
        trusted=(),
    )
    assert facts.label_keys == first.label_keys
    assert facts.accepts_missing


def test_train_learns_and_reports_on_what_came_after() -> None:
    model = train(made(), algorithm="gradient_boosting", seed=1)
    split, test = model.report["split"], model.report["test"]
    assert isinstance(split, dict)
    assert isinstance(test, dict)
    assert [split[part]["n"] for part in ("train", "calibrate", "test")] == [
        900,
        300,
        300,
    ]
    assert split["train"]["to"] == "1970-01-01T14:59:00+00:00"
    assert split["calibrate"]["from"] == "1970-01-01T15:00:00+00:00"
    assert test["n"] == 300
    assert test["roc_auc"] > 0.85
    assert test["ece"] < 0.1
    at = test["at_threshold"]
    counted = ("true_positive", "false_positive", "false_negative", "true_negative")
    assert sum(at[key] for key in counted) == 300
    assert model.label_keys == ("bad", "ok")
    assert test["confusion"] == {
        "truth": ["bad", "ok"],
        "called": ["bad", "ok"],
        "n": [
            [at["true_positive"], at["false_negative"]],
            [at["false_positive"], at["true_negative"]],
        ],
    }


def test_train_with_many_labels_leaves_out_the_rare_one() -> None:
    data = made(keys=("a", "b", "c", "d"))
    labels = [*data.labels[:-3], "rare", "rare", "rare"]
    data = replace(data, labels=labels, label_keys=("a", "b", "c", "d", "rare"))
    model = train(data, algorithm="logistic", seed=1)
    assert model.label_keys == ("a", "b", "c", "d")
    assert model.report["labels_left_out"] == ["rare"]
    test = model.report["test"]
    assert isinstance(test, dict)
    confusion = test["confusion"]
    assert confusion["truth"] == ["a", "b", "c", "d", "rare"]
    assert confusion["called"] == ["a", "b", "c", "d"]
    assert sum(confusion["n"][4]) == 3
    assert sum(map(sum, confusion["n"])) == test["n"]


def test_train_uses_the_weights() -> None:
    data = made()
    is_bad = np.array(data.labels) == "bad"
    weighted = replace(data, weights=np.where(is_bad, 1.0, 9.0))
    model = train(weighted, algorithm="baseline", seed=1)
    assert model.pipeline.predict_proba(data.matrix[:1])[0, 0] == pytest.approx(
        0.1, abs=0.02
    )


def test_train_says_how_many_labels_are_missing() -> None:
    data = made()
    labels = ["bad"] * 41 + ["ok"] * (len(data.labels) - 41)
    with pytest.raises(TooFewLabels, match=r"^41 positives, 50 needed$"):
        train(replace(data, labels=labels), algorithm="logistic", seed=1)
    labels = ["bad"] * 60 + ["ok"] * (len(data.labels) - 60)
    with pytest.raises(TooFewLabels, match=r"^0 positives in the calibrate part, 5"):
        train(replace(data, labels=labels), algorithm="logistic", seed=1)


def test_training_data_refuses_what_does_not_fit() -> None:
    data = made(100)
    with pytest.raises(ValueError, match="different lengths"):
        replace(data, labels=data.labels[1:])
    with pytest.raises(ValueError, match="labels not declared: what"):
        replace(data, labels=["what", *data.labels[1:]])
    with pytest.raises(ValueError, match="positive_labels"):
        replace(data, positive_labels=data.label_keys)


def test_data_sha256_sees_every_part() -> None:
    data = made(100)
    others = [
        replace(data, matrix=data.matrix + 1),
        replace(data, labels=[*data.labels[1:], data.labels[0]]),
        replace(data, times=data.times + 1),
        replace(data, weights=np.ones(100)),
        replace(data, subjects=["x"] * 100),
        replace(data, columns=(*COLUMNS[:3], Column("other", "number"))),
    ]
    assert len({data_sha256(entry) for entry in [data, *others]}) == 7


def test_reference_values_are_typical() -> None:
    matrix = np.array(
        [[1.0, 2, 1, np.nan], [3.0, 2, 0, np.nan], [np.nan, 0, 1, np.nan]]
    )
    assert reference_values(matrix, COLUMNS) == {
        "amount": 2.0,
        "kind": "toys",
        "abroad": True,
        "empty": None,
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from([None, "a", "b", "c", "d"])),
        min_size=1,
    )
)
def test_split_by_time_keeps_subjects_on_one_side(
    rows: list[tuple[int, str | None]],
) -> None:
    times = np.array([float(time) for time, _ in rows])
    subjects = [subject for _, subject in rows]
    parts = split_by_time(times, subjects).parts().values()
    assert sorted(np.concatenate(list(parts)).tolist()) == list(range(len(rows)))
    homes = [{subjects[i] for i in part} - {None} for part in parts]
    assert sum(map(len, homes)) == len(set().union(*homes))


@given(st.lists(st.integers(0, 50), min_size=1))
def test_split_by_time_never_trains_on_the_future(values: list[int]) -> None:
    times = np.array(values, dtype=float)
    split = split_by_time(times)
    together = np.concatenate([split.train, split.calibrate, split.test])
    assert (np.diff(times[together]) >= 0).all()
    assert len(together) == len(values)


def test_threshold_is_lowered_to_find_the_wanted_share_of_positives() -> None:
    plain = train(made(), algorithm="logistic", seed=3, threshold=0.9)
    terms = LabelTerms(sensitivity=0.9)
    asked = replace(made(), terms=terms)
    found = train(asked, algorithm="logistic", seed=3, threshold=0.9)

    assert (plain.threshold, "sensitivity" in plain.report) == (0.9, False)
    assert found.threshold < 0.9
    said = found.report["sensitivity"]
    assert isinstance(said, dict)
    assert said["is_enough"]
    assert said["threshold"] == found.threshold
    assert found.report["test"]["at_threshold"]["threshold"] == found.threshold  # type: ignore[index]
    recalls = [
        one.report["test"]["at_threshold"]["recall"]["value"]  # type: ignore[index]
        for one in (plain, found)
    ]
    assert recalls[0] < recalls[1]
    assert recalls[1] >= 0.8
