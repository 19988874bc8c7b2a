"""A server that answers as a test says, and an example that is run as it is."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "examples" / "external_model"
LABELS = ["legitimate", "fraud"]
type Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Elsewhere:
    """What the server was asked, and what it answers next (the last one stays)."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[Callable[[dict[str, Any]], Answer]] = field(default_factory=list)

    def next_answer(self, request: dict[str, Any]) -> Answer:
        last = len(self.answers) == 1
        return (self.answers[0] if last else self.answers.pop(0))(request)


def says(body: object, status: int = 200, **headers: str) -> Callable[[Any], Answer]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: (status, headers, data)


def fine(request: dict[str, Any]) -> Answer:
    """Answer well: nearly legitimate, the more so the smaller the amount."""
    rows = [[1 - p, p] for p in (min((r[0] or 0) / 1000, 1) for r in request["rows"])]
    answer = {"label_keys": LABELS, "probabilities": rows}
    return 200, {}, json.dumps(answer).encode()


@contextmanager
def elsewhere(*answers: Callable[[Any], Answer]) -> Iterator[Elsewhere]:
    """Serve on a free port of this machine until the end of the block."""
    here = Elsewhere(answers=list(answers) or [fine])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(length))
            here.asked.append(request)
            here.headers.append(dict(self.headers))
            status, headers, body = here.next_answer(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_port}/score"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def example_server(token: str) -> Iterator[str]:
    """Run the example as its README says; give its address."""
    command = [sys.executable, str(EXAMPLE / "server.py"), "--port=0"]
    process = subprocess.Popen(
        [*command, f"--token={token}"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
