"""The web application on a port of this machine, and a client that holds a key."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

TIMEOUT_SECONDS = 120


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 -- its name there
        """Say nothing: every request is counted by whoever made it."""


@contextlib.contextmanager
def served() -> Iterator[int]:
    """Serve the application on loopback while the block runs; yields the port."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Answer(NamedTuple):
    """What the API said; the body is None where there was none."""

    status: int
    body: Any


class ApiClient:
    """Talks to the API as one key; one connection, so one thread."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=TIMEOUT_SECONDS
        )
        self._key = key
        self.n_requests = 0

    def post(self, path: str, body: object, *, once: str = "") -> Answer:
        """Send JSON; `once` is the idempotency key, where one is wanted."""
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }
        if once:
            headers["Idempotency-Key"] = once
        self._connection.request(
            "POST", f"/api/v1/{path}", json.dumps(body).encode(), headers
        )
        self.n_requests += 1
        with self._connection.getresponse() as response:
            text = response.read()
            return Answer(response.status, json.loads(text) if text else None)

    def close(self) -> None:
        self._connection.close()


def fresh_key() -> str:
    """Return an idempotency key that nobody has used."""
    return str(uuid4())
