"""One PostgreSQL server on a private socket."""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from embedded.binaries import ServersUnavailable, postgres_binary
from embedded.files import kept_secret
from embedded.processes import as_unprivileged

DATABASE = "countersign"
MAJOR_VERSION = "18"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
    # Details of an error quote the row that broke a rule.
    "log_error_verbosity": "terse",
}
# A temporary database is thrown away: a crash of the machine may lose it.
TEMPORARY_SETTINGS = {"fsync": "off", "synchronous_commit": "off"}


class Postgres:
    """Where the server's files are, how it is started, and how it is reached."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, sockets: Path, *, durable: bool) -> None:
        self.folder, self.sockets, self.durable = folder, sockets, durable
        self.data = folder / "postgres"
        self.password_file = folder / "postgres.password"
        self.log = folder / "postgres.log"
        self.password = kept_secret(self.password_file)

    @property
    def url(self) -> str:
        host = quote(str(self.sockets), safe="")
        return f"postgres://postgres:{self.password}@/{DATABASE}?host={host}"

    def prepare(self) -> None:
        """Make the data folder, or end a server that a crash left on it.

        Raises: ServersUnavailable for data of another major version.
        """
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
            return
        if (found := version.read_text().strip()) != MAJOR_VERSION:
            msg = (
                f"{self.data} holds data of PostgreSQL {found}, not {MAJOR_VERSION}: "
                "dump and restore it, see docs/operations.md"
            )
            raise ServersUnavailable(msg)
        if (self.data / "postmaster.pid").exists():
            stop = ["stop", f"--pgdata={self.data}", "--mode=fast", "--silent"]
            self._run("pg_ctl", *stop)

    def start(self) -> subprocess.Popen[bytes]:
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)}
        if not self.durable:
            settings |= TEMPORARY_SETTINGS
        options = [word for k, v in settings.items() for word in ("-c", f"{k}={v}")]
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 -- our own binary
                as_unprivileged(
                    [str(postgres_binary("postgres")), "-D", str(self.data), *options],
                    self.data,
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                # Ctrl-C at the terminal is for the supervisor to pass on, in order.
                start_new_session=True,
            )

    def answers(self) -> bool:
        ready = [str(postgres_binary("pg_isready")), "-q", "-h", str(self.sockets)]
        return subprocess.run(ready, check=False).returncode == 0  # noqa: S603 -- ours

    def complete(self) -> None:
        """Create the database if it is not there. Raises: ServersUnavailable."""
        exists = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"  # noqa: S608 -- a constant
        if self._query(exists).strip() != "1":
            self._query(f"CREATE DATABASE {DATABASE}")

    def _query(self, sql: str) -> str:
        done = subprocess.run(  # noqa: S603 -- our own binary
            [
                str(postgres_binary("psql")),
                f"--host={self.sockets}",
                "--username=postgres",
                "--dbname=postgres",
                "--no-psqlrc",
                "-qtAc",
                sql,
            ],
            env=os.environ | {"PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            msg = f"PostgreSQL refused: {done.stderr[-2000:]}"
            raise ServersUnavailable(msg)
        return done.stdout

    def _initialise(self) -> None:
        done = self._run(
            "initdb",
            f"--pgdata={self.data}",
            "--username=postgres",
            f"--pwfile={self.password_file}",
            "--auth-local=scram-sha-256",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            # The same order everywhere, whatever the machine's locale.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            msg = f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}"
            raise ServersUnavailable(msg)

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 -- our own binary
            as_unprivileged([str(postgres_binary(program)), *words], self.data),
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
