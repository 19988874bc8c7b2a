"""Servers of these tests' own, apart from those that the run itself uses."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.children import PROJECT

ENDED = {"X", "Z"}


def run_python(
    code: str, *, data: Path, environment: dict[str, str]
) -> subprocess.Popen[str]:
    """Start a Python that may be killed; it prints what the test waits for."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(data)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_running(pid: int) -> bool:
    """Tell whether a process is there and more than a corpse."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ENDED


def wait_until(is_so: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the addresses of the run's servers."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
