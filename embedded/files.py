"""Private files and folders: secrets, sockets, locks."""

import fcntl
import hashlib
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import IO

from embedded.binaries import ServersUnavailable

MAX_SOCKET_FOLDER = 90  # bytes, of about 107 with the longest socket name


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    part.replace(path)


def kept_secret(path: Path) -> str:
    """Read a random secret, making it the first time."""
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def private_folder(path: Path) -> Path:
    """Make a folder for its owner alone. Raises: ServersUnavailable when it is not."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        msg = f"{path} must belong to you alone: chmod 700 it, or choose another."
        raise ServersUnavailable(msg)
    return path


def socket_folder(folder: Path) -> Path:
    """Return a private folder whose socket paths are short enough for the kernel."""
    wanted = folder / "sockets"
    if len(bytes(wanted)) > MAX_SOCKET_FOLDER:
        name = hashlib.sha256(bytes(folder)).hexdigest()[:12]
        wanted = Path(tempfile.gettempdir()) / f"cs-{os.geteuid()}-{name}"
    if len(bytes(wanted)) > MAX_SOCKET_FOLDER:
        msg = f"{wanted} is too long for a socket: set TMPDIR to a short folder."
        raise ServersUnavailable(msg)
    return private_folder(wanted)


def hold_lock(path: Path, *, wait_seconds: float) -> IO[str] | None:
    """Lock a file until it is closed; None when somebody else keeps it so long."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    lock = os.fdopen(handle, "w")
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                lock.close()
                return None
            time.sleep(0.1)
        else:
            return lock
