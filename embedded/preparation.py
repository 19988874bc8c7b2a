"""What must be done before the web server may answer: tables, static files, demo."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
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
class Preparation:
    """Runs the project's own commands on one data folder."""

    data: Path
    environment: Mapping[str, str]

    def migrate_and_collect(self) -> None:
        """Bring tables and static files up to date, both at once.

        Raises: UpFailed naming the log.
        """
        stamp, state = self.data / "static.stamp", _static_state()
        is_collected = stamp.exists() and stamp.read_text() == state
        running = {"migrate": self._start("migrate", "--no-input", "--verbosity=0")}
        if not is_collected:
            shutil.rmtree(self.data / "static", ignore_errors=True)
            quietly = ("--no-input", "--verbosity=0")
            running["collectstatic"] = self._start("collectstatic", *quietly)
        failed = [name for name, process in running.items() if process.wait()]
        if failed:
            raise UpFailed(self._failure(failed[0]))
        stamp.write_text(state)

    def load_demo(self) -> SignIns:
        """Load the demo the first time; later, read the sign-ins that it made."""
        made = self.data / "demo.json"
        if made.exists():
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

    def _log(self, command: str) -> Path:
        return self.data / "logs" / f"{command}.log"

    def _failure(self, command: str) -> str:
        log = self._log(command)
        tail = log.read_text(errors="replace")[-1000:]
        return f"{command} failed; see {log}, which ends:\n{tail}"


def _static_state() -> str:
    """Hash what the collected files come from: ours, and the locked packages'."""
    sources = [PROJECT / "requirements.txt"]
    sources += sorted(p for p in (PROJECT / "static").rglob("*") if p.is_file())
    digest = hashlib.sha256()
    for path in sources:
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
