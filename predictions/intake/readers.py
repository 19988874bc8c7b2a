"""Read JSON and NDJSON as chunks of raw items, in bounded memory.

Every reader yields lists of at most `chunk_size` entries: raw items as they came
(objects in the shape of the API, or whatever else stood there), or `RejectedItem`s
for what could not be read. `store_items` and `store_chunk` take them as they are.

Errors appear while the chunks are iterated, never at the call. `MalformedPayload` of
`read_json` comes before the first chunk, so nothing is stored; a `PayloadTooLarge` in
the middle of NDJSON leaves the chunks before it stored, and sending them again is safe.

Tables (CSV, Parquet) are read in `predictions.intake.tables`.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Protocol, override

import orjson

from predictions.declaration import FieldError
from predictions.intake.rows import RejectedItem

CHUNK_SIZE = 2000
MAX_LINE_BYTES = 1_048_576
MAX_SHOWN_LINE = 10_000


class ByteStream(Protocol):
    """What is read from: a file, or a Django request."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes; none at the end."""


class PayloadStopped(Exception):
    """Reading ended before the payload did; `stored` says what was kept of it."""

    stored = ""

    @override
    def __str__(self) -> str:
        return f"{super().__str__()} {self.stored}".rstrip()


class PayloadTooLarge(PayloadStopped):
    """More bytes came than are allowed; `limit` is how many are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"More than the {limit} bytes that are allowed.")
        self.limit = limit


class MalformedPayload(PayloadStopped):
    """The payload as a whole cannot be read; `position` counts bytes, where known."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def read_json(
    stream: ByteStream, *, max_bytes: int, chunk_size: int = CHUNK_SIZE
) -> Iterator[list[object]]:
    """Yield the items of one object or one list of them.

    What strict JSON forbids but writers produce (NaN, lone surrogates) is read, so
    that only the items that hold it are refused.
    Raises: PayloadTooLarge; MalformedPayload, before the first chunk.
    """
    data = _parsed(limited(stream, max_bytes=max_bytes).read())
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        msg = "An item (object) or a list of items is expected."
        raise MalformedPayload(msg, 0)
    for start in range(0, len(data), chunk_size):
        yield data[start : start + chunk_size]


def read_ndjson(
    stream: ByteStream,
    *,
    max_bytes: int,
    max_line_bytes: int = MAX_LINE_BYTES,
    chunk_size: int = CHUNK_SIZE,
) -> Iterator[list[object]]:
    """Yield the items of newline-delimited JSON; empty lines are passed over.

    A line that is no JSON (rule `json`) or too long (rule `too_long`) becomes a
    `RejectedItem` that names the line, and reading goes on.
    Raises: PayloadTooLarge, when more than `max_bytes` came.
    """
    lines = limited(stream, max_bytes=max_bytes)
    chunk: list[object] = []
    number = 0
    while line := lines.readline(max_line_bytes + 1):
        number += 1
        if len(line) > max_line_bytes and not line.endswith(b"\n"):
            chunk.append(_unread(number, "too_long", line))
            _skip_line(lines, max_line_bytes)
        elif not line.isspace():
            chunk.append(_item_of_line(number, line))
        if len(chunk) >= chunk_size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def limited(stream: ByteStream, *, max_bytes: int) -> io.BufferedReader:
    """Return a stream that raises PayloadTooLarge beyond so many bytes."""
    return io.BufferedReader(_Limited(stream, max_bytes), buffer_size=65_536)


def gunzip(stream: ByteStream, *, max_bytes: int) -> io.BufferedReader:
    """Return the decompressed stream; `max_bytes` bounds what comes out of it.

    Raises while read: PayloadTooLarge; MalformedPayload for anything but gzip.
    """
    unpacked = gzip.GzipFile(fileobj=_Readable(stream), mode="rb")
    return limited(unpacked, max_bytes=max_bytes)


class _Readable(io.RawIOBase):
    """Makes a file object of anything that has `read`."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__()
        self._stream = stream

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Limited(_Readable):
    def __init__(self, stream: ByteStream, limit: int) -> None:
        super().__init__(stream)
        self._limit = limit
        self._n_read = 0

    @override
    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            n = super().readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise MalformedPayload(f"gzip: {error}", self._n_read) from error
        self._n_read += n
        if self._n_read > self._limit:
            raise PayloadTooLarge(self._limit)
        return n


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as strict:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise MalformedPayload(f"json: {strict.msg}", strict.pos) from strict


def _item_of_line(number: int, line: bytes) -> object:
    try:
        return _parsed(line)
    except MalformedPayload:
        return _unread(number, "json", line)


def _unread(number: int, rule: str, line: bytes) -> RejectedItem:
    text = line[:MAX_SHOWN_LINE].decode("utf-8", "replace").rstrip("\r\n")
    return RejectedItem(
        index=number - 1,
        external_id=None,
        payload=text,
        errors=[FieldError(f"line {number}", rule, text)],
    )


def _skip_line(lines: io.BufferedReader, step: int) -> None:
    while (rest := lines.readline(step)) and not rest.endswith(b"\n"):
        pass
