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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from embedded.servers import running_servers
from tests.faults import processes
from tests.tables import kept_tables, load_tables

PROJECT = Path(__file__).resolve().parents[2]
PREPARE = (
    "import django; django.setup(); from tests.faults import prepare as p; p.main()"
)
STOP_SECONDS = 40.0
CALL_SECONDS = 30.0
ONE = "one "
HOLD = 4242  # the advisory lock that held statements wait for
SETTINGS = {
    "SWEEP_SECONDS": "1",
    "DATABASE_POOL_TIMEOUT_SECONDS": "2",
    "TRUSTED_MODEL_TYPES": "tests.predictions.learning.hanging.Misbehaving",
}
# Whatever servers and settings this test run has are not the stack's.
NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
type Json = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """What a client got; status 0 when the connection failed or broke."""

    status: int
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """A running `up` on a data folder: its address, keys and processes."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.keys: list[str] = []
        self.workflow = ""
        self.broken: Mapping[str, str] = {}  # keys, by workflow
        self.environment: Mapping[str, str] = {}
        self.process: subprocess.Popen[str] | None = None

    # --- starting and stopping ------------------------------------------------------

    def fill(self) -> None:
        """Make the data folder with its tables: their migrations are no fault."""
        with running_servers(self.data / "servers") as servers:
            into = servers.environment()["DATABASE_URL"]
            load_tables(kept_tables(), into=into)

    def start(self) -> None:
        """Start `up` without the demo; return when it says that it is ready."""
        own = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED} | SETTINGS
        command = [sys.executable, "-m", "embedded", "up", "--json", "--no-demo"]
        log = self.data.parent / "up.log"
        with log.open("a") as output:
            self.process = subprocess.Popen(
                [*command, f"--port={self.port}", f"--data={self.data}"],
                cwd=PROJECT,
                env=own,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), log.read_text()
        saved = json.loads((self.data / "environment.json").read_text())
        self.environment = own | saved

    def prepare(self) -> None:
        """Make the workflows, the models and the keys."""
        done = subprocess.run(
            [sys.executable, "-c", PREPARE],
            cwd=PROJECT,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            check=True,
        )
        facts = json.loads(done.stdout.splitlines()[-1])
        self.workflow, self.keys = facts["workflow"], facts["keys"]
        self.broken = facts["broken"]

    def stop(self) -> None:
        process = self.process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def crash(self) -> None:
        """End all of it at once, as a machine that loses its power does."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGSTOP)  # it must not revive what dies first
        for pid in self._family():
            processes.send(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    # --- the client's side ----------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = "",
        idempotency_key: str = "",
        timeout: float = CALL_SECONDS,
    ) -> Answer:
        """Call the API, or a path outside of it; a broken connection is status 0."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        prefix = "" if path.startswith("/health") else "/api/v1"
        request = urllib.request.Request(  # noqa: S310 -- our own loopback address
            f"{self.url}{prefix}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 -- the same
                return Answer(answer.status, _object(answer.read()), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _object(error.read()), error.headers)
        except (OSError, ValueError):
            return Answer(0)

    def send(self, items: Sequence[Json], *, key: str = "", slug: str = "") -> Answer:
        path = f"/workflows/{slug or self.workflow}/items"
        return self.call("POST", path, items, key=key or self.keys[0])

    # --- processes ------------------------------------------------------------------

    def pids(self, part: str) -> list[int]:
        """Return the processes of a part, the oldest first."""
        family = self._family()
        return sorted(
            pid for pid, line in family.items() if processes.PARTS[part](line)
        )

    def kill(self, part: str) -> int:
        """Send SIGKILL to a part; return to how many processes.

        To all of them, or to the youngest alone: "web", "one web".
        """
        pids = self.pids(part.removeprefix(ONE))
        if part.startswith(ONE):
            pids = pids[-1:]
        for pid in pids:
            processes.send(pid, signal.SIGKILL)
        return len(pids)

    @contextlib.contextmanager
    def unattended(self) -> Iterator[None]:
        """Let nobody start again what ends, until the end of the block."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _family(self) -> dict[int, str]:
        assert self.process is not None
        return processes.descendants(self.process.pid)

    # --- the database, past all of our code -----------------------------------------

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.environment["DATABASE_URL"], autocommit=True)

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self.connect() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def number(self, statement: str, *values: object) -> int:
        (value,) = self.rows(statement, *values)[0]
        assert isinstance(value, int)
        return value

    @contextlib.contextmanager
    def held(self, table: str, *, at_commit: bool) -> Iterator[Callable[[], None]]:
        """Let each transaction that inserts into a table wait: at its end or there.

        Gives a function that lets them go on, which the end of the block does too.
        """
        when = (
            f"CONSTRAINT TRIGGER held AFTER INSERT ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            if at_commit
            else f"TRIGGER held AFTER INSERT ON {table} FOR EACH STATEMENT"
        )
        with self.connect() as connection:
            connection.execute(_WAIT.encode())
            connection.execute(f"SELECT pg_advisory_lock({HOLD})".encode())
            connection.execute(f"CREATE {when} EXECUTE FUNCTION held()".encode())

            def go_on() -> None:
                connection.execute(b"SELECT pg_advisory_unlock_all()")

            try:
                yield go_on
            finally:
                go_on()
                connection.execute(f"DROP TRIGGER held ON {table}".encode())

    def n_held(self) -> int:
        return self.number(f"SELECT count(*) {_HELD}", HOLD)

    def end_held(self) -> None:
        """End the sessions that wait, as a database that shuts down does."""
        self.rows(f"SELECT pg_terminate_backend(pid) {_HELD}", HOLD)


_HELD = "FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
_WAIT = f"""
CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({HOLD});
    RETURN NULL;
END $$
"""


@contextlib.contextmanager
def running_stack(data: Path) -> Iterator[Stack]:
    """Start everything on a new data folder; stop it at the end."""
    stack = Stack(data)
    try:
        stack.fill()
        stack.start()
        stack.prepare()
        yield stack
    finally:
        stack.stop()


def eventually(condition: Callable[[], bool], *, seconds: float = 60.0) -> bool:
    """Try until it holds or the time is over; a database that is down is a no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error):
            if condition():
                return True
        time.sleep(0.1)
    return False


def _object(body: bytes) -> Json:
    found = json.loads(body) if body else {}
    return found if isinstance(found, dict) else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
