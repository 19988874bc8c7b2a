"""Artifacts and snapshots in an S3-compatible store, for more hosts than one."""

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3File, S3Storage
from storages.utils import clean_name

CONNECT_SECONDS = 5
READ_SECONDS = 30
TRIES = 3
# What is read comes down as a whole; beyond this it lies on the disk.
MEMORY_BYTES = 8 * 1024 * 1024


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Let callers meet the failures of a disk, whatever keeps the files."""
    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise FileNotFoundError(errno.ENOENT, "not in the object store") from error
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise OSError(errno.EIO, f"the object store refused it ({code})") from error
    except (BotoCoreError, Boto3Error, RetriesExceededError) as error:
        msg = f"the object store did not answer ({type(error).__name__})"
        raise OSError(errno.EIO, msg) from error


class ObjectFile(S3File):  # type: ignore[misc] # -- untyped
    """A file that is fetched when it is first read."""

    def _get_file(self) -> Any:  # noqa: ANN401 -- any file
        with as_os_errors():
            return super()._get_file()

    file = property(_get_file, S3File._set_file)


class ObjectStore(S3Storage):  # type: ignore[misc] # -- untyped
    """The store, under one prefix of one bucket. Names hold hashes: none is changed."""

    def get_default_settings(self) -> dict[str, Any]:
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {
            "max_memory_size": MEMORY_BYTES,
            "client_config": Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": TRIES, "mode": "standard"},
                # Stores other than Amazon's know no newer checksums than MD5.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        }

    def _open(self, name: str, mode: str = "rb") -> ObjectFile:
        key = self._normalize_name(clean_name(name))
        with as_os_errors():
            return ObjectFile(key, mode, self)

    def _save(self, name: str, content: object) -> str:
        with as_os_errors():
            saved: str = super()._save(name, content)
        return saved

    def exists(self, name: str) -> bool:
        with as_os_errors():
            found: bool = super().exists(name)
        return found

    def delete(self, name: str) -> None:
        with as_os_errors():
            super().delete(name)

    def size(self, name: str) -> int:
        with as_os_errors():
            n_bytes: int = super().size(name)
        return n_bytes
