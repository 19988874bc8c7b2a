"""Child processes that end with their parent, and a way for root to be nobody."""

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded import launch
from embedded.launch import NOBODY

LAUNCH = [sys.executable, "-I", "-S", launch.__file__]


class Unprivileged(RuntimeError):
    """This system lets root start no process that is somebody else."""


def die_with_parent(
    command: Sequence[str], number: signal.Signals, *, user: str = "same"
) -> list[str]:
    """Return a command that gets a signal when this process ends (Linux)."""
    if sys.platform != "linux":
        return list(command)
    return [*LAUNCH, user, str(os.getpid()), str(int(number)), *command]


def as_unprivileged(command: Sequence[str], folder: Path) -> list[str]:
    """Return the command of a server that refuses to be root, ending with this process.

    Root's child enters a user namespace in which it is nobody, so that its files stay
    root's and no user is made. Where that is forbidden (some containers) it becomes
    nobody for good, and keeps the one right to reach `folder` below private folders.
    Everyone else's child stays who it is.
    Raises: Unprivileged when root can do neither.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return die_with_parent(command, signal.SIGINT)
    found = []
    for user, owner in (("namespace", 0), ("nobody", NOBODY)):
        if not (problem := _forbids(user)):
            _give(folder, owner)
            return die_with_parent(command, signal.SIGINT, user=user)
        found.append(problem)
    msg = (
        "PostgreSQL does not run as root, and this system allows neither a user "
        f"namespace ({found[0]}) nor a change of user ({found[1]}): start as another "
        "user, or set DATABASE_URL and REDIS_URL."
    )
    raise Unprivileged(msg)


@functools.cache
def _forbids(user: str) -> str:
    """Try it in a child that reads below this project, as the server will.

    Returns what stood in the way, nothing if it went well.
    """
    probe = [sys.executable, "-c", "import os; raise SystemExit(os.geteuid() == 0)"]
    done = subprocess.run(  # noqa: S603 -- ours
        die_with_parent(probe, signal.SIGTERM, user=user),
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return ""
    return (done.stderr.strip().splitlines() or ["still root"])[-1]


def _give(folder: Path, owner: int) -> None:
    """Hand a folder to the user that the server will be, if it is another's now."""
    if not folder.exists() or folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
