"""Read CSV and Parquet as chunks of raw items, in bounded memory.

The same stream of entries as in `predictions.intake.readers`, and the same errors.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from predictions.declaration import Declaration, FieldError
from predictions.intake.columns import (
    Arrivals,
    ColumnMap,
    Convert,
    Layout,
    cell_converter,
    lay_out,
)
from predictions.intake.readers import (
    CHUNK_SIZE,
    MAX_LINE_BYTES,
    MalformedPayload,
    PayloadTooLarge,
    limited,
)
from predictions.intake.records import BadLine, csv_records
from predictions.intake.rows import RejectedItem

MAX_CSV_BYTES = 2**40
MAX_ROW_GROUP_BYTES = 2**30
MAX_BATCH_TEXT = 2**28  # bytes, of the rows of one chunk
DELIMITERS = ",;\t"

type Labels = list[tuple[str, str]]


def read_csv(
    stream: BinaryIO,
    declaration: Declaration,
    columns: ColumnMap,
    *,
    labels: Labels | None = None,
    max_bytes: int = MAX_CSV_BYTES,
    chunk_size: int = CHUNK_SIZE,
) -> Iterator[list[object]]:
    """Yield the rows as raw items, their cells read as the declaration types them.

    UTF-8 with or without a byte order mark; the delimiter (comma, semicolon, tab) is
    the commonest one of the header. An empty cell is missing. A line that is no row
    (see `csv_records`) becomes a `RejectedItem` with its text and number. The pairs
    (external id, label) are appended to `labels`, if given.
    Raises: MalformedPayload for the header, before the first chunk; PayloadTooLarge.
    """
    text = _text(stream, max_bytes)
    delimiter, header = _first_line(text)
    rows = _Rows(lay_out(header, declaration, columns), labels)
    yield from _chunks(_csv_entries(text, delimiter, rows), chunk_size)


def read_parquet(
    file: BinaryIO,
    declaration: Declaration,
    columns: ColumnMap,
    *,
    labels: Labels | None = None,
    chunk_size: int = CHUNK_SIZE,
) -> Iterator[list[object]]:
    """Yield the rows of a seekable file as raw items, batch by batch.

    Nulls are missing, timestamps without a zone are UTC, decimals become floats.
    Raises: MalformedPayload, also for rows of so much text that they would not fit in
    memory; PayloadTooLarge for a row group above 1 GiB.
    """
    try:
        texts = _text_columns(pq.ParquetFile(file))
        table = pq.ParquetFile(file, read_dictionary=texts)
        _check_row_groups(table)
        rows = _Rows(lay_out(table.schema_arrow.names, declaration, columns), labels)
        for batch in table.iter_batches(batch_size=chunk_size):
            _check_texts(batch)
            values = [_plain_values(column) for column in batch.columns]
            chunk: list[object] = [
                rows.item(cells) for cells in zip(*values, strict=True)
            ]
            if chunk:
                yield chunk
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise MalformedPayload(f"parquet: {str(error)[:200]}") from error


def csv_header(stream: BinaryIO) -> list[str]:
    """Return the names of the columns. Raises: MalformedPayload."""
    return _first_line(_text(stream, MAX_CSV_BYTES))[1]


def parquet_header(file: BinaryIO) -> list[str]:
    """Return the names of the columns. Raises: MalformedPayload."""
    try:
        return list(pq.ParquetFile(file).schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MalformedPayload(f"parquet: {str(error)[:200]}") from error


def _text(stream: BinaryIO, max_bytes: int) -> io.TextIOWrapper:
    # A byte that is no UTF-8 becomes a lone surrogate: only its row is refused.
    return io.TextIOWrapper(
        limited(stream, max_bytes=max_bytes),
        encoding="utf-8-sig",
        errors="surrogateescape",
        newline="",
    )


def _first_line(text: io.TextIOWrapper) -> tuple[str, list[str]]:
    """Return the delimiter and the names of the columns."""
    first = text.readline(MAX_LINE_BYTES)
    delimiter = max(DELIMITERS, key=first.count)
    return delimiter, _header(first, delimiter)


class _Rows:
    """Makes raw items of rows, one after the other."""

    def __init__(self, layout: Layout, labels: Labels | None) -> None:
        self.n_columns = layout.n_columns
        self._layout = layout
        self._labels = labels
        self._n_rows = 0
        self._cells: list[tuple[int, str, Convert]] = [
            (place, name, cell_converter(feature))
            for place, name, feature in layout.features
        ]

    def item(self, cells: Sequence[object]) -> dict[str, object]:
        layout = self._layout
        features = {
            name: value
            for place, name, convert in self._cells
            if (value := convert(cells[place])) is not None
        }
        moment = layout.occurred_at
        external_id = cells[layout.external_id]
        item: dict[str, object] = {"features": features}
        if not _is_empty(external_id):
            item["external_id"] = str(external_id)
        at = moment.at(self._n_rows) if isinstance(moment, Arrivals) else cells[moment]
        if not _is_empty(at):
            item["occurred_at"] = at.isoformat() if isinstance(at, datetime) else at
        if layout.site is not None and not _is_empty(cells[layout.site]):
            item["site"] = str(cells[layout.site])
        self._n_rows += 1
        self._keep_label(external_id, cells)
        return item

    def _keep_label(self, external_id: object, cells: Sequence[object]) -> None:
        if self._labels is None or self._layout.label is None:
            return
        label = cells[self._layout.label]
        if not _is_empty(label):
            self._labels.append((str(external_id), str(label)))

    def skip(self) -> None:
        """Pass over a row that could not be read: the moments go on."""
        self._n_rows += 1


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _header(line: str, delimiter: str) -> list[str]:
    if not line.strip():
        raise MalformedPayload("columns: the first line is empty", 0)
    if len(line) == MAX_LINE_BYTES:
        raise MalformedPayload("columns: the first line is too long", 0)
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise MalformedPayload(f"columns: the first line: {error}", 0) from error
    return [name.strip() for name in names]


def _csv_entries(
    text: io.TextIOWrapper, delimiter: str, rows: _Rows
) -> Iterator[object]:
    records = csv_records(
        text, delimiter=delimiter, n_columns=rows.n_columns, first_number=2
    )
    for record in records:
        if isinstance(record, BadLine):
            rows.skip()
            yield _unread(record)
        else:
            yield rows.item(record)


def _unread(line: BadLine) -> RejectedItem:
    error = FieldError(f"line {line.number}", line.rule, line.reason)
    return RejectedItem(0, None, line.text, [error])


def _chunks(entries: Iterator[object], size: int) -> Iterator[list[object]]:
    chunk: list[object] = []
    for entry in entries:
        chunk.append(entry)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _check_row_groups(table: pq.ParquetFile) -> None:
    groups = range(table.metadata.num_row_groups)
    sizes = (table.metadata.row_group(one).total_byte_size for one in groups)
    if max(sizes, default=0) > MAX_ROW_GROUP_BYTES:
        raise PayloadTooLarge(MAX_ROW_GROUP_BYTES)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _text_columns(table: pq.ParquetFile) -> list[str]:
    """Return the columns to be read as dictionaries: what is in them is there once.

    A file of some kilobytes can mean a text thousands of times.
    """
    columns = (table.schema.column(one) for one in range(len(table.schema)))
    return [
        one.path
        for one in columns
        if one.physical_type == "BYTE_ARRAY" and one.logical_type.type != "DECIMAL"
    ]


def _check_texts(batch: pa.RecordBatch) -> None:
    """Refuse a batch before its texts are written out. Raises: MalformedPayload."""
    if sum(map(_text_bytes, batch.columns)) > MAX_BATCH_TEXT:
        words = f"{batch.num_rows:,} rows hold more than {MAX_BATCH_TEXT:,} bytes"
        raise MalformedPayload(f"parquet: {words} of text")


def _text_bytes(column: pa.Array) -> int:
    """Return how many bytes the texts of an array take, each as often as it stands."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        lengths = pc.binary_length(column.dictionary).cast(pa.int64())
        total: int | None = pc.sum(lengths.take(column.indices)).as_py()
        return total or 0
    if pa.types.is_struct(kind):
        return sum(map(_text_bytes, column.flatten()))
    if pa.types.is_map(kind):
        return _text_bytes(column.keys) + _text_bytes(column.items)
    if pa.types.is_nested(kind):
        return _text_bytes(column.flatten())
    size: int = column.nbytes
    return size


def _plain_values(column: pa.Array) -> list[object]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_values(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        column = _in_microseconds(column)
    elif pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
    elif pa.types.is_date(kind) or pa.types.is_time(kind):
        column = column.cast(pa.string())
    elif pa.types.is_duration(kind):
        column = column.cast(pa.int64())
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError):
        values = [_plain_value(cell) for cell in column]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [_text_of(value) for value in values]
    return values


def _in_microseconds(column: pa.Array) -> pa.Array:
    zone = "UTC" if column.type.tz else None
    options = pc.CastOptions(pa.timestamp("us", tz=zone), allow_time_truncate=True)
    try:
        return column.cast(options=options)
    except pa.ArrowInvalid:  # beyond what microseconds can say: `_plain_value` sees it
        return column


def _plain_value(cell: pa.Scalar) -> object:
    """Return a value that validation refuses where Python cannot hold it.

    Raises: ValueError, OverflowError for one inside a list or an object.
    """
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        if isinstance(cell, pa.StringScalar | pa.LargeStringScalar):
            return _text_of(cell.as_buffer().to_pybytes())
        if isinstance(cell, pa.TimestampScalar):
            return str(cell.value)
        raise


def _text_of(value: object) -> object:
    if not isinstance(value, bytes):
        return value
    return value.decode("utf-8", "surrogateescape")
