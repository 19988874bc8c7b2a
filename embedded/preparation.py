"""What must be done before the web server may answer: tables, static files, demo."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from embedded.children import PROJECT, open_log
from embedded.files import write_private
from embedded.processes import die_with_parent


class UpFailed(RuntimeError):
    """The start cannot go on; the message says why."""


class Account(TypedDict):
    username: str
    password: str
    roles: list[str]


class SignIns(TypedDict):
    accounts: list[Account]
    api_keys: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file that says from what something was made; no state: never current."""

    path: Path
    state: str | None

    def is_current(self) -> bool:
        return self.path.exists() and self.path.read_text() == self.state

    def renew(self) -> None:
        if self.state is None:
            self.path.unlink(missing_ok=True)
        else:
            self.path.write_text(self.state)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Runs the project's own commands on one data folder."""

    data: Path
    environment: Mapping[str, str]
    owns_database: bool  # else others may have changed its tables

    def migrate_and_collect(self) -> None:
        """Bring tables and static files up to date, both at once.

        Raises: UpFailed naming the log.
        """
        static, tables = self._static(), self._tables()
        quietly = ("--no-input", "--verbosity=0")
        running = {}
        if not tables.is_current():
            running["migrate"] = self._start("migrate", *quietly)
        if not static.is_current():
            shutil.rmtree(self.data / "static", ignore_errors=True)
            running["collectstatic"] = self._start("collectstatic", *quietly)
        failed = [name for name, process in running.items() if process.wait()]
        if failed:
            raise UpFailed(self._failure(failed[0]))
        static.renew()
        tables.renew()

    def _static(self) -> Stamp:
        """What the collected files come from: ours, and the locked packages'."""
        ours = (p for p in (PROJECT / "static").rglob("*") if p.is_file())
        return Stamp(self.data / "static.stamp", _state(ours))

    def _tables(self) -> Stamp:
        """What the tables come from: the migrations, and this one database folder."""
        born = self.data / "servers" / "postgres" / "PG_VERSION"
        if not self.owns_database:
            return Stamp(self.data / "tables.stamp", None)
        state = _state(PROJECT.glob("*/migrations/*.py"))
        return Stamp(self.data / "tables.stamp", f"{state} {born.stat().st_mtime_ns}")

    def has_demo(self) -> bool:
        return self._demo().exists()

    def load_demo(self) -> SignIns:
        """Load the demo the first time; later, read the sign-ins that it made."""
        made = self._demo()
        if self.has_demo():
            known: SignIns = json.loads(made.read_text())
            return known
        credentials = self.data / "credentials.json"
        process = self._start(
            "demo",
            "--json",
            f"--credentials={credentials}",
            stdout=subprocess.PIPE,
        )
        output, _ = process.communicate()
        if process.returncode or not output.strip():
            raise UpFailed(self._failure("demo"))
        sign_ins: SignIns = json.loads(output.splitlines()[-1])
        write_private(made, json.dumps(sign_ins))
        return sign_ins

    def _start(
        self, command: str, *words: str, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        with open_log(self._log(command)) as log:
            return subprocess.Popen(  # noqa: S603 -- our own command
                [sys.executable, "manage.py", command, *words],
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )

    def _demo(self) -> Path:
        return self.data / "demo.json"

    def _log(self, command: str) -> Path:
        return self.data / "logs" / f"{command}.log"

    def _failure(self, command: str) -> str:
        log = self._log(command)
        tail = log.read_text(errors="replace")[-1000:]
        return f"{command} failed; see {log}, which ends:\n{tail}"


def _state(ours: Iterable[Path]) -> str:
    """Hash files of the project, and the lock."""
    digest = hashlib.sha256()
    for path in (PROJECT / "requirements.txt", *sorted(ours)):
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
