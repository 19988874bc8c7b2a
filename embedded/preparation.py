"""What must be done before the web server may answer: tables, static files, demo."""

import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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

    @contextlib.contextmanager
    def tables_and_static(self) -> Iterator[bool]:
        """Bring static files up to date, and tables by the end of the block.

        Yields whether the tables are new: then nothing is in them that processes which
        are started meanwhile could touch. Raises: UpFailed naming the log.
        """
        static, tables = self._static(), self._tables()
        is_new = self.owns_database and not tables.path.exists()
        quietly = ("--no-input", "--verbosity=0")
        migrate = collect = None
        if not tables.is_current():
            migrate = self._start("migrate", *quietly)
        if not static.is_current():
            shutil.rmtree(self.data / "static", ignore_errors=True)
            collect = self._start("collectstatic", *quietly)
        if collect and collect.wait():
            raise UpFailed(self._failure("collectstatic"))
        static.renew()
        yield is_new
        if migrate and migrate.wait():
            raise UpFailed(self._failure("migrate"))
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

    @contextlib.contextmanager
    def demo(self) -> Iterator[Callable[[], SignIns]]:
        """Begin to load what fills the demo, the first time, which needs no tables.

        Gives what fills it once there are tables, or later, reads the sign-ins that it
        made. Raises: UpFailed naming the log.
        """
        if self.has_demo():
            yield partial(json.loads, self._demo().read_text())
            return
        process = self._start(
            "demo",
            "--json",
            "--when-told",
            f"--credentials={self.data / 'credentials.json'}",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            yield partial(self._fill_demo, process)
        finally:
            process.terminate()
            process.wait()

    def _fill_demo(self, process: subprocess.Popen[bytes]) -> SignIns:
        output, _ = process.communicate(b"\n")
        if process.returncode or not output.strip():
            raise UpFailed(self._failure("demo"))
        sign_ins: SignIns = json.loads(output.splitlines()[-1])
        write_private(self._demo(), json.dumps(sign_ins))
        return sign_ins

    def _start(
        self,
        command: str,
        *words: str,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:
        with open_log(self._log(command)) as log:
            return subprocess.Popen(  # noqa: S603 -- our own command
                die_with_parent(
                    [sys.executable, "manage.py", command, *words], signal.SIGTERM
                ),
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
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
