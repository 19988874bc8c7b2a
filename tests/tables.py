"""The tests' tables: made once, kept as a dump while no migration changes.

Migrating takes several seconds, loading what came of it one. In a fresh checkout the
first who needs tables migrates, and the others wait for it.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from embedded.binaries import postgres_binary

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = "tables_of_before"
KEPT = 3
UNLIKE = ("\\restrict ", "\\unrestrict ")


def kept_tables() -> Path:
    """Return the dump of what the migrations of now make; it is made if need be."""
    if not (dump := _dump()).exists():
        ready_template()
    return dump


def ready_template() -> None:
    """Have the server hold a database with these tables, to make others from."""
    with _server() as server:
        # The workers of one run share the server.
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [TEMPLATE])
        named = "SELECT 1 FROM pg_database WHERE datname = %s"
        if server.execute(named, [TEMPLATE]).fetchone():
            return
        server.execute(f'CREATE DATABASE "{TEMPLATE}"')
        try:
            if (dump := _dump()).exists():
                load_tables(dump, into=_address(TEMPLATE))
            else:
                _migrate()
                _keep(dump)
        except subprocess.CalledProcessError:
            server.execute(f'DROP DATABASE "{TEMPLATE}"')
            raise


def load_tables(dump: Path, *, into: str) -> None:
    """Fill the empty database at this address with what the dump holds."""
    quietly = ("-qX", "-v", "ON_ERROR_STOP=1", "-o", os.devnull)
    _run("psql", *quietly, "-f", str(dump), f"--dbname={into}")


def schema_of(address: str) -> str:
    """Return all that the database at this address is made of, without its rows."""
    words = ("--schema-only", "--no-owner", "--no-privileges", f"--dbname={address}")
    dumped = _run("pg_dump", *words, stdout=subprocess.PIPE).stdout.decode()
    # Said anew with every dump.
    lines = dumped.splitlines(keepends=True)
    return "".join(one for one in lines if not one.startswith(UNLIKE))


def _dump() -> Path:
    digest = hashlib.sha256()
    for path in (
        PROJECT / "requirements-dev.txt",
        *sorted(PROJECT.glob("*/migrations/*.py")),
    ):
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    return PROJECT / ".pytest_cache" / "tables" / f"{digest.hexdigest()[:32]}.sql"


def _migrate() -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": _url()},
        check=True,
    )


def _keep(dump: Path) -> None:
    dump.parent.mkdir(parents=True, exist_ok=True)
    partial = dump.with_suffix(f".{os.getpid()}")
    target = f"--dbname={_address(TEMPLATE)}"
    _run("pg_dump", "--no-owner", "-f", str(partial), target)
    partial.replace(dump)
    newest = sorted(dump.parent.glob("*.sql"), key=lambda one: one.stat().st_mtime)
    for old in newest[:-KEPT]:
        old.unlink(missing_ok=True)


@contextmanager
def _server() -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(_address("postgres"), autocommit=True) as server:
        yield server


def _run(
    program: str, *words: str, stdout: int | None = None
) -> "subprocess.CompletedProcess[bytes]":
    binary = str(postgres_binary(program))
    return subprocess.run([binary, *words], check=True, stdout=stdout)


def _address(database: str) -> str:
    return make_conninfo(os.environ["DATABASE_URL"], dbname=database)


def _url() -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return parts._replace(path=f"/{TEMPLATE}").geturl()
