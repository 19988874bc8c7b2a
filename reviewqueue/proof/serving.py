"""The product's own processes, as `up` starts them, on the database of this one."""

import contextlib
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import connection

from embedded.children import Child, project_children
from embedded.environment import local_environment, with_inherited
from embedded.files import private_folder
from reviewqueue.proof.steps import ProofFailed

READY_SECONDS = 120.0
WORKER_PROCESSES = 2


@contextlib.contextmanager
def served(data: Path) -> Iterator[int]:
    """Run web server, worker and beat while the block runs; yields the port.

    Their logs, and nothing else, are kept below `data`.
    Raises: ProofFailed when one of them does not start.
    """
    private_folder(data / "logs")
    port = _free_port()
    children = project_children(
        data=data,
        port=port,
        concurrency=WORKER_PROCESSES,
        environment=_environment(data),
    )
    with contextlib.ExitStack() as stack:
        for child in children:
            stack.callback(child.stop)
            child.start()
        _wait_until_ready(port, children)
        yield port


def _environment(data: Path) -> dict[str, str]:
    """Name this process's database, files and secret to the others."""
    name = quote(str(connection.settings_dict["NAME"]))
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}")
    addresses = {
        "DATABASE_URL": database.geturl(),
        "REDIS_URL": os.environ["REDIS_URL"],
    }
    shared = {
        "SECRET_KEY": settings.SECRET_KEY,
        "COUNTERSIGN_MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "LOG_LEVEL": "WARNING",
    }
    return with_inherited({**local_environment(data, addresses), **shared})


def _wait_until_ready(port: int, children: Sequence[Child]) -> None:
    url = f"http://127.0.0.1:{port}/health/ready"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if ended := [child for child in children if child.has_ended()]:
            log = ended[0].log.read_text(errors="replace")[-2000:]
            raise ProofFailed(f"{ended[0].name} ended at its start: {log}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ProofFailed(f"the web server was not ready within {READY_SECONDS:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
