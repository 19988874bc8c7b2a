"""Read an MLflow model directory with the scikit-learn flavour, without MLflow.

Nothing of it is ever unpickled: a pickle runs whatever was written into it, with the
rights of who opens it. A model that was saved as skops, or converted, is taken.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from predictions.learning.features import Column

DESCRIPTION_FILE: Final = "MLmodel"
SKOPS_FILE: Final = "model.skops"
MAX_DESCRIPTION_BYTES: Final = 256 * 1024
MAX_MODEL_BYTES: Final = 256 * 1024 * 1024
HOW_TO_CONVERT: Final = """\
A pickle runs whatever was written into it, so it is not opened here. Where the model
was trained and is trusted, write it as skops, which holds no code, and import again:

    import mlflow.sklearn, skops.io
    model = mlflow.sklearn.load_model("PATH OR URI OF THE MODEL")
    skops.io.dump(model, "FOLDER OF THE MODEL/model.skops")
"""
# What a signature calls a type, and what a column of ours may be to be it.
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("double", "float"), frozenset({"number", "category", "boolean"})),
    **dict.fromkeys(("integer", "long"), frozenset({"number", "category", "boolean"})),
    "boolean": frozenset({"boolean"}),
}


class MlflowRefused(ValueError):
    """The directory cannot be imported; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """What is taken of a directory: the skops file and the inputs of its signature.

    `inputs` are (name, type) in their order; `origin` says what MLflow wrote of it.
    """

    artifact: bytes
    inputs: tuple[tuple[str, str], ...]
    origin: Mapping[str, str]


def read_mlflow_model(path: Path) -> MlflowModel:
    """Read a directory, or a zip of one. Raises: MlflowRefused; OSError."""
    if path.is_dir():
        return _read(_Folder(path))
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(_Zip(archive))
    except zipfile.BadZipFile as error:
        raise MlflowRefused(f"{path.name} is neither a folder nor a zip.") from error


def columns_for(model: MlflowModel, declared: Sequence[Column]) -> tuple[Column, ...]:
    """Return the declared columns that the signature names, in its order.

    Raises: MlflowRefused for an input that is not declared, or read as something else.
    """
    by_name = {column.name: column for column in declared}
    problems = []
    for name, kind in model.inputs:
        column = by_name.get(name)
        if column is None:
            problems.append(f"{name} is no feature that models read here")
        elif kind not in _KINDS:
            problems.append(
                f"{name} is read as {kind}: models get numbers here, a category as the "
                "place of its value (let the pipeline encode that, or serve it over "
                "HTTP)"
            )
        elif column.kind not in _KINDS[kind]:
            problems.append(f"{name} is read as {kind}, and declared as {column.kind}")
    if problems:
        raise MlflowRefused(f"signature: {'; '.join(problems)}.")
    return tuple(by_name[name] for name, _ in model.inputs)


class _Folder:
    """Files of a folder, each at most so long."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(one.name for one in self._path.iterdir() if one.is_file())

    def read(self, name: str, most: int) -> bytes:
        with (self._path / name).open("rb") as source:
            return _within(source.read(most + 1), name, most)


class _Zip:
    """Files of a zip, in the folder in which its description is."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        folders = [
            one.removesuffix(DESCRIPTION_FILE)
            for one in archive.namelist()
            if one.rpartition("/")[2] == DESCRIPTION_FILE
        ]
        self._folder = min(folders, key=len, default="")

    def names(self) -> list[str]:
        inside = (
            one.removeprefix(self._folder)
            for one in self._archive.namelist()
            if one.startswith(self._folder)
        )
        return sorted(one for one in inside if one and "/" not in one)

    def read(self, name: str, most: int) -> bytes:
        # However much it says that it is, no more is unpacked.
        with self._archive.open(self._folder + name) as source:
            return _within(source.read(most + 1), name, most)


def _within(data: bytes, name: str, most: int) -> bytes:
    if len(data) > most:
        raise MlflowRefused(f"{name} is longer than {most:,} bytes.")
    return data


def _read(files: _Folder | _Zip) -> MlflowModel:
    names = files.names()
    if DESCRIPTION_FILE not in names:
        raise MlflowRefused(f"There is no file {DESCRIPTION_FILE}.")
    told = _description(files.read(DESCRIPTION_FILE, MAX_DESCRIPTION_BYTES))
    flavour = _flavour(told)
    skops = _skops_file(flavour, names)
    return MlflowModel(
        artifact=files.read(skops, MAX_MODEL_BYTES),
        inputs=_inputs(told),
        origin={
            name: str(value)[:200]
            for name, value in (
                ("mlflow_version", told.get("mlflow_version")),
                ("run_id", told.get("run_id")),
                ("model_uuid", told.get("model_uuid")),
                ("sklearn_version", flavour.get("sklearn_version")),
            )
            if value
        },
    )


def _description(data: bytes) -> Mapping[str, Any]:
    try:
        told = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise MlflowRefused(f"{DESCRIPTION_FILE} is no YAML.") from error
    if not isinstance(told, dict) or not isinstance(told.get("flavors"), dict):
        raise MlflowRefused(f"{DESCRIPTION_FILE} names no flavors.")
    return told


def _flavour(told: Mapping[str, Any]) -> Mapping[str, Any]:
    flavours = told["flavors"]
    found = flavours.get("sklearn")
    if not isinstance(found, dict):
        there = ", ".join(sorted(map(str, flavours))) or "none"
        raise MlflowRefused(
            f"Only the flavour sklearn is imported; this has: {there}. Other models can"
            " be served over HTTP (docs/external-models.md)."
        )
    return found


def _skops_file(flavour: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the file to take: what was saved as skops, or lies beside a pickle."""
    saved = str(flavour.get("pickled_model", ""))
    if saved.endswith(".skops") and saved in names:
        return saved
    if SKOPS_FILE in names:
        return SKOPS_FILE
    how = str(flavour.get("serialization_format", "pickle"))
    raise MlflowRefused(
        f"The model is a pickle ({saved or 'model.pkl'}, {how}), and no {SKOPS_FILE}"
        f" lies beside it.\n{HOW_TO_CONVERT}"
    )


def _inputs(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    signature = told.get("signature")
    written = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        inputs = json.loads(written) if isinstance(written, str) else written
    except json.JSONDecodeError as error:
        raise MlflowRefused("signature: its inputs are no JSON.") from error
    if not isinstance(inputs, list) or not inputs:
        raise MlflowRefused(
            "There is no signature: log the model with one (infer_signature), so that"
            " its inputs have names."
        )
    return tuple(_input(one) for one in inputs)


def _input(one: object) -> tuple[str, str]:
    name = one.get("name") if isinstance(one, dict) else None
    kind = one.get("type") if isinstance(one, dict) else None
    if not isinstance(name, str) or not isinstance(kind, str) or kind == "tensor":
        raise MlflowRefused(
            "signature: each input needs a name and a type. Log the model with a data"
            " frame as its input example, not with an array."
        )
    return name, kind
