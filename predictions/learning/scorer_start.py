"""Start the process in which models run, so that it ends when this one does."""

import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Final

from predictions.learning.failures import ModelCrashed

# the child sees these and nothing else: no secret of ours is in its environment
KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "TZ")


@dataclass(slots=True)
class Child:
    """A process in which models run: what it has in memory, and our end to it."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    loaded: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)

    def is_gone(self) -> bool:
        """Tell whether the process ended, or shut its end of the channel.

        While another thread reaps it, `poll` says that it runs.
        """
        if self.process.poll() is not None:
            return True
        said, _, _ = select.select([self.channel], [], [], 0)
        try:
            return bool(said) and not self.channel.recv(1, socket.MSG_PEEK)
        except OSError:
            return True


def start_child(memory_limit_mb: int) -> Child:
    """Start a child from a thread that lives as long as the child does.

    Raises: ModelCrashed.

    The kernel kills a child when the *thread* that started it ends, and the thread
    that asks for a score may be a web server's short-lived one. Waiting there also
    reaps the child at once.
    """
    ours, theirs = socket.socketpair()
    started: list[subprocess.Popen[bytes] | OSError] = []
    ready = threading.Event()

    def own() -> None:
        try:
            process = _spawn(theirs, memory_limit_mb)
        except OSError as error:
            started.append(error)
            return
        else:
            started.append(process)
        finally:
            theirs.close()
            ready.set()
        process.wait()

    threading.Thread(target=own, name="scorer-owner", daemon=True).start()
    ready.wait()
    if isinstance(started[0], OSError):
        ours.close()
        raise ModelCrashed(f"it did not start: {type(started[0]).__name__}")
    return Child(started[0], ours)


def _spawn(channel: socket.socket, memory_limit_mb: int) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # the same places to import from as here, so that trusted types are found
    path = {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    arguments = (channel.fileno(), os.getpid(), memory_limit_mb)
    return subprocess.Popen(  # noqa: S603 -- our own module, no shell, fixed arguments
        [
            sys.executable,
            "-P",
            "-m",
            "predictions.learning.scorer_child",
            *map(str, arguments),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # a model's output may hold the values of an item
        pass_fds=(channel.fileno(),),
        env=kept | threads | path,
    )
