"""Child processes that end with their parent, and a way for root to be nobody."""

import ctypes
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION = 0x20080522

Preparation = Callable[[], None]


class Unprivileged(RuntimeError):
    """This system lets root start no process that is somebody else."""


def die_with_parent(number: signal.Signals) -> Preparation:
    """Return what a child does to get a signal when this process ends (Linux)."""
    parent = os.getpid()

    def prepare() -> None:
        if sys.platform != "linux":
            return
        _prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def as_unprivileged(folder: Path) -> Preparation:
    """Return what a child does before it becomes a server that refuses to be root.

    Root's child enters a user namespace in which it is nobody, so that its files stay
    root's and no user is made. Where that is forbidden (some containers) it becomes
    nobody for good, and keeps the one right to reach `folder` below private folders.
    Everyone else's child stays who it is.
    Raises: Unprivileged when root can do neither.
    """
    ask_for_signal = die_with_parent(signal.SIGINT)
    if sys.platform != "linux" or os.geteuid() != 0:
        return ask_for_signal
    for become, owner in ((_enter_namespace, 0), (_become_nobody, NOBODY)):
        if _is_allowed(become):
            _give(folder, owner)

            def prepare(become: Preparation = become) -> None:
                become()
                # A change of user clears the signal: it is asked for afterwards.
                ask_for_signal()

            return prepare
    msg = (
        "PostgreSQL does not run as root, and this system allows neither a user "
        "namespace nor a change of user: start as another user, or set DATABASE_URL "
        "and REDIS_URL."
    )
    raise Unprivileged(msg)


@functools.cache
def _is_allowed(become: Preparation) -> bool:
    """Try it in a child that reads below this project, as the server will."""
    probe = [sys.executable, "-c", "import os; raise SystemExit(os.geteuid() == 0)"]
    try:
        done = subprocess.run(probe, preexec_fn=become, check=False)  # noqa: S603 -- ours
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _enter_namespace() -> None:
    os.unshare(CLONE_NEWUSER)  # type: ignore[attr-defined,unused-ignore]
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} 0 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} 0 1")


def _become_nobody() -> None:
    _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    # Effective, permitted, inheritable; the second triple is for higher numbers.
    rights = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, rights):
        raise OSError(ctypes.get_errno(), "capset")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _prctl(*words: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(*(ctypes.c_ulong(word) for word in words)):
        raise OSError(ctypes.get_errno(), "prctl")


def _give(folder: Path, owner: int) -> None:
    """Hand a folder to the user that the server will be, if it is another's now."""
    if not folder.exists() or folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
