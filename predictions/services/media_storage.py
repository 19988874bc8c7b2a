"""Where the bytes of media lie: written once, read, erased.

Every name is known to a row before anything is written under it.
"""

import os
from pathlib import Path
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage


class MediaUnavailable(Exception):
    """The media storage does not answer, or has lost a file."""

    def __init__(self) -> None:
        super().__init__("The media storage does not answer: try again.")


def write(name: str, data: bytes) -> None:
    """Store bytes under a name that nothing else writes; they are on the disk then.

    Raises: MediaUnavailable.
    """
    write_file(name, ContentFile(data))


def write_file(name: str, content: "File[bytes]") -> None:
    """Store an open file as `write` does. Raises: MediaUnavailable."""
    try:
        saved = default_storage.save(name, content)
        if saved != name:
            raise FileExistsError(saved)
        _flush(name)
    except OSError as error:
        raise MediaUnavailable from error


def read(name: str) -> bytes:
    """Return all bytes of a name. Raises: MediaUnavailable."""
    with opened(name) as source:
        try:
            data: bytes = source.read()
        except OSError as error:
            raise MediaUnavailable from error
    return data


def opened(name: str) -> IO[Any]:
    """Open a name for reading. Raises: MediaUnavailable."""
    try:
        source: IO[Any] = default_storage.open(name, "rb")
        source.seek(0)
    except OSError as error:
        raise MediaUnavailable from error
    return source


def erase(name: str) -> None:
    """Delete a name, whether or not it is there. Raises: MediaUnavailable."""
    try:
        default_storage.delete(name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MediaUnavailable from error


def _flush(name: str) -> None:
    """Have a local file survive the loss of power: its row will."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        return  # an object store answers once it has it
    for part in (path, path.parent):
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
