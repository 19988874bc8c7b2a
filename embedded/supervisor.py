"""Start everything on this machine, keep it running, stop it in order.

One process looks after the two servers, the web server, a Celery worker and beat.
Everything binds to loopback or to private sockets.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from embedded.servers import ServersUnavailable, die_with_parent, running_servers

PROJECT = Path(__file__).resolve().parent.parent
READY_SECONDS = 120.0
STOP_SECONDS = 15.0
RESTART_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
ENVIRONMENT_FILE = "environment.json"


class UpFailed(RuntimeError):
    """The start cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    port: int
    data: Path
    as_json: bool
    with_demo: bool
    concurrency: int


@dataclass
class Child:
    """A process to keep alive."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    n_deaths: int = 0
    restart_at: float = 0.0
    started_at: float = field(default=0.0)


def up(options: UpOptions) -> int:
    """Run until Ctrl-C or SIGTERM. Returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as stack:
            stack.enter_context(_data_folder_lock(options.data))
            _check_port(options.port)
            servers = stack.enter_context(running_servers(options.data / "servers"))
            environment = _environment(options, servers.environment())
            return _run_all(options, environment)
    except KeyboardInterrupt:
        say("stopped")
        return 0
    except (UpFailed, ServersUnavailable) as error:
        say(str(error))
        return 1


def say(text: str) -> None:
    sys.stderr.write(f"countersign: {text}\n")
    sys.stderr.flush()


def _run_all(options: UpOptions, environment: Mapping[str, str]) -> int:
    started = time.monotonic()
    _prepare(options, environment)
    children = _children(options)
    try:
        for child in children:
            _start(child, options, environment)
        facts = _demo(options, environment)
        url = f"http://127.0.0.1:{options.port}"
        _wait_until_ready(url, children, options)
        _announce(url, facts, as_json=options.as_json)
        say(f"ready in {time.monotonic() - started:.1f} s; Ctrl-C stops everything")
        while True:
            for child in children:
                _keep_alive(child, options, environment)
            time.sleep(0.5)
    finally:
        # Children that die now die because they are told to.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop_all(children)


def _prepare(options: UpOptions, environment: Mapping[str, str]) -> None:
    say("preparing the database")
    static = _collect_static(options, environment)
    migrate = _manage(options, environment, "migrate", "--no-input", "--verbosity", "0")
    for process, what in ((migrate, "migrate"), (static, "collectstatic")):
        if process is not None and process.wait():
            msg = f"{what} failed; see {options.data / 'logs' / (what + '.log')}"
            raise UpFailed(msg)
    if static is not None:
        _static_stamp(options).write_text(_static_state())


def _collect_static(
    options: UpOptions, environment: Mapping[str, str]
) -> subprocess.Popen[bytes] | None:
    stamp = _static_stamp(options)
    if stamp.exists() and stamp.read_text() == _static_state():
        return None
    shutil.rmtree(options.data / "static", ignore_errors=True)
    return _manage(
        options, environment, "collectstatic", "--no-input", "--verbosity", "0"
    )


def _static_stamp(options: UpOptions) -> Path:
    return options.data / "static.stamp"


def _static_state() -> str:
    digest = hashlib.sha256()
    sources = [PROJECT / "requirements.txt"]
    sources += sorted(p for p in (PROJECT / "static").rglob("*") if p.is_file())
    for path in sources:
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _manage(
    options: UpOptions, environment: Mapping[str, str], command: str, *words: str
) -> subprocess.Popen[bytes]:
    with _log(options, command) as log:
        return subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "manage.py", command, *words],
            cwd=PROJECT,
            env=dict(environment),
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )


def _children(options: UpOptions) -> list[Child]:
    python = sys.executable
    schedule = options.data / "celerybeat-schedule"
    celery = [python, "-m", "celery", "--app", "config"]
    return [
        Child(
            "worker",
            [
                *celery,
                "worker",
                f"--concurrency={options.concurrency}",
                "--without-gossip",
                "--without-mingle",
                "--loglevel=INFO",
            ],
        ),
        Child("beat", [*celery, "beat", f"--schedule={schedule}", "--pidfile="]),
        Child(
            "web",
            [
                str(Path(python).parent / "granian"),
                "--interface=wsgi",
                "--host=127.0.0.1",
                f"--port={options.port}",
                "--workers=2",
                "--blocking-threads=4",
                "--no-ws",
                "config.wsgi:application",
            ],
        ),
    ]


def _start(child: Child, options: UpOptions, environment: Mapping[str, str]) -> None:
    with _log(options, child.name) as log:
        child.process = subprocess.Popen(  # noqa: S603 -- our own command
            child.command,
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is passed on in order, by us
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    child.started_at = time.monotonic()
    child.restart_at = 0.0


def _keep_alive(
    child: Child, options: UpOptions, environment: Mapping[str, str]
) -> None:
    if child.process is None or child.process.poll() is None:
        return
    now = time.monotonic()
    if not child.restart_at:
        if now - child.started_at > 60:
            child.n_deaths = 0
        pause = RESTART_PAUSES[min(child.n_deaths, len(RESTART_PAUSES) - 1)]
        child.n_deaths += 1
        child.restart_at = now + pause
        say(
            f"{child.name} ended with {child.process.returncode}; "
            f"starting it again in {pause:g} s"
        )
    elif now >= child.restart_at:
        _start(child, options, environment)


def _stop_all(children: Sequence[Child]) -> None:
    """Stop web first, so that nothing new comes in, then beat, then the worker."""
    for child in reversed(children):
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def _demo(options: UpOptions, environment: Mapping[str, str]) -> dict[str, object]:
    """Load the demo and return its sign-ins and keys; at later starts just read them."""
    if not options.with_demo:
        return {"accounts": [], "api_keys": {}}
    loaded = options.data / "demo.json"
    if loaded.exists():
        known: dict[str, object] = json.loads(loaded.read_text())
        return known
    say("loading the demo workflows")
    credentials = options.data / "credentials.json"
    with _log(options, "demo") as log:
        done = subprocess.run(  # noqa: S603 -- our own command
            [
                sys.executable,
                "manage.py",
                "demo",
                "--json",
                f"--credentials={credentials}",
            ],
            cwd=PROJECT,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=die_with_parent(signal.SIGTERM),
            check=False,
        )
    if done.returncode:
        msg = f"the demo failed; see {options.data / 'logs' / 'demo.log'}"
        raise UpFailed(msg)
    facts: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    _write_private(loaded, json.dumps(facts))
    return facts


def _wait_until_ready(url: str, children: Sequence[Child], options: UpOptions) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in children:
            if child.process is not None and child.process.poll() is not None:
                log = options.data / "logs" / f"{child.name}.log"
                msg = f"{child.name} ended at its start; see {log}"
                raise UpFailed(msg)
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 -- our own loopback address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = f"the web server was not ready within {READY_SECONDS:.0f} s"
    raise UpFailed(msg)


def _announce(url: str, facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"url": url, **facts}) + "\n")
        sys.stdout.flush()
        return
    lines = ["", f"  Countersign is at {url}", ""]
    accounts = facts.get("accounts")
    for account in accounts if isinstance(accounts, list) else []:
        roles = ", ".join(account["roles"])
        lines.append(f"  {account['username']:<12} {account['password']:<20} {roles}")
    sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.flush()


def _environment(options: UpOptions, addresses: Mapping[str, str]) -> dict[str, str]:
    media, static = options.data / "media", options.data / "static"
    ours = {
        **addresses,
        "SECRET_KEY": _secret_key(options.data / "secret.key"),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "INSECURE_HTTP": "1",
        "COUNTERSIGN_MEDIA_ROOT": str(media),
        "COUNTERSIGN_STATIC_ROOT": str(static),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    _write_private(options.data / ENVIRONMENT_FILE, json.dumps(ours))
    return {**os.environ, **ours}


def _secret_key(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(50))
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _data_folder_lock(data: Path) -> IO[str]:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "logs").mkdir(mode=0o700, exist_ok=True)
    lock = (data / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        msg = f"already running on the data folder {data}"
        raise UpFailed(msg) from error
    return lock


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"port {port} is taken: choose another with --port"
            raise UpFailed(msg) from error


def _log(options: UpOptions, name: str) -> IO[bytes]:
    return (options.data / "logs" / f"{name}.log").open("ab")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
