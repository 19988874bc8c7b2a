"""Read a file of any kind that can be sent, by its name or as told."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from predictions.declaration import Declaration
from predictions.intake.columns import ColumnMap
from predictions.intake.readers import (
    MalformedPayload,
    PayloadTooLarge,
    gunzip,
    read_json,
    read_ndjson,
)
from predictions.intake.tables import csv_header, parquet_header, read_csv, read_parquet

FORMATS = ("csv", "parquet", "ndjson", "json")
MAX_JSON_BYTES = 256 * 1024 * 1024  # it is held in memory as a whole
_ENDINGS = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "parquet": "parquet",
    "pq": "parquet",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "json",
}


@dataclass(frozen=True, slots=True)
class FileKind:
    """One of `FORMATS`, and whether it is compressed with gzip."""

    format: str
    is_gzip: bool


def kind_of(name: str, *, told: str = "") -> FileKind:
    """Say what a file is by the endings of its name, or by the format told.

    Raises: MalformedPayload when neither helps.
    """
    plain = name.lower().removesuffix(".gz")
    ending = plain.rsplit(".", 1)[-1] if "." in plain else ""
    found = told or _ENDINGS.get(ending, "")
    if found not in FORMATS:
        known = ", ".join(FORMATS)
        raise MalformedPayload(f"format: {ending or 'no ending'} (known: {known})")
    return FileKind(found, name.lower().endswith(".gz"))


def read_file(
    file: BinaryIO,
    kind: FileKind,
    declaration: Declaration,
    columns: ColumnMap,
    *,
    max_bytes: int,
) -> Iterator[list[object]]:
    """Yield the chunks of a file; `max_bytes` counts what comes out of gzip.

    `columns` is for tables; items in JSON carry their names themselves.
    Raises while read: MalformedPayload, PayloadTooLarge.
    """
    if kind.format == "parquet":
        if kind.is_gzip:
            raise MalformedPayload("parquet: compressed inside; send it without gzip")
        if file.seek(0, 2) > max_bytes:
            raise PayloadTooLarge(max_bytes)
        file.seek(0)
        return read_parquet(file, declaration, columns)
    stream = gunzip(file, max_bytes=max_bytes) if kind.is_gzip else file
    if kind.format == "csv":
        return read_csv(stream, declaration, columns, max_bytes=max_bytes)
    if kind.format == "ndjson":
        return read_ndjson(stream, max_bytes=max_bytes)
    return read_json(stream, max_bytes=min(max_bytes, MAX_JSON_BYTES))


def read_header(file: BinaryIO, kind: FileKind, *, max_bytes: int) -> list[str]:
    """Return the columns of a table, from its beginning; JSON has none.

    Raises: MalformedPayload, PayloadTooLarge.
    """
    file.seek(0)
    if kind.format == "parquet":
        return parquet_header(file)
    if kind.format != "csv":
        return []
    return csv_header(gunzip(file, max_bytes=max_bytes) if kind.is_gzip else file)
