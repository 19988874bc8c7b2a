"""Try a restore: copy the database, restore the copy beside it, compare every table.

Both sides are read at the same moment: what is written meanwhile is in neither. Files
are not part of the database: those that rows name are read beside, and held against
the hash in their names.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from embedded.binaries import ServersUnavailable, postgres_binary
from lifecycle.models import Proof
from lifecycle.services.readiness import record_restore
from lifecycle.services.stored_files import CheckedFiles, check_files

TIMEOUT_SECONDS: Final = 6 * 3600
MAX_NAMED: Final = 20
# Both sides must write a value in the same way.
SAME_WORDS: Final = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'"
)

type Connection = psycopg.Connection[tuple[Any, ...]]


class RestoreImpossible(RuntimeError):
    """It could not be tried; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How many rows a table has, and the sum of the hashes of all of them."""

    n_rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a restore."""

    n_tables: int
    n_rows: int
    n_bytes: int
    seconds: float
    differing: tuple[str, ...]  # tables
    files: CheckedFiles | None = None  # None: not looked at

    @property
    def has_passed(self) -> bool:
        is_whole = self.files is None or not self.files.wrong
        return self.n_tables > 0 and not self.differing and is_whole

    @property
    def words(self) -> str:
        files = self.files.words if self.files else "Files were not looked at."
        return f"{self._of_tables} {files}"

    @property
    def _of_tables(self) -> str:
        if not self.n_tables:
            return "The copy held no tables."
        if self.differing:
            named = ", ".join(self.differing[:MAX_NAMED])
            return f"{len(self.differing)} of {self.n_tables} tables differ: {named}."
        return (
            f"{self.n_tables} tables with {self.n_rows:,} rows were restored from a "
            f"copy of {self.n_bytes / 1e6:,.1f} MB in {self.seconds:.0f} s, and hold "
            "the same."
        )


def try_restore(
    *,
    clock: Callable[[], datetime],
    look_at_files: Callable[[], CheckedFiles] | None = check_files,
) -> tuple[Compared, Proof]:
    """Copy, restore, compare, look at files, and record a `Proof` of what came of it.

    `look_at_files` None leaves files out, which the record says.
    Makes a database beside the real one and drops it again, whatever happens; needs
    the right to make one, room for it, and `pg_dump` of the server's major version.
    Raises: RestoreImpossible, in which case nothing is recorded.
    """
    started = time.monotonic()
    programs = {name: _program(name) for name in ("pg_dump", "pg_restore")}
    with (
        tempfile.TemporaryDirectory(prefix="restore-") as folder,
        _connected(_name()) as live,
    ):
        copy = Path(folder) / "copy.dump"
        live.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        moment = live.execute("SELECT pg_export_snapshot()").fetchone()
        assert moment is not None  # noqa: S101 -- a function always answers
        _dump(programs["pg_dump"], copy, str(moment[0]))
        ours = contents_of(live)
        live.execute("ROLLBACK")
        with _scratch() as name:
            _restore(programs["pg_restore"], copy, name)
            with _connected(name) as restored:
                theirs = contents_of(restored)
        compared = compare(
            ours,
            theirs,
            n_bytes=copy.stat().st_size,
            seconds=time.monotonic() - started,
        )
    files = look_at_files() if look_at_files else None
    compared = replace(compared, files=files)
    proof = record_restore(
        has_passed=compared.has_passed,
        note=compared.words,
        data={
            "tables": {name: [one.n_rows, one.digest] for name, one in ours.items()},
            "differing": list(compared.differing),
            "n_bytes": compared.n_bytes,
            "seconds": round(compared.seconds, 1),
            "files": asdict(files) if files else None,
        },
        now=clock(),
    )
    return compared, proof


def compare(
    ours: Mapping[str, Contents],
    theirs: Mapping[str, Contents],
    *,
    n_bytes: int,
    seconds: float,
) -> Compared:
    """Name the tables that are on one side alone, or hold something else."""
    names = sorted(ours.keys() | theirs.keys())
    differing = tuple(name for name in names if ours.get(name) != theirs.get(name))
    n_rows = sum(one.n_rows for one in ours.values())
    return Compared(len(ours), n_rows, n_bytes, seconds, differing)


def contents_of(connection: Connection) -> dict[str, Contents]:
    """Count and hash every table; the order of rows does not matter."""
    connection.execute(SAME_WORDS.encode())
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    ).fetchall()
    return {name: _contents(connection, name) for (name,) in found}


def _contents(connection: Connection, table: str) -> Contents:
    statement = sql.SQL(
        "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text"
        " FROM {} t"
    ).format(sql.Identifier("public", table))
    row = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101 -- an aggregate always answers
    return Contents(row[0], row[1])


def _program(name: str) -> str:
    """Find a program of PostgreSQL's: with the embedded server's, else on the path."""
    try:
        path = postgres_binary(name)
    except ServersUnavailable:
        path = Path()
    found = str(path) if path.is_file() else shutil.which(name)
    if found is None:
        msg = f"{name} is not here: install PostgreSQL's client programs, version 18."
        raise RestoreImpossible(msg)
    return found


def _dump(program: str, copy: Path, moment: str) -> None:
    options = ["--format=custom", f"--snapshot={moment}", f"--file={copy}"]
    _run([program, *options, f"--dbname={_name()}"])


def _restore(program: str, copy: Path, name: str) -> None:
    options = ["--exit-on-error", "--no-owner", "--no-privileges"]
    _run([program, *options, f"--dbname={name}", str(copy)])


def _run(command: list[str]) -> None:
    """Run a program that reads the password from its environment alone."""
    given = {f"PG{name}": value for name, value in _address().items()}
    environment = {**os.environ, **given}
    try:
        done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, no shell
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{Path(command[0]).name} took longer than six hours."
        raise RestoreImpossible(msg) from error
    if done.returncode:
        # the first line alone: others quote statements, and those hold values
        why = (done.stderr.strip().splitlines() or ["no word"])[0][:300]
        raise RestoreImpossible(f"{Path(command[0]).name} failed: {why}")


@contextmanager
def _scratch() -> Iterator[str]:
    name = f"{_name()}_restore_{uuid4().hex[:12]}"
    with _connected(_name()) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(
                    sql.Identifier(name)
                )
            )
        except psycopg.errors.InsufficientPrivilege as error:
            msg = "The database's user may not make databases: ALTER ROLE … CREATEDB."
            raise RestoreImpossible(msg) from error
        try:
            yield name
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    sql.Identifier(name)
                )
            )


@contextmanager
def _connected(name: str) -> Iterator[Connection]:
    address = {key.lower(): value for key, value in _address().items()}
    words = make_conninfo(dbname=name, **address)
    try:
        connection = psycopg.connect(words, autocommit=True)
    except psycopg.OperationalError as error:
        raise RestoreImpossible("The database does not answer.") from error
    with connection:
        yield connection


def _address() -> dict[str, str]:
    """Return where the server is, as far as the settings say."""
    database = settings.DATABASES["default"]
    names = ("HOST", "PORT", "USER", "PASSWORD")
    return {name: str(database[name]) for name in names if database[name]}


def _name() -> str:
    return str(settings.DATABASES["default"]["NAME"])
