"""Become who a child should be, tie it to its parent, and give way to its program.

A program of its own, run before the real one: what a child does between fork and exec
comes after the handlers of all libraries that the parent has loaded, and some start a
thread there, which forbids a user namespace.
"""

import ctypes
import os
import signal
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
NOT_FOUND = 127


def main(user: str, parent: str, number: str, program: str, *words: str) -> None:
    USERS[user]()
    # A change of user clears the signal: it is asked for afterwards.
    _prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() != int(parent):
        return
    # Python ignores it for itself, and what is ignored stays so in the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program, [program, *words])  # noqa: S606 -- what we are for
    except FileNotFoundError:
        sys.stderr.write(f"{program}: command not found\n")
        sys.exit(NOT_FOUND)


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


USERS: dict[str, Callable[[], None]] = {
    "same": lambda: None,
    "namespace": _enter_namespace,
    "nobody": _become_nobody,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
