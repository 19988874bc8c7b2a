import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from predictions.learning import artifacts
from predictions.learning.artifacts import NotAnArtifact, UnfitArtifact, UntrustedTypes
from predictions.learning.features import Column
from tests.predictions.learning import hanging

COLUMNS = (Column("a", "number"), Column("b", "number"))
MATRIX = np.random.default_rng(0).normal(size=(60, 2))
LABELS = np.where(MATRIX[:, 0] > 0, "bad", "ok")


def zipped(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_dump_of_equal_models_gives_equal_bytes_that_load() -> None:
    first, second = (
        artifacts.dump(LogisticRegression().fit(MATRIX, LABELS)) for _ in range(2)
    )
    assert first == second
    model = artifacts.load(first, trusted=())
    expected = LogisticRegression().fit(MATRIX, LABELS).predict_proba(MATRIX)
    assert (model.predict_proba(MATRIX) == expected).all()


def test_load_takes_what_skops_wrote_itself() -> None:
    data = skops.io.dumps(RandomForestClassifier(n_estimators=3).fit(MATRIX, LABELS))
    trusted = artifacts.untrusted_types(data)
    assert artifacts.load(data, trusted=trusted).predict(MATRIX).shape == (60,)


def test_load_refuses_untrusted_types_by_name() -> None:
    data = artifacts.dump(hanging.Misbehaving().fit(MATRIX, ["bad", "ok"]))
    assert artifacts.untrusted_types(data) == [hanging.TYPE_NAME]
    with pytest.raises(UntrustedTypes) as caught:
        artifacts.load(data, trusted=())
    assert caught.value.names == (hanging.TYPE_NAME,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no zip archive"),
        (b"id,amount\n1,2\n", "no zip archive"),
        (pickle.dumps({"model": 1}), "a pickle or joblib file"),
        (b"\x1f\x8b\x08rest", "a pickle or joblib file"),
        (zipped({"other.json": b"{}"}), "holds no schema.json"),
        (zipped({"schema.json": b"not json"}), "not a readable skops file"),
        (zipped({"schema.json": b"{}"}), "not a readable skops file"),
        (zipped({"schema.json": b"[" * 200_000}), "not a readable skops file"),
    ],
)
def test_load_refuses_what_is_no_artifact(data: bytes, message: str) -> None:
    with pytest.raises(NotAnArtifact, match=message):
        artifacts.load(data, trusted=())


def test_load_refuses_a_zip_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MAX_UNPACKED_BYTES", 2**20)
    bomb = zipped({"schema.json": b"{}", "1.npy": b"\0" * 2**21})
    assert len(bomb) < 10_000
    with pytest.raises(NotAnArtifact, match="unpacks to"):
        artifacts.load(bomb, trusted=())


def test_load_refuses_a_file_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MAX_BYTES", 10)
    with pytest.raises(NotAnArtifact, match="11 bytes, at most 10"):
        artifacts.load(b"x" * 11, trusted=())


def test_a_function_inside_a_partial_is_still_refused() -> None:
    data = skops.io.dumps(LogisticRegression().fit(MATRIX, LABELS))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tree = json.loads(archive.read("schema.json"))
    function = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "__id__": 1,
    }
    empty = {
        "__class__": "NoneType",
        "__module__": "builtins",
        "content": "null",
        "__loader__": "JsonNode",
        "is_json": True,
    }
    tree |= {
        "__class__": "partial",
        "__module__": "functools",
        "__loader__": "PartialNode",
        "__id__": 2,
        "content": {"func": function, "args": empty, "kwds": empty, "namespace": empty},
    }
    forged = zipped({"schema.json": json.dumps(tree).encode()})
    with pytest.raises(UntrustedTypes, match=r"os\.system$"):
        artifacts.load(forged, trusted=())


def test_check_artifact_of_a_model_that_needs_every_value() -> None:
    data = artifacts.dump(LogisticRegression().fit(MATRIX, LABELS))
    facts = artifacts.check_artifact(
        data, columns=COLUMNS, label_keys={"ok", "bad"}, trusted=()
    )
    assert facts.label_keys == ("bad", "ok")
    assert not facts.accepts_missing


def test_check_artifact_refuses_scores_that_are_no_probabilities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        hanging.Misbehaving, "predict_proba", lambda self, matrix: matrix * 0 + 0.4
    )
    data = artifacts.dump(hanging.Misbehaving().fit(MATRIX, ["bad", "ok"]))
    with pytest.raises(UnfitArtifact, match="no probabilities summing to 1"):
        artifacts.check_artifact(
            data,
            columns=COLUMNS,
            label_keys={"ok", "bad"},
            trusted=[hanging.TYPE_NAME],
        )
