"""MLflow model directories: taken as skops, refused as pickles with the reason."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from django.core.management import CommandError, call_command
from sklearn.linear_model import LogisticRegression

from predictions.learning import mlflow_models
from predictions.learning.artifacts import dump
from predictions.models import ModelVersion, Workflow

DOUBLE, BOOLEAN = "double", "boolean"
INPUTS = [
    {"type": DOUBLE, "name": "amount", "required": True},
    {"type": BOOLEAN, "name": "night", "required": True},
]


class Bomb:
    """What runs when its pickle is opened."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('opened')",))


def written(
    folder: Path,
    *,
    inputs: object = INPUTS,
    flavours: dict[str, object] | None = None,
    skops: bool = True,
) -> Path:
    """Write a directory as MLflow does; its pickle must never be opened."""
    folder.mkdir()
    sklearn = {
        "code": None,
        "pickled_model": "model.pkl",
        "serialization_format": "cloudpickle",
        "sklearn_version": "1.5.2",
    }
    told = {
        "artifact_path": "model",
        "flavors": {"sklearn": sklearn} if flavours is None else flavours,
        "mlflow_version": "2.19.0",
        "run_id": "ab12",
        "signature": {"inputs": json.dumps(inputs), "outputs": "[]"},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(told))
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    if skops:
        (folder / "model.skops").write_bytes(model_file())
    return folder


def model_file() -> bytes:
    rng = np.random.default_rng(0)
    rows = rng.random((50, 2))
    labels = np.where(rows[:, 0] > 0.5, "fraud", "legitimate")
    return dump(LogisticRegression().fit(rows, labels))


def imported(path: Path) -> None:
    call_command("import_mlflow", str(path), "--workflow", "cards")


def test_skops_beside_the_pickle_is_registered_with_its_signature(
    workflow: Workflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(written(tmp_path / "model"))

    version = ModelVersion.objects.get()
    assert [(one["name"], one["kind"]) for one in version.columns] == [
        ("amount", "number"),
        ("night", "boolean"),
    ]
    assert version.label_keys == ["fraud", "legitimate"]
    assert version.stage == "candidate"
    assert version.report == {
        "mlflow": {
            "mlflow_version": "2.19.0",
            "run_id": "ab12",
            "sklearn_version": "1.5.2",
        }
    }
    assert "cards v1 (candidate)" in capsys.readouterr().out


def test_zip_of_a_folder_is_taken_as_well(workflow: Workflow, tmp_path: Path) -> None:
    written(tmp_path / "model")
    imported(Path(shutil.make_archive(str(tmp_path / "m"), "zip", tmp_path, "model")))

    assert ModelVersion.objects.count() == 1


def test_model_saved_as_skops_is_taken(workflow: Workflow, tmp_path: Path) -> None:
    sklearn = {"pickled_model": "mine.skops", "serialization_format": "skops"}
    folder = written(tmp_path / "m", flavours={"sklearn": sklearn}, skops=False)
    (folder / "mine.skops").write_bytes(model_file())

    imported(folder)

    assert ModelVersion.objects.count() == 1


def test_pickle_is_refused_with_the_way_on_and_never_opened(
    workflow: Workflow, tmp_path: Path
) -> None:
    folder = written(tmp_path / "model", skops=False)

    with pytest.raises(CommandError) as refused:
        imported(folder)

    said = str(refused.value)
    assert "The model is a pickle (model.pkl, cloudpickle)" in said
    assert "skops.io.dump" in said
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([{"type": DOUBLE, "name": "age"}], "age is no feature"),
        ([{"type": "string", "name": "card_present"}], "is read as string"),
        ([{"type": BOOLEAN, "name": "amount"}], "declared as number"),
        ([{"type": "tensor", "tensor-spec": {}}], "a name and a type"),
        ([], "no signature"),
        (INPUTS[:1], "it takes 2 inputs"),
    ],
)
def test_signature_must_fit_what_is_declared(
    workflow: Workflow, tmp_path: Path, inputs: object, words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        imported(written(tmp_path / "model", inputs=inputs))


def test_other_flavours_are_named(workflow: Workflow, tmp_path: Path) -> None:
    folder = written(tmp_path / "model", flavours={"keras": {}, "python_function": {}})

    with pytest.raises(CommandError, match="this has: keras, python_function"):
        imported(folder)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("MLmodel", b"\x00\xff: [", "no YAML"),
        ("MLmodel", b"!!python/object/apply:os.system ['true']", "no YAML"),
        ("MLmodel", b"- 1", "no flavors"),
        ("MLmodel", b"#" * 300_000, "longer than"),
        ("model.skops", b"PK", "artifact: "),
    ],
)
def test_spoilt_files_are_refused(
    workflow: Workflow, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    folder = written(tmp_path / "model")
    (folder / name).write_bytes(data)

    with pytest.raises(CommandError, match=words):
        imported(folder)


def test_what_is_no_directory_is_refused(workflow: Workflow, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x")
    with pytest.raises(CommandError, match="no file MLmodel"):
        imported(tmp_path / "empty")
    with pytest.raises(CommandError, match="neither a folder nor a zip"):
        imported(tmp_path / "text")
    with pytest.raises(CommandError, match="No such file"):
        imported(tmp_path / "gone")


def test_zip_that_unpacks_to_too_much_is_refused(
    workflow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_models, "MAX_MODEL_BYTES", 1000)
    folder = written(tmp_path / "model")
    (folder / "model.skops").write_bytes(b"0" * 100_000)
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in folder.iterdir():
            archive.write(one, f"deep/model/{one.name}")

    with pytest.raises(CommandError, match="longer than 1,000 bytes"):
        imported(path)
