"""Start, revive and stop the embedded PostgreSQL and Valkey servers.

Only their binaries are used: unix sockets in a private folder, random passwords, no
system user, no network. On Linux the kernel stops both when this process dies.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from embedded.binaries import ServersUnavailable
from embedded.files import hold_lock, private_folder, socket_folder
from embedded.postgres import Postgres
from embedded.processes import Unprivileged
from embedded.valkey import Valkey

# A server that recovers from a crash answers late; one that cannot start ends at once.
START_SECONDS = 300.0
# Right after a crash the old server's last processes are still in the way.
STALE_PID_SECONDS = 10.0
STOP_SECONDS = 20.0
# Two management commands at once take turns.
LOCK_SECONDS = 60.0
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


class Server(Protocol):
    """What a kind of server can do; `Running` decides when."""

    name: str
    log: Path

    @property
    def url(self) -> str: ...
    def prepare(self) -> None: ...
    def start(self) -> subprocess.Popen[bytes]: ...
    def answers(self) -> bool: ...
    def complete(self) -> None: ...


class Running:
    """A server that has been started, and can be started again when it has died."""

    def __init__(self, server: Server, stop_signal: signal.Signals) -> None:
        self.server, self.stop_signal = server, stop_signal
        self.process = _started(server)

    def revive(self) -> bool:
        """Start it again if it has died. Returns whether it had."""
        if self.process.poll() is None:
            return False
        self.process = _started(self.server)
        return True

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Servers:
    """Both servers, and how to reach them."""

    def __init__(self, postgres: Running, valkey: Running) -> None:
        self.postgres, self.valkey = postgres, valkey

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.server.url,
            "REDIS_URL": self.valkey.server.url,
        }

    def revive(self) -> list[str]:
        """Start again what has died, at the same address. Returns the names."""
        both = (self.postgres, self.valkey)
        return [running.server.name for running in both if running.revive()]


class GivenServers:
    """The operator's own servers, named by both addresses in the environment."""

    def environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ADDRESSES}

    def revive(self) -> list[str]:
        return []


def are_given() -> bool:
    """Tell whether the operator names the servers.

    Raises: ServersUnavailable when only one of the two is named.
    """
    given = [name for name in ADDRESSES if os.environ.get(name)]
    if len(given) == 1:
        msg = f"{given[0]} is set alone: set both {' and '.join(ADDRESSES)}, or neither"
        raise ServersUnavailable(msg)
    return len(given) == len(ADDRESSES)


@contextlib.contextmanager
def running_servers(folder: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Start both servers on a data folder and stop them at the end.

    The folder is made with mode 0700; a second start on it goes on with its data.
    Raises: ServersUnavailable, also when another process uses the folder.
    """
    folder = private_folder(folder.resolve())
    with contextlib.ExitStack() as stack:
        lock = hold_lock(folder / "servers.lock", wait_seconds=LOCK_SECONDS)
        if lock is None:
            msg = f"another command is using the servers in {folder}; try again later"
            raise ServersUnavailable(msg)
        stack.enter_context(lock)
        sockets = socket_folder(folder)
        if sockets.parent != folder:
            stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        postgres = Running(Postgres(folder, sockets, durable=durable), signal.SIGINT)
        stack.callback(postgres.stop)
        valkey = Running(Valkey(folder, sockets), signal.SIGTERM)
        stack.callback(valkey.stop)
        yield Servers(postgres, valkey)


@contextlib.contextmanager
def temporary_servers(*, durable: bool = False) -> Iterator[Servers]:
    """Start both servers on a folder that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="cs-"))
    try:
        with running_servers(folder, durable=durable) as servers:
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(server: Server) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers; what a crash left gets a few tries."""
    give_up_at = time.monotonic() + STALE_PID_SECONDS
    while True:
        try:
            server.prepare()
            process = server.start()
        except Unprivileged as error:
            raise ServersUnavailable(str(error)) from error
        if _wait_until_it_answers(server, process):
            server.complete()
            return process
        if time.monotonic() > give_up_at:
            tail = server.log.read_text(errors="replace")[-2000:]
            msg = f"{server.name} did not start. The end of its log:\n{tail}"
            raise ServersUnavailable(msg)
        time.sleep(0.3)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            if server.answers():
                return True
            time.sleep(0.02)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    process.kill()
    process.wait()
    return False
