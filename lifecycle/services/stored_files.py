"""Files that rows name: is each there, and the one that was stored?"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from django.apps import apps
from django.core.files.storage import FileSystemStorage, Storage
from django.db.models import FileField

# Whatever is stored is named by its sha256; a store may add to the name, never before.
HASH: Final = re.compile(r"[0-9a-f]{64}")
BLOCK: Final = 1 << 20
MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """What was found; `wrong` are the names of lost and altered files, with the word.

    Of `n_unhashed` only that they are there is known: their names hold no hash.
    `n_newer` were stored after the restored folder was copied.
    """

    n_files: int
    n_bytes: int
    n_unhashed: int
    n_newer: int
    wrong: tuple[str, ...]
    is_restored: bool  # looked for in a restored folder, not where the product reads

    @property
    def words(self) -> str:
        where = "in the restored folder" if self.is_restored else "in the live store"
        if self.wrong:
            named = ", ".join(self.wrong[:MAX_NAMED])
            more = ", …" if len(self.wrong) > MAX_NAMED else ""
            return (
                f"{len(self.wrong):,} of {self.n_files:,} files that rows name are not "
                f"right {where}: {named}{more}."
            )
        hashes = "each with its hash"
        if self.n_unhashed:
            hashes = f"{self.n_unhashed:,} of them without a hash to hold them against"
        says = (
            f"{self.n_files:,} files that rows name ({self.n_bytes / 1e6:,.1f} MB) are "
            f"{where}, {hashes}."
        )
        if self.n_newer:
            says += f" Newer than the backup: {self.n_newer:,} more."
        if self.is_restored:
            return says
        return f"{says} A backup of the files was not tried."


def check_files(folder: Path | None = None) -> CheckedFiles:
    """Read every file that a row names, in a restored folder or where it is kept.

    Of all tables, also of those to come: whatever field holds a file is looked at.
    Reads alone. What is removed meanwhile is left out, and so is what is not in the
    folder and was stored after the newest file in it.
    """
    restored = None if folder is None else FileSystemStorage(location=folder)
    until = _newest_in(folder) if folder else None
    n_files = n_bytes = n_unhashed = n_newer = 0
    wrong = []
    for field, name in named_files():
        found = _read(restored or field.storage, name)
        if found is None and not _is_named(field, name):
            continue
        if found is None and until and _is_newer(field.storage, name, until):
            n_newer += 1
            continue
        n_files += 1
        if found is None:
            wrong.append(f"{name} (lost)")
            continue
        digest, size = found
        said = HASH.match(PurePosixPath(name).name)
        n_bytes += size
        n_unhashed += said is None
        if said is not None and said[0] != digest:
            wrong.append(f"{name} (altered)")
    is_restored = restored is not None
    return CheckedFiles(
        n_files, n_bytes, n_unhashed, n_newer, tuple(wrong), is_restored
    )


def named_files() -> Iterator[tuple[FileField, str]]:
    """Yield each file that any row names, once a table, with the field that does."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, FileField) and not model._meta.proxy:
                rows = model._default_manager.exclude(**{field.name: ""})
                names = rows.order_by(field.name).values_list(field.name, flat=True)
                for name in names.distinct().iterator():
                    if name:
                        yield field, str(name)


def _is_named(field: FileField, name: str) -> bool:
    rows = field.model._default_manager.filter(**{field.name: name})
    return bool(rows.exists())


def _newest_in(folder: Path) -> datetime | None:
    times = [one.stat().st_mtime for one in folder.rglob("*") if one.is_file()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _is_newer(kept: Storage, name: str, than: datetime) -> bool:
    try:
        return kept.get_modified_time(name) > than
    except (OSError, ValueError, NotImplementedError):
        return False


def _read(storage: Storage, name: str) -> tuple[str, int] | None:
    digest, size = hashlib.sha256(), 0
    try:
        with storage.open(name, "rb") as source:
            while block := source.read(BLOCK):
                digest.update(block)
                size += len(block)
    except (OSError, ValueError):  # Django's files raise either when lost
        return None
    return digest.hexdigest(), size
