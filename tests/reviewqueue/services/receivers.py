"""A real HTTP server on loopback that keeps what it was sent and answers as told."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

INSIDER = ip_network("10.0.0.0/8")[1]  # an address that is somebody's own network


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with the given statuses in their order, then 204 for ever.

    A status of 0 never answers; of 1 answers a byte at a time; of 2 talks no HTTP.
    """

    url: str
    statuses: list[int]
    received: list[Received] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}/hook?a=b"
    server.receiver = Receiver(url, list(statuses))  # type: ignore[attr-defined]
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}
    )
    thread.start()
    try:
        yield server.receiver  # type: ignore[attr-defined]
    finally:
        server.receiver.closing.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        told: Receiver = self.server.receiver  # type: ignore[attr-defined]
        length = int(self.headers.get("content-length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told.received.append(Received(self.path, headers, self.rfile.read(length)))
        status = told.statuses.pop(0) if told.statuses else 204
        if status == 0:
            told.closing.wait(30)
        elif status == 1:
            self._drip(told)
        elif status == 2:
            self.wfile.write(b"SSH-2.0-nothing\r\n\r\n")
        else:
            self._answer(status)

    def _drip(self, told: Receiver) -> None:
        for byte in b"HTTP/1.1 200 OK" + b"." * 1000:
            if told.closing.wait(0.05):
                return
            try:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            except OSError:
                return

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
