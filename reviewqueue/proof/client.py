"""A client of the API that holds one key."""

import http.client
import json
from typing import Any, NamedTuple
from uuid import uuid4

TIMEOUT_SECONDS = 120
JSON = "application/json"
NDJSON = "application/x-ndjson"


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

    def get(self, path: str) -> Answer:
        return _parsed(*self._send("GET", path))

    def download(self, path: str) -> tuple[int, bytes]:
        return self._send("GET", path)

    def post(self, path: str, body: object, *, once: str = "") -> Answer:
        """Send JSON; `once` is the idempotency key, where one is wanted."""
        headers = {"Content-Type": JSON} | ({"Idempotency-Key": once} if once else {})
        return _parsed(*self._send("POST", path, json.dumps(body).encode(), headers))

    def post_lines(self, path: str, lines: list[dict[str, object]]) -> Answer:
        """Send NDJSON."""
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return _parsed(*self._send("POST", path, body, {"Content-Type": NDJSON}))

    def close(self) -> None:
        self._connection.close()

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        always = {"Authorization": f"Bearer {self._key}", "Host": "localhost"}
        self._connection.request(
            method, f"/api/v1/{path}", body, always | (headers or {})
        )
        self.n_requests += 1
        with self._connection.getresponse() as response:
            return response.status, response.read()


def _parsed(status: int, text: bytes) -> Answer:
    return Answer(status, json.loads(text) if text else None)


def fresh_key() -> str:
    """Return an idempotency key that nobody has used."""
    return str(uuid4())
