"""A snapshot's Parquet file as CSV and as JSON lines, in bounded memory.

Pure: a file in, blocks of bytes out; the same file always gives the same bytes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from reviewqueue.snapshot_files import OTHER, PREFIX, row_groups
from reviewqueue.snapshot_values import CORRECTED, FIELD, JSON_TEXT, RECOMMENDED

BATCH = 2_000  # rows that are Python objects at once
BLOCK = 1 << 20
# What a spreadsheet takes for a formula, the full-width signs too. The apostrophe is
# among them so that taking one away always gives back what was there.
GUARDED = "^([=+\\-@\t\r\n'\uff1d\uff0b\uff0d\uff20])"


def parquet_of(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the file as it is."""
    source.seek(0)
    yield from iter(lambda: source.read(BLOCK), b"")


def csv_of(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows as CSV: UTF-8, a header, texts in quotes, nothing where no value.

    A text that begins with a character of `GUARDED` gets an apostrophe before it.
    """
    file = pq.ParquetFile(source)
    yield _csv(file.schema_arrow.empty_table(), header=True)
    for table in row_groups(source):
        yield _csv(table, header=False)


def jsonl_of(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows as JSON lines, features and fields in objects of their own."""
    for table in row_groups(source):
        for place in range(0, table.num_rows, BATCH):
            yield _lines(table.slice(place, BATCH))


FORMATS: Mapping[str, Callable[[IO[bytes]], Iterator[bytes]]] = {
    "parquet": parquet_of,
    "csv": csv_of,
    "jsonl": jsonl_of,
}


def count_guarded(source: IO[bytes]) -> int:
    """Count the texts that have an apostrophe before them in the CSV."""
    file = pq.ParquetFile(source)
    texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    n = 0
    for table in row_groups(source, columns=texts):
        for column in table.columns:
            n += pc.sum(pc.match_substring_regex(column, GUARDED)).as_py() or 0
    return n


def _csv(table: pa.Table, *, header: bool) -> bytes:
    for place, column in enumerate(table.columns):
        table = table.set_column(
            place, table.schema.field(place).name, _guarded(_plain(column))
        )
    target = pa.BufferOutputStream()
    pa_csv.write_csv(table, target, pa_csv.WriteOptions(include_header=header))
    return bytes(target.getvalue().to_pybytes())


def _lines(table: pa.Table) -> bytes:
    columns = {
        name: _plain(column).to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    other = columns.pop(OTHER)
    names = [name for name in columns if name.startswith(PREFIX)]
    features = _objects(
        {name.removeprefix(PREFIX): columns.pop(name) for name in names}
    )
    fields = {
        key: list(_objects(part))
        for key, prefix in _FIELD_OBJECTS.items()
        if (part := _field_part(table, columns, prefix))
    }
    rows = zip(_objects(columns), features, other, strict=True)
    return b"".join(
        _line(row | {key: part[i] for key, part in fields.items()}, given, rest)
        for i, (row, given, rest) in enumerate(rows)
    )


_FIELD_OBJECTS = {
    "fields": FIELD,
    "recommended_fields": RECOMMENDED,
    "corrected_fields": CORRECTED,
}


def _field_part(
    table: pa.Table, columns: dict[str, list[Any]], prefix: str
) -> dict[str, list[Any]]:
    """Take the columns of a prefix out, by the names of the fields, JSON as it is."""
    part = {}
    for name in [name for name in columns if name.startswith(prefix)]:
        cells = columns.pop(name)
        if table.schema.field(name).metadata == JSON_TEXT:
            cells = [None if text is None else orjson.loads(text) for text in cells]
        part[name.removeprefix(prefix)] = cells
    return part


def _objects(columns: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def _line(row: dict[str, Any], features: dict[str, Any], other: str | None) -> bytes:
    if other:
        features |= orjson.loads(other)
    row["features"] = features
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return moments as ISO 8601 in UTC, anything else as it is."""
    if not pa.types.is_timestamp(column.type):
        return column
    text = pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
    with_t = pc.replace_substring(text, " ", "T")
    return pc.binary_join_element_wise(with_t, "Z", "")


def _guarded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not _is_text(column.type):
        return column
    return pc.replace_substring_regex(column, GUARDED, r"'\1")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind))
