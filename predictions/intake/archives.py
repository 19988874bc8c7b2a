"""Read a ZIP of items with their files: the manifest's rows, and files by name. Pure.

Nothing is unpacked to the disk, so that no name leads anywhere; a file is read only
when a row names it, and never further than its slot allows.
"""

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, cast

from predictions.declaration import Declaration, FieldError
from predictions.declaration_media import MediaSlot
from predictions.intake.columns import ColumnMap
from predictions.intake.media_refs import ENTRY, field_of
from predictions.intake.readers import MalformedPayload, read_ndjson
from predictions.intake.tables import read_csv
from predictions.intake.values import shown

MANIFESTS = ("manifest.ndjson", "manifest.csv")
CHUNK_ROWS = 50
MAX_FILES = 100_000
MAX_DIRECTORY_BYTES = 32 * 1024 * 1024  # it is held in memory as a whole
BEGINNING = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"
_END, _END_SIZE = b"PK\x05\x06", 22
_MAX_COMMENT = 65_535
_READABLE = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


class FileRefused(Exception):
    """A row names a file that cannot be taken out of the archive."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(error.detail)
        self.error = error


class ItemArchive:
    """An archive that is open for reading."""

    def __init__(self, file: BinaryIO, declaration: Declaration) -> None:
        """Read what is in it. Raises: MalformedPayload."""
        self._declaration = declaration
        _check_directory(file)
        bounded = _Bounded(file)
        try:
            self._zip = zipfile.ZipFile(cast("BinaryIO", bounded))
        except (*_BROKEN, ValueError, struct.error) as error:
            raise MalformedPayload(f"zip: {type(error).__name__}") from error
        bounded.is_opening = False
        names = Counter(one.filename for one in self._zip.infolist())
        self._twice = {name for name, n in names.items() if n > 1}
        found = [name for name in MANIFESTS if name in names]
        if len(found) != 1 or found[0] in self._twice:
            known = " or ".join(MANIFESTS)
            raise MalformedPayload(f"zip: it needs one manifest, {known}")
        self._manifest = found[0]

    def rows(self, *, max_bytes: int) -> Iterator[list[object]]:
        """Yield the manifest's items in chunks, files by their name in the archive.

        Raises while read: MalformedPayload, PayloadTooLarge.
        """
        try:
            with self._zip.open(self._manifest) as stream:
                if self._manifest.endswith(".csv"):
                    chunks = read_csv(
                        cast("BinaryIO", stream),
                        self._declaration,
                        ColumnMap(),
                        max_bytes=max_bytes,
                        chunk_size=CHUNK_ROWS,
                    )
                    for chunk in chunks:
                        yield [self._with_files(row) for row in chunk]
                else:
                    yield from read_ndjson(
                        stream, max_bytes=max_bytes, chunk_size=CHUNK_ROWS
                    )
        except (*_BROKEN, RuntimeError) as error:
            raise MalformedPayload(f"zip: {type(error).__name__}") from error

    def file(self, slot: MediaSlot, name: object) -> bytes:
        """Return the bytes of a file, at most one more than the slot allows.

        Raises: FileRefused.
        """
        field = field_of(slot.name)
        if not isinstance(name, str):
            raise FileRefused(_error(field, "type", name, "is no name of a file"))
        if name in self._twice:
            words = "stands in the archive twice"
            raise FileRefused(_error(field, "twice", name, words))
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            words = "is not in the archive"
            raise FileRefused(_error(field, "no_file", name, words)) from None
        if entry.flag_bits & _ENCRYPTED:
            raise FileRefused(_error(field, "encrypted", name, "is encrypted"))
        if entry.compress_type not in _READABLE:
            words = "is compressed in a way that is not read"
            raise FileRefused(_error(field, "compression", name, words))
        try:
            with self._zip.open(entry) as stream:
                return stream.read(slot.max_bytes + 1)
        except (*_BROKEN, RuntimeError) as error:
            words = "cannot be unpacked"
            raise FileRefused(_error(field, "unreadable", name, words)) from error

    def _with_files(self, row: object) -> object:
        """Take the columns of slots out of a table's row."""
        features = row.get("features") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(features, dict):
            return row
        media = {}
        for slot in self._declaration.media:
            own = None if self._declaration.feature(slot.name) else slot.name
            for column in (field_of(slot.name), own):
                if column and (name := features.pop(column, None)) is not None:
                    media[slot.name] = name
        return row | {ENTRY: media} if media else row


def _error(field: str, rule: str, name: object, words: str) -> FieldError:
    value = shown(name)
    return FieldError(field, rule, value, f"{field}: “{str(value)[:60]}” {words}")


class _Bounded:
    """Reads no directory that is larger than its archive's end owns up to.

    The end stands in the file twice or more, and may say something else each time:
    which one is believed is up to whoever reads it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.is_opening = True
        self.seek, self.tell = file.seek, file.tell
        self.seekable, self.close = file.seekable, file.close

    def read(self, size: int = -1, /) -> bytes:
        """Read as the file does. Raises: MalformedPayload."""
        if self.is_opening and size > MAX_DIRECTORY_BYTES:
            raise _too_many()
        data = self._file.read(size)
        if self.is_opening and data.count(_ENTRY) > MAX_FILES:
            raise _too_many()
        return data


def _too_many() -> MalformedPayload:
    return MalformedPayload(f"zip: more than {MAX_FILES:,} files")


def _check_directory(file: BinaryIO) -> None:
    """Refuse a directory that says of itself that it would not fit in memory.

    Raises: MalformedPayload.
    """
    size = file.seek(0, 2)
    file.seek(max(size - _END_SIZE - _MAX_COMMENT, 0))
    tail = file.read()
    place = tail.rfind(_END)
    file.seek(0)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise MalformedPayload("zip: this is no ZIP, or its end is missing")
    n_files, n_bytes = struct.unpack("<HI", tail[place + 10 : place + 16])
    if n_files == 0xFFFF or n_bytes == 0xFFFFFFFF:
        n_files, n_bytes = _zip64(tail, place)
    if n_files > MAX_FILES or n_bytes > MAX_DIRECTORY_BYTES:
        raise _too_many()


def _zip64(tail: bytes, end: int) -> tuple[int, int]:
    place = tail.rfind(b"PK\x06\x06", 0, end)
    if place < 0 or len(tail) < place + 48:
        raise MalformedPayload("zip: this is no ZIP, or its end is missing")
    _, n_files, n_bytes = struct.unpack("<QQQ", tail[place + 24 : place + 48])
    return n_files, n_bytes
