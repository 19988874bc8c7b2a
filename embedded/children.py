"""The processes that `up` keeps alive: web server, worker, beat."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from embedded.processes import die_with_parent

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 10.0
RESTART_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
SETTLED_SECONDS = 60.0
MAX_LOG_BYTES = 10_000_000


@dataclass
class Child:
    """A process that is started again whenever it ends."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    n_deaths: int = field(default=0)
    started_at: float = field(default=0.0)
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        self._end_group()
        with open_log(self.log) as output:
            self.process = subprocess.Popen(  # noqa: S603 -- our own command
                die_with_parent(self.command, signal.SIGTERM),
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is passed on in order, by us
            )
        self.started_at = time.monotonic()
        self.restart_at = 0.0

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def keep_alive(self) -> str | None:
        """Start it again after a pause that grows. Returns what to tell, if any."""
        if not self.has_ended():
            return None
        now = time.monotonic()
        if self.restart_at:
            if now >= self.restart_at:
                self.start()
            return None
        if now - self.started_at > SETTLED_SECONDS:
            self.n_deaths = 0
        pause = RESTART_PAUSES[min(self.n_deaths, len(RESTART_PAUSES) - 1)]
        self.n_deaths += 1
        self.restart_at = now + pause
        return f"{self.name} ended; starting it again in {pause:g} s (see {self.log})"

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        self._end_group()

    def _end_group(self) -> None:
        """End what a killed process left of its own children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def project_children(
    *, data: Path, port: int, concurrency: int, environment: Mapping[str, str]
) -> list[Child]:
    """Name the processes, in the order in which they are started."""
    commands = {
        "worker": _worker(concurrency),
        "beat": _beat(data / "celerybeat-schedule"),
        "web": _web(port),
    }
    # `migrate` checks this code before anything is started; Celery would twice more.
    ours = {**environment, "CELERY_SKIP_CHECKS": "1"}
    return [
        Child(name, command, data / "logs" / f"{name}.log", ours)
        for name, command in commands.items()
    ]


def _worker(concurrency: int) -> list[str]:
    options = [f"--concurrency={concurrency}", "--without-gossip", "--without-mingle"]
    return [*_celery(), "worker", *options, "--loglevel=INFO"]


def _beat(schedule: Path) -> list[str]:
    return [*_celery(), "beat", f"--schedule={schedule}", "--pidfile="]


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "config"]


def _web(port: int) -> list[str]:
    return [
        str(Path(sys.executable).parent / "granian"),
        "--interface=wsgi",
        "--host=127.0.0.1",
        f"--port={port}",
        "--workers=2",
        "--blocking-threads=4",
        "--respawn-failed-workers",
        "--workers-kill-timeout=5",
        "--no-ws",
        "config.wsgi:application",
    ]


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending; a long one is put aside first, once."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
