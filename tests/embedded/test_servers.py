"""The real servers, started, killed and started again."""

import os
import signal
import stat
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from embedded import processes
from embedded.binaries import ServersUnavailable
from embedded.launch import NOBODY
from embedded.servers import Servers, are_given, running_servers, temporary_servers
from tests.embedded.conftest import is_running, run_python, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# As libraries do that send what they have gathered from a thread of their own.
START_THREADS_IN_CHILDREN = """
import os, threading, time
def start():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os.register_at_fork(after_in_child=start)
"""
PRINT_PIDS = """
import sys, time
from pathlib import Path
from embedded.servers import running_servers
with running_servers(Path(sys.argv[1])) as servers:
    print(servers.postgres.process.pid, servers.valkey.process.pid, flush=True)
    time.sleep(600)
"""


def execute(servers: Servers, sql: str) -> list[tuple[object, ...]]:
    url = servers.environment()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def valkey(servers: Servers) -> Redis:
    client: Redis = Redis.from_url(servers.environment()["REDIS_URL"])
    return client


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rows_and_messages_outlive_the_death_of_both_servers(tmp_path: Path) -> None:
    with running_servers(tmp_path / "servers") as servers:
        execute(servers, "CREATE TABLE kept (n int)")
        execute(servers, "INSERT INTO kept SELECT generate_series(1, 1000)")
        with valkey(servers) as client:
            client.set("wake", "up")
        # Valkey writes its log every second.
        assert wait_until(lambda: _is_in_the_log(tmp_path / "servers", b"wake"))
        for running in (servers.postgres, servers.valkey):
            running.process.kill()
            running.process.wait()

        assert servers.revive() == ["PostgreSQL", "Valkey"]

        assert servers.revive() == []
        assert execute(servers, "SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]
        with valkey(servers) as client:
            assert client.get("wake") == b"up"


def _is_in_the_log(folder: Path, word: bytes) -> bool:
    return any(word in path.read_bytes() for path in folder.rglob("*.incr.aof"))


def test_second_start_goes_on_with_data_and_password(tmp_path: Path) -> None:
    with running_servers(tmp_path / "servers") as servers:
        execute(servers, "CREATE TABLE kept AS SELECT 42 AS n")
        before = servers.environment()

    with running_servers(tmp_path / "servers") as servers:
        assert servers.environment() == before
        assert execute(servers, "SELECT n FROM kept") == [(42,)]


def test_server_is_the_newest_with_the_same_order_everywhere(tmp_path: Path) -> None:
    with running_servers(tmp_path / "servers") as servers:
        version, listens, durable = execute(
            servers,
            "SELECT current_setting('server_version_num')::int / 10000,"
            " current_setting('listen_addresses'), current_setting('fsync')",
        )[0]
        locale = execute(
            servers,
            "SELECT datlocprovider::text, datlocale FROM pg_database"
            " WHERE datname = current_database()",
        )

    assert (version, listens, durable) == (18, "", "on")
    assert locale == [("b", "C.UTF-8")]


def test_nothing_is_open_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    with running_servers(folder) as servers:
        assert mode(folder) == 0o700
        assert mode(folder / "sockets") == 0o700
        assert mode(folder / "postgres.password") == 0o600
        assert mode(folder / "valkey.conf") == 0o600
        wrong = servers.environment()["DATABASE_URL"].replace(
            "//postgres:", "//postgres:x"
        )
        with pytest.raises(psycopg.OperationalError, match="password authentication"):
            psycopg.connect(wrong)


def test_killing_the_parent_ends_both_servers(tmp_path: Path) -> None:
    parent = run_python(PRINT_PIDS, data=tmp_path / "servers", environment=_clean())
    assert parent.stdout is not None
    with parent.stdout as output:
        pids = [int(word) for word in output.readline().split()]
    assert [is_running(pid) for pid in pids] == [True, True]

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert wait_until(lambda: not any(is_running(pid) for pid in pids))
    with running_servers(tmp_path / "servers") as servers:
        assert execute(servers, "SELECT 1") == [(1,)]


def test_servers_start_where_a_library_starts_threads_in_every_child(
    tmp_path: Path,
) -> None:
    code = START_THREADS_IN_CHILDREN + PRINT_PIDS.replace("time.sleep(600)", "pass")

    parent = run_python(code, data=tmp_path / "servers", environment=_clean())

    output, _ = parent.communicate()
    assert [int(word) > 0 for word in output.split()] == [True, True]
    assert parent.returncode == 0
    is_another = os.geteuid() == 0 and processes._forbids("namespace")
    owner = NOBODY if is_another else os.geteuid()
    assert (tmp_path / "servers" / "postgres").stat().st_uid == owner


def test_folder_in_use_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.servers.LOCK_SECONDS", 0.2)
    with (
        running_servers(tmp_path / "servers"),
        pytest.raises(ServersUnavailable, match="another command is using"),
        running_servers(tmp_path / "servers"),
    ):
        pass


def test_long_folder_gets_short_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path.parent.parent))
    folder = tmp_path / ("long" * 30)

    with running_servers(folder) as servers:
        assert execute(servers, "SELECT 1") == [(1,)]
        assert not (folder / "sockets").exists()
        sockets = servers.valkey.server.socket.parent  # type: ignore[attr-defined]
        assert mode(sockets) == 0o700

    assert not sockets.exists()


def test_temporary_servers_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # A folder of pytest's may be too long for sockets, depending on the user's name.
    with tempfile.TemporaryDirectory(prefix="cs-test-") as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        with temporary_servers() as servers:
            pids = [servers.postgres.process.pid, servers.valkey.process.pid]
            assert execute(servers, "SHOW fsync") == [("off",)]

        assert list(Path(short).iterdir()) == []
    assert not any(is_running(pid) for pid in pids)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to leave")
def test_root_becomes_nobody_where_namespaces_are_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "servers"
    with running_servers(folder) as servers:
        execute(servers, "CREATE TABLE kept AS SELECT 42 AS n")

    if problem := processes._forbids("nobody"):
        pytest.skip(f"this system does not let root become nobody: {problem}")
    monkeypatch.setattr(
        processes, "_forbids", lambda user: "" if user == "nobody" else "forbidden"
    )
    with running_servers(folder) as servers:
        assert (folder / "postgres").stat().st_uid == NOBODY
        assert execute(servers, "SELECT n FROM kept") == [(42,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_who_may_become_nobody_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_forbids", lambda user: f"no {user} here")

    with (
        pytest.raises(
            ServersUnavailable,
            match=r"\(no namespace here\).*\(no nobody here\): start as another user",
        ),
        running_servers(tmp_path / "servers"),
    ):
        pass


def test_one_address_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://localhost/x")
    monkeypatch.delenv("REDIS_URL", raising=False)

    with pytest.raises(ServersUnavailable, match="DATABASE_URL is set alone"):
        are_given()


def _clean() -> dict[str, str]:
    given = ("DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in given}
