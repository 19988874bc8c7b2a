"""Labelled rows to learn from, read from a table in a file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import orjson

from predictions.declaration import Declaration
from predictions.intake.columns import ColumnMap
from predictions.intake.files import kind_of
from predictions.intake.readers import PayloadStopped, gunzip
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.tables import MAX_CSV_BYTES, Labels, read_csv, read_parquet
from predictions.intake.validation import compile_validator
from predictions.intake.values import EPOCH
from predictions.services.labelled_rows import LabelledRows


class UnreadableTable(ValueError):
    """The file holds no labelled rows that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """What a file held; the three counts add up to its rows."""

    rows: LabelledRows
    external_ids: list[str]
    n_refused: int  # they break a rule of the declaration
    n_unlabelled: int

    @property
    def n_rows(self) -> int:
        return len(self.external_ids)


def read_labelled_file(
    path: Path,
    *,
    declaration: Declaration,
    columns: ColumnMap,
    label_names: Mapping[str, str],
    now: datetime,
) -> LabelledFile:
    """Read a CSV or Parquet file with a label column, all of it into memory.

    `label_names` maps what stands in the column to label keys; what it does not name
    is taken for a key. Rows that intake would refuse are left out and counted, and so
    are rows without a label.
    Raises: UnreadableTable naming the column, or the labels that are not declared.
    """
    labels: Labels = []
    validator = compile_validator(declaration)
    valid: list[ValidItem] = []
    n_refused = 0
    try:
        with path.open("rb") as file:
            for chunk in _chunks(path, file, declaration, columns, labels):
                raw = [one for one in chunk if not isinstance(one, RejectedItem)]
                checked = validator.validate(raw, now=now)
                valid += checked.accepted
                n_refused += len(chunk) - len(checked.accepted)
    except PayloadStopped as error:
        raise UnreadableTable(str(error)) from error
    except OSError as error:
        raise UnreadableTable(f"file: {error.strerror}: {path.name}") from error
    keys = _label_keys(labels, label_names, declaration)
    return _joined(valid, keys, n_refused)


def _chunks(
    path: Path,
    file: BinaryIO,
    declaration: Declaration,
    columns: ColumnMap,
    labels: Labels,
) -> Iterator[list[object]]:
    kind = kind_of(path.name)
    if kind.format == "parquet" and not kind.is_gzip:
        return read_parquet(file, declaration, columns, labels=labels)
    if kind.format == "csv":
        stream = gunzip(file, max_bytes=MAX_CSV_BYTES) if kind.is_gzip else file
        return read_csv(stream, declaration, columns, labels=labels)
    raise UnreadableTable(f"file: neither CSV nor Parquet: {path.name}")


def _label_keys(
    labels: Labels, names: Mapping[str, str], declaration: Declaration
) -> dict[str, str]:
    keys = {external_id: names.get(label, label) for external_id, label in labels}
    unknown = sorted(set(keys.values()) - set(declaration.label_keys))
    if unknown:
        shown, known = ", ".join(unknown[:10]), ", ".join(declaration.label_keys)
        raise UnreadableTable(f"label: not declared: {shown} (there are: {known})")
    return keys


def _joined(
    valid: Iterable[ValidItem], keys: Mapping[str, str], n_refused: int
) -> LabelledFile:
    items = list(valid)
    labelled = [one for one in items if one.external_id in keys]
    rows = LabelledRows(
        features=[orjson.loads(one.features) for one in labelled],
        labels=[keys[one.external_id] for one in labelled],
        occurred_at=[_moment(one.moment) for one in labelled],
    )
    return LabelledFile(
        rows=rows,
        external_ids=[one.external_id for one in labelled],
        n_refused=n_refused,
        n_unlabelled=len(items) - len(labelled),
    )


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
