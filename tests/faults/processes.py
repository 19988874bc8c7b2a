"""Which processes descend from another one, and which part of the product they are."""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path


def _naming(*words: str) -> Callable[[str], bool]:
    return lambda line: all(word in line for word in words)


# By their command lines. All of PostgreSQL, with what flushes its log behind a commit.
PARTS: Mapping[str, Callable[[str], bool]] = {
    "worker": _naming("celery", " worker "),
    "beat": _naming("celery", " beat "),
    "web": _naming("granian"),
    "scorer": _naming("predictions.learning.scorer_child"),
    "valkey": _naming("valkey-server"),
    "postgres": lambda line: line.startswith("postgres:") or "postgres -D " in line,
}


def descendants(ancestor: int) -> dict[int, str]:
    """Return the command lines of all processes below one."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            parents[int(entry.name)] = int(stat[1])
            commands[int(entry.name)] = line.decode(errors="replace")
    return {
        pid: line for pid, line in commands.items() if _is_below(pid, ancestor, parents)
    }


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_alive(pid: int) -> bool:
    """Tell whether a process still runs; one that only waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def _is_below(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False
