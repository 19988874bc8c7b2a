"""What `up` says when it cannot start: one line, and no traceback."""

import json
import os
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from embedded.binaries import ServersUnavailable
from embedded.children import PROJECT
from embedded.files import hold_lock, private_folder
from embedded.postgres import Postgres
from embedded.supervisor import UpOptions, up


def options(data: Path, *, port: int = 0) -> UpOptions:
    return UpOptions(port=port, data=data, as_json=True, with_demo=False, concurrency=1)


def refused(data: Path, capsys: pytest.CaptureFixture[str], *, port: int = 0) -> str:
    """Start, which must fail, and return what is said."""
    assert up(options(data, port=port)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(tmp_path / "data", capsys, port=port)

    assert f"port {port} cannot be used (Address already in use)" in said
    assert "--port" in said


def test_port_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "port 99999 cannot be used" in refused(tmp_path, capsys, port=99_999)


def test_data_folder_that_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").touch()

    said = refused(tmp_path / "data", capsys)

    assert "data cannot be used (File exists): choose another with --data" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_data_folder_that_may_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)

    assert "(Permission denied)" in refused(tmp_path / "data", capsys)


def test_data_folder_that_others_may_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs").chmod(0o755)

    assert "must belong to you alone: chmod 700" in refused(tmp_path, capsys)


def test_data_folder_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = hold_lock(private_folder(tmp_path / "data") / "up.lock", wait_seconds=0)
    assert lock is not None
    with lock:
        said = refused(tmp_path / "data", capsys)

    assert "already running on the data folder" in said


def test_data_of_an_older_postgres_stays_as_it_is(tmp_path: Path) -> None:
    server = Postgres(private_folder(tmp_path / "own"), tmp_path, durable=True)
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("17\n")

    with pytest.raises(ServersUnavailable, match="holds data of PostgreSQL 17, not 18"):
        server.prepare()

    assert [path.name for path in server.data.iterdir()] == ["PG_VERSION"]


@pytest.mark.parametrize(
    "words", [["up", "--port", "x"], ["up", "--prot", "1"], ["fly"]]
)
def test_wrong_words_are_named(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "embedded", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert words[-1] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("own_servers")
def test_port_0_takes_a_free_one_and_tells_it(tmp_path: Path) -> None:
    words = ["up", "--json", "--no-demo", "--port=0", f"--data={tmp_path / 'data'}"]
    command = [sys.executable, "-m", "embedded", *words]
    with (
        (tmp_path / "up.log").open("w") as log,
        subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with urllib.request.urlopen(f"{url}/health/live", timeout=10) as answer:  # noqa: S310 -- our own loopback address
                assert answer.status == 200
        finally:
            process.terminate()

    assert process.returncode == 0
    assert 1024 <= urllib.parse.urlsplit(url).port < 65_536
