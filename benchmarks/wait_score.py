"""The answer to `?wait=score` for one item, over HTTP on loopback.

A hundred requests a second from eight senders on kept connections, to the web server
with two processes: accept, validate, store, score, route, answer.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from django.utils import timezone

from accounts.enums import Role
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from benchmarks.results import Result, percentiles
from benchmarks.world import bench_champion, bench_workflow, features
from predictions.models import Workflow

N_SENDERS = 8
PER_SECOND = 100
START_SECONDS = 60.0


def run(*, quick: bool = False) -> list[Result]:
    """Send single items for 5 or 30 seconds and time each answer."""
    now = timezone.now()
    workflow = bench_workflow(now=now)
    bench_champion(workflow, now=now)
    key = _key(workflow)
    with web_server() as port:
        _send(workflow, key, port, seconds=3)  # each process loads the model
        took = _send(workflow, key, port, seconds=5 if quick else 30)
    p50, p99 = percentiles(took)
    name = "?wait=score, one item, 100 requests/s"
    return [Result(name, n=len(took), p50=p50, p99=p99, aim="p99 ≤ 100 ms")]


def _key(workflow: Workflow) -> str:
    now = timezone.now()
    owner = create_service_account(username=f"sender-{uuid4().hex[:8]}", now=now)
    grant_role(
        user=owner, scope=workflow.scope, role=Role.ENGINEER, actor=None, now=now
    )
    _, plain = create_api_key(
        owner=owner,
        scope=workflow.scope,
        name="benchmark",
        verbs=KEY_PERMISSIONS,
        actor=None,
        now=now,
    )
    return plain


@contextlib.contextmanager
def web_server() -> Iterator[int]:
    """Run the web server as in production on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    granian = str(Path(sys.executable).parent / "granian")
    options = ["--host=127.0.0.1", f"--port={port}", "--workers=2", "--no-ws"]
    with subprocess.Popen(  # noqa: S603 -- our own server
        [
            granian,
            "--interface=wsgi",
            "--blocking-threads=4",
            *options,
            "config.wsgi:application",
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "DATABASE_POOL_SIZE": "8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            probe.request("GET", "/health/live")
            if probe.getresponse().status == 200:
                return
        time.sleep(0.1)
    msg = "The web server did not start."
    raise RuntimeError(msg)


def _send(workflow: Workflow, key: str, port: int, *, seconds: float) -> list[float]:
    took: list[float] = []
    pause = N_SENDERS / PER_SECOND

    def send(place: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        next_at = time.perf_counter() + pause * place / N_SENDERS
        for number in range(int(seconds / pause)):
            time.sleep(max(0.0, next_at - time.perf_counter()))
            next_at += pause
            took.append(_one(line, workflow.slug, key, number))
        line.close()

    threads = [threading.Thread(target=send, args=(i,)) for i in range(N_SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def _one(line: http.client.HTTPConnection, slug: str, key: str, number: int) -> float:
    body = json.dumps(
        {
            "external_id": uuid4().hex,
            "occurred_at": timezone.now().isoformat(),
            "features": features(number),
        }
    )
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    began = time.perf_counter()
    line.request("POST", f"/api/v1/workflows/{slug}/items?wait=score", body, headers)
    answer = line.getresponse()
    content = answer.read()
    took = time.perf_counter() - began
    assert answer.status == 200, content[:500]
    return took
