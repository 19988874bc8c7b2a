"""Model files: written so that equal models give equal bytes, read with suspicion.

An artifact is a skops file: a zip of plain arrays and one JSON tree that names every
type. Nothing in it runs before each type is one that skops knows to be safe, one of
ours below, or one that the person who registers the model trusts by name.
"""

import io
import json
import re
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from predictions.learning.features import (
    Column,
    Matrix,
    matrix_width,
    word_places,
)
from predictions.learning.words import N_CODES

# What the pipelines of `training.py` hold beyond the types that skops trusts itself:
# the trees of gradient boosting, the partial of `check_array` in front of them (skops
# audits the wrapped function by its own name), the dtype of an encoder, and the step
# that reads words.
OWN_TYPES: Final = frozenset(
    {
        "functools.partial",
        "numpy.dtype",
        "predictions.learning.word_counts.WordFlags",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils.validation.check_array",
    }
)
MAX_BYTES: Final = 256 * 2**20
MAX_UNPACKED_BYTES: Final = 1024 * 2**20
MAX_SCHEMA_BYTES: Final = 128 * 2**20
MAX_MEMBERS: Final = 200_000
SCHEMA: Final = "schema.json"
# a zip member's earliest possible time: the same in every file
FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
PROBE_ROWS: Final = 64
ADDRESS: Final = re.compile(r"\d+")


class NotAnArtifact(ValueError):
    """The bytes are not a skops file, or too large to be taken for one."""


class UntrustedTypes(ValueError):
    """The artifact needs types that nobody has trusted; `names` lists them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"types that nobody has trusted: {', '.join(names)}")
        self.names = tuple(names)


class UnfitArtifact(ValueError):
    """The model does not fit the columns or labels; `problems` lists why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def _skops() -> Any:  # noqa: ANN401 -- a module without stubs
    import skops.io  # noqa: PLC0415 -- seconds that web and beat do without

    return skops.io


def dump(pipeline: Any) -> bytes:  # noqa: ANN401 -- any estimator; no stubs
    """Return the pipeline as a skops file; equal fitted models give equal bytes.

    skops names members and objects by memory address and stamps the time: both are
    replaced, addresses by the order of first appearance.
    """
    raw = _skops().dumps(pipeline)
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        tree = json.loads(source.read(SCHEMA))
        order = _Renaming()
        _rename(tree, order)
        members = {new: source.read(old) for old, new in order.files.items()}
    members[SCHEMA] = json.dumps(tree, separators=(",", ":")).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content)
    return target.getvalue()


class _Renaming:
    def __init__(self) -> None:
        self.ids: dict[int, int] = {}
        self.files: dict[str, str] = {}

    def id(self, old: int) -> int:
        return self.ids.setdefault(old, len(self.ids) + 1)

    def file(self, old: str) -> str:
        return self.files.setdefault(old, ADDRESS.sub(str(len(self.files) + 1), old, 1))


def _rename(node: Any, order: _Renaming) -> None:  # noqa: ANN401 -- any JSON
    """Replace ids and file names in a tree of nodes, in place.

    A node has a `__loader__`; a plain mapping without one is content, whose keys may
    be anything, "file" and "__id__" included.
    """
    if isinstance(node, list):
        for child in node:
            _rename(child, order)
    if not isinstance(node, dict):
        return
    if "__loader__" in node:
        if "__id__" in node:
            node["__id__"] = order.id(node["__id__"])
        if isinstance(node.get("file"), str):
            node["file"] = order.file(node["file"])
    for child in node.values():
        _rename(child, order)


def untrusted_types(data: bytes) -> list[str]:
    """Return the names of the types that skops does not trust and that are not ours.

    Raises: NotAnArtifact.
    """
    check_container(data)
    try:
        names = _skops().get_untrusted_types(data=data)
    # what a malformed tree makes skops raise; all of it comes before any object is made
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise NotAnArtifact(f"not a readable skops file: {_kind(error)}") from error
    return sorted(set(names) - OWN_TYPES)


def load(data: bytes, *, trusted: Collection[str]) -> Any:  # noqa: ANN401 -- no stubs
    """Return the pipeline in a skops file.

    Raises: NotAnArtifact; UntrustedTypes naming every type not in `trusted`.
    """
    if names := sorted(set(untrusted_types(data)) - set(trusted)):
        raise UntrustedTypes(names)
    return _skops().loads(data, trusted=sorted(OWN_TYPES | set(trusted)))


def check_container(data: bytes) -> None:
    """Refuse what is not a skops file of bearable size, before anything reads it.

    Raises: NotAnArtifact.
    """
    if len(data) > MAX_BYTES:
        raise NotAnArtifact(f"{len(data)} bytes, at most {MAX_BYTES} are taken")
    if data[:1] == b"\x80" or data[:2] == b"\x1f\x8b" or data[:2] == b"BZ":
        raise NotAnArtifact(
            "a pickle or joblib file: save the model with skops.io.dump"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise NotAnArtifact("not a skops file: it is no zip archive") from error
    _check_members(members)


def _check_members(members: Sequence[zipfile.ZipInfo]) -> None:
    sizes = {member.filename: member.file_size for member in members}
    if SCHEMA not in sizes:
        raise NotAnArtifact(f"not a skops file: it holds no {SCHEMA}")
    if len(sizes) != len(members) or len(members) > MAX_MEMBERS:
        raise NotAnArtifact(f"{len(members)} members, some twice or too many")
    if sizes[SCHEMA] > MAX_SCHEMA_BYTES:
        raise NotAnArtifact(f"{SCHEMA} unpacks to {sizes[SCHEMA]} bytes")
    if (unpacked := sum(sizes.values())) > MAX_UNPACKED_BYTES:
        raise NotAnArtifact(f"unpacks to {unpacked} bytes, too many")


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What a check found: labels in the model's order; if it takes missing values."""

    label_keys: tuple[str, ...]
    accepts_missing: bool


def check_artifact(
    data: bytes,
    *,
    columns: Sequence[Column],
    label_keys: Collection[str],
    trusted: Collection[str],
) -> ArtifactFacts:
    """Load the artifact and see that it fits the columns and the labels.

    The number of inputs and, where the model knows them, their names; every class a
    declared label; and on a probe batch finite probabilities [n, k] summing to 1. This
    runs the model's own code: call it where a crash costs nothing.
    Raises: NotAnArtifact; UntrustedTypes; UnfitArtifact.
    """
    model = load(data, trusted=trusted)
    classes = tuple(str(key) for key in getattr(model, "classes_", ()))
    if problems := _shape_problems(model, classes, columns, label_keys):
        raise UnfitArtifact(problems)
    probe = probe_batch(columns)
    if problem := _probe_problem(model, probe, len(classes)):
        raise UnfitArtifact([problem])
    missing = np.full((2, matrix_width(columns)), np.nan)
    accepts_missing = _probe_problem(model, missing, len(classes)) is None
    return ArtifactFacts(classes, accepts_missing)


def probe_batch(columns: Sequence[Column]) -> Matrix:
    """Return plausible rows: zeros, then seeded numbers, declared codes and words."""
    rng = np.random.default_rng(0)
    probe = rng.normal(scale=10.0, size=(PROBE_ROWS, matrix_width(columns)))
    for index, column in enumerate(columns):
        if not column.is_number:
            n_codes = 2 if column.kind == "boolean" else max(1, len(column.values))
            probe[:, index] = rng.integers(0, n_codes, PROBE_ROWS)
    for index, place in word_places(columns).items():
        probe[:, index] = rng.random(PROBE_ROWS)
        words = probe[:, place]
        words[:] = rng.integers(0, N_CODES, words.shape)
        words[rng.random(words.shape) < 0.5] = np.nan
    probe[0] = 0.0
    return probe


def _shape_problems(
    model: Any,  # noqa: ANN401 -- any estimator; no stubs
    classes: tuple[str, ...],
    columns: Sequence[Column],
    label_keys: Collection[str],
) -> list[str]:
    problems = []
    if not callable(getattr(model, "predict_proba", None)):
        problems.append("it has no predict_proba")
    n_inputs = getattr(model, "n_features_in_", None)
    if n_inputs != matrix_width(columns):
        given = matrix_width(columns)
        problems.append(f"it takes {n_inputs} inputs, {given} columns are given")
    names = getattr(model, "feature_names_in_", None)
    if names is not None and list(names) != [column.name for column in columns]:
        problems.append(f"its inputs are named {', '.join(map(str, names))}")
    if len(classes) < 2 or not set(classes) <= set(label_keys):
        declared = ", ".join(sorted(label_keys))
        problems.append(f"its classes are {', '.join(classes)}, the labels {declared}")
    return problems


def _probe_problem(
    model: Any,  # noqa: ANN401 -- any estimator; no stubs
    probe: Matrix,
    n_labels: int,
) -> str | None:
    try:
        scores = np.asarray(model.predict_proba(probe), dtype=np.float64)
    except Exception as error:  # noqa: BLE001 -- foreign code may raise anything
        return f"predict_proba raises {_kind(error)}"
    if scores.shape != (len(probe), n_labels):
        return f"predict_proba gives {scores.shape} for {len(probe)} rows"
    if bad_rows(scores).size:
        return "predict_proba gives rows that are no probabilities summing to 1"
    return None


def bad_rows(scores: Matrix) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the indexes of rows that are not finite, in 0..1 and summing to 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        inside = np.all((scores >= -1e-9) & (scores <= 1 + 1e-9), axis=1)
        sums = np.abs(scores.sum(axis=1) - 1.0) <= 1e-6
    return np.flatnonzero(~(inside & sums))


def _kind(error: BaseException) -> str:
    return type(error).__name__
