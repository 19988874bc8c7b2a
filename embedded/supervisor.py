"""Start everything on this machine, keep it running, stop it in order.

One process looks after the two servers, the web server, a Celery worker and beat.
Everything binds to loopback or to private sockets.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from embedded.binaries import ServersUnavailable
from embedded.children import Child, project_children
from embedded.environment import (
    LOCK_FILE,
    local_environment,
    save_environment,
    with_inherited,
)
from embedded.files import hold_lock, private_folder
from embedded.preparation import Preparation, SignIns, UpFailed
from embedded.servers import GivenServers, Servers, are_given, running_servers

READY_SECONDS = 120.0
WATCH_SECONDS = 0.5
AnyServers = Servers | GivenServers


@dataclass(frozen=True, slots=True)
class UpOptions:
    port: int
    data: Path
    as_json: bool
    with_demo: bool
    concurrency: int


def up(options: UpOptions) -> int:
    """Run until Ctrl-C or SIGTERM. Returns the exit code."""
    try:
        with ExitStack() as stack:
            _hold_data_folder(options.data, stack)
            _check_port(options.port)
            servers = stack.enter_context(_servers(options))
            stack.enter_context(signals_ignored_at_the_end())
            _run_all(options, servers)
    except KeyboardInterrupt:
        say("stopped")
    except (UpFailed, ServersUnavailable) as error:
        say(str(error))
        return 1
    return 0


def say(text: str) -> None:
    sys.stderr.write(f"countersign: {text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def signals_ignored_at_the_end() -> Iterator[None]:
    """Let what follows this block finish, however often Ctrl-C is pressed."""
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _run_all(options: UpOptions, servers: AnyServers) -> None:
    started = time.monotonic()
    ours = local_environment(options.data, servers.environment())
    save_environment(options.data, ours)
    environment = with_inherited(ours)
    preparation = Preparation(options.data, environment, owns_database=not are_given())
    say("preparing the database")
    with ExitStack() as stack:
        with preparation.tables_and_static() as is_new:
            # As late as it can be: nothing keeps a free port free.
            port = options.port or _free_port()
            children = project_children(
                data=options.data,
                port=port,
                concurrency=options.concurrency,
                environment=environment,
            )
            # They take seconds to begin, and nobody asks them for anything yet.
            early = {"worker", "web"} if is_new else set()
            _start(early, children, stack)
            fill_demo = stack.enter_context(_demo(options, preparation))
        _start({child.name for child in children} - early, children, stack)
        stack.enter_context(signals_ignored_at_the_end())
        if options.with_demo and not preparation.has_demo():
            say("loading the demo workflows")
        sign_ins = fill_demo()
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, children)
        _announce(url, sign_ins, as_json=options.as_json)
        say(f"ready in {time.monotonic() - started:.1f} s; Ctrl-C stops everything")
        _watch(servers, children)


def _start(names: Set[str], children: Sequence[Child], stack: ExitStack) -> None:
    for child in children:
        if child.name in names:
            # The last that was started stops first.
            stack.callback(child.stop)
            child.start()


def _watch(servers: AnyServers, children: Sequence[Child]) -> None:
    while True:
        for name in servers.revive():
            say(f"{name} had ended; it is running again")
        for child in children:
            if told := child.keep_alive():
                say(told)
        time.sleep(WATCH_SECONDS)


def _demo(
    options: UpOptions, preparation: Preparation
) -> AbstractContextManager[Callable[[], SignIns]]:
    if options.with_demo:
        return preparation.demo()
    return nullcontext(lambda: {"accounts": [], "api_keys": {}})


def _wait_until_ready(url: str, children: Sequence[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in children:
            if child.has_ended():
                msg = f"{child.name} ended at its start; see {child.log}"
                raise UpFailed(msg)
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 -- our own loopback address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = f"the web server was not ready within {READY_SECONDS:.0f} s"
    raise UpFailed(msg)


def _announce(url: str, sign_ins: SignIns, *, as_json: bool) -> None:
    if as_json:
        text = json.dumps({"url": url, **sign_ins})
    else:
        lines = [
            f"  {account['username']:<16} {account['password']:<20} "
            + ", ".join(account["roles"])
            for account in sign_ins["accounts"]
        ]
        text = "\n".join(["", f"  Countersign is at {url}", "", *lines, ""])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _hold_data_folder(data: Path, stack: ExitStack) -> None:
    _make_data_folder(data)
    lock = hold_lock(data / LOCK_FILE, wait_seconds=1)
    if lock is None:
        msg = f"already running on the data folder {data}"
        raise UpFailed(msg)
    stack.enter_context(lock)
    # Figures of processes that are gone.
    shutil.rmtree(data / "metrics", ignore_errors=True)


def _make_data_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_folder(data / "logs")
    except OSError as error:
        msg = (
            f"the data folder {data} cannot be used "
            f"({error.strerror}): choose another with --data"
        )
        raise UpFailed(msg) from error
    if not os.access(data, os.W_OK | os.X_OK):
        msg = (
            f"the data folder {data} is not yours to write: choose another with --data"
        )
        raise UpFailed(msg)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            msg = f"port {port} cannot be used ({why}): choose another with --port"
            raise UpFailed(msg) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _servers(options: UpOptions) -> contextlib.AbstractContextManager[AnyServers]:
    if are_given():
        return contextlib.nullcontext(GivenServers())
    return running_servers(options.data / "servers")
