"""The whole product as a new user starts it, to be hurt: processes, HTTP, database."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
type Json = dict[str, object]


@dataclass(frozen=True)
class Stack:
    """A running `up`: its address, keys and processes."""

    process: subprocess.Popen[str]
    url: str
    environment: Mapping[str, str]
    workflow: str
    keys: list[str]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str,
        idempotency_key: str = "",
    ) -> tuple[int, Json]:
        """Call the API; a connection that fails or breaks is status 0."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 -- our own loopback address
            f"{self.url}/api/v1{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- the same
                return answer.status, _object(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {}
        except (OSError, ValueError):
            return 0, {}

    def kill(self, what: str) -> int:
        """Send SIGKILL to every process of a part; return how many there were."""
        pids = _PARTS[what](self._family())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database itself, past all of our code."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(statement.encode()).fetchall()

    def number(self, statement: str) -> int:
        (value,) = self.rows(statement)[0]
        assert isinstance(value, int)
        return value

    def _family(self) -> dict[int, str]:
        """Return the command lines of all that descend from `up`."""
        parents, commands = {}, {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry.name)] = int(stat[1])
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                commands[int(entry.name)] = line.decode(errors="replace")
        return {
            pid: commands.get(pid, "")
            for pid in parents
            if _descends(pid, self.process.pid, parents)
        }


def _object(body: bytes) -> Json:
    found = json.loads(body) if body else {}
    return found if isinstance(found, dict) else {}


def _descends(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False


def _naming(*words: str) -> Callable[[dict[int, str]], list[int]]:
    def find(family: dict[int, str]) -> list[int]:
        return [pid for pid, line in family.items() if all(w in line for w in words)]

    return find


_PARTS: dict[str, Callable[[dict[int, str]], list[int]]] = {
    "worker": _naming("celery", " worker"),
    "web": _naming("granian"),
    "valkey": _naming("valkey-server"),
    # The postmaster; its backends notice and end by themselves.
    "postgres": _naming("postgres", " -D "),
}


@contextlib.contextmanager
def running_stack(data: Path) -> Iterator[Stack]:
    """Start everything on a data folder without the demo; stop it at the end."""
    command = [sys.executable, "-m", "embedded", "up", "--json", "--no-demo"]
    given = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    own = {name: value for name, value in os.environ.items() if name not in given}
    with (data.parent / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--port={_free_port()}", f"--data={data}"],
            cwd=PROJECT,
            env=own | {"SWEEP_SECONDS": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (data.parent / "up.log").read_text()
        environment = own | json.loads((data / "environment.json").read_text())
        yield _prepared(process, json.loads(line)["url"], environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _prepared(
    process: subprocess.Popen[str], url: str, environment: Mapping[str, str]
) -> Stack:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.prepare"],
        cwd=PROJECT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        check=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    return Stack(process, url, environment, facts["workflow"], facts["keys"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Try until it holds or the time is over; a database that is down is a no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error):
            if condition():
                return True
        time.sleep(0.2)
    return False
