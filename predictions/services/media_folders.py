"""A folder of files with a table of labels, as people have them on their disk."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from predictions.declaration import Declaration
from predictions.declaration_media import MediaSlot
from predictions.enums import IntakeSource
from predictions.intake.columns import cell_converter
from predictions.learning.failures import ScoringFailed
from predictions.media.cleaning import cleaned
from predictions.media.terms import MediaRefused
from predictions.models import Workflow
from predictions.services.artifacts import scorer
from predictions.services.intake import IntakeResult, store_items
from predictions.services.labelled_rows import LabelledRows
from predictions.services.measuring import FILE_CPU_SECONDS, FILE_SECONDS
from predictions.services.media import keep_media, limits_of

FILE, LABEL = "file", "label"
CHUNK = 50
STEP = timedelta(seconds=1)


class BadFolder(ValueError):
    """The folder or its table cannot be used; the message names line and rule."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the table: a file, its label ("" for none) and features."""

    path: Path
    external_id: str
    label: str
    features: Mapping[str, object]

    @property
    def written_at(self) -> datetime:
        """When the file was last written."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, tz=UTC)


@dataclass(slots=True)
class Brought:
    """What became of the files of a folder; `refused` by external id, with why."""

    n_stored: int = 0
    n_known: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def read_folder(folder: Path, table: Path, declaration: Declaration) -> list[Listed]:
    """Read a CSV with the columns `file`, `label` (may be empty) and any features.

    A file's name within the folder is its item's external id. Raises: BadFolder.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFolder(f"{table.name}: {type(error).__name__}") from error
    if not rows or FILE not in rows[0]:
        raise BadFolder(f"{table.name}: a column {FILE!r} is needed, and a row")
    home = folder.resolve()
    listed = [_listed(home, row, at + 2, declaration) for at, row in enumerate(rows)]
    names = [one.external_id for one in listed]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadFolder(f"{table.name}: {FILE}: {twice[0]} is listed twice")
    return listed


def _listed(
    home: Path, row: Mapping[str, str | None], line: int, declaration: Declaration
) -> Listed:
    name, label = (row.get(FILE) or "").strip(), (row.get(LABEL) or "").strip()
    path = (home / name).resolve()
    if not name or not path.is_relative_to(home) or not path.is_file():
        raise BadFolder(f"line {line}: {FILE}: there is no file {name!r}")
    if label and label not in declaration.label_keys:
        known = ", ".join(declaration.label_keys)
        raise BadFolder(f"line {line}: {LABEL}: {label!r} is none of {known}")
    features = {
        one.name: cell_converter(one)(row[one.name])
        for one in declaration.features
        if row.get(one.name)
    }
    return Listed(path, name, label, features)


def measured_rows(
    slot: MediaSlot, listed: Sequence[Listed], *, now: datetime
) -> tuple[LabelledRows, dict[str, str]]:
    """Measure the labelled files as rows to learn from, without storing anything.

    They count as older the earlier they are listed. Returns also which files could not
    be measured, and why. Raises: BadFolder where nothing measures the slot.
    """
    if slot.reader is None:
        raise BadFolder(f"media.{slot.name}: nothing measures it (see `measure`)")
    labelled = [one for one in listed if one.label]
    refused: dict[str, str] = {}
    rows: list[tuple[dict[str, object], str]] = []
    for one in labelled:
        try:
            data = cleaned(one.path.read_bytes(), limits_of(slot)).data
            read = scorer().read(
                slot.reader.name,
                data,
                cpu_seconds=FILE_CPU_SECONDS,
                timeout_seconds=FILE_SECONDS,
            )
        except (ScoringFailed, MediaRefused, OSError) as error:
            refused[one.external_id] = _why(error)
            continue
        values = {slot.column(name): value for name, value in read.values.items()}
        rows.append(({**one.features, **values}, one.label))
    first = now - STEP * len(rows)
    known = LabelledRows(
        features=[features for features, _ in rows],
        labels=[label for _, label in rows],
        occurred_at=[first + STEP * at for at in range(len(rows))],
    )
    return known, refused


def store_listed(
    *, workflow: Workflow, slot: MediaSlot, listed: Sequence[Listed], now: datetime
) -> Brought:
    """Keep the files and store an item for each; wakes nobody to score them.

    An item occurred when its file was last written. Not to be called inside a
    transaction, as `keep_media`. Brought again, nothing is stored twice.
    """
    brought = Brought()
    for begin in range(0, len(listed), CHUNK):
        raw = []
        for one in listed[begin : begin + CHUNK]:
            try:
                kept = keep_media(
                    workflow=workflow,
                    data=one.path.read_bytes(),
                    by=None,
                    now=now,
                    slot=slot,
                )
            except (MediaRefused, OSError) as error:
                brought.refused[one.external_id] = _why(error)
                continue
            raw.append(
                {
                    "external_id": one.external_id,
                    "occurred_at": one.written_at.isoformat(),
                    "features": one.features,
                    "media": {slot.name: str(kept.media.pk)},
                }
            )
        result = store_items(
            workflow=workflow,
            chunks=[raw],
            source=IntakeSource.COMMAND,
            now=now,
            wake=False,
        )
        _count(result, brought)
    return brought


def _count(result: IntakeResult, brought: Brought) -> None:
    brought.n_stored += result.accepted
    brought.n_known += result.duplicates
    for one in result.quarantined:
        error = one.errors[0]
        brought.refused[one.external_id] = f"{error.field}: {error.rule}"


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
