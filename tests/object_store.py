"""A small object store on loopback: what the client sends, over real HTTP."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUCKET, KEY_ID = "countersign", "key-of-the-tests"


@dataclass
class Store:
    """Objects by bucket and key; `refusal` is what it says to everything, if any."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    refusal: int = 0

    def storages(self) -> dict[str, dict[str, object]]:
        """Return the setting that leads here."""
        options = {
            "bucket_name": BUCKET,
            "location": "production",
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "access_key": KEY_ID,
            "secret_key": "secret-of-the-tests",
        }
        return {
            "default": {"BACKEND": "config.storages.ObjectStore", "OPTIONS": options}
        }


@contextmanager
def running_store() -> Iterator[Store]:
    store = Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.is_let_in():
                store.objects[self.path] = body
                self.answer(200)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if not self.is_let_in():
                return
            if self.path not in store.objects:
                self.answer(404)
                return
            self.answer(200, store.objects[self.path])

        def do_DELETE(self) -> None:
            if self.is_let_in():
                store.objects.pop(self.path, None)
                self.answer(204)

        def is_let_in(self) -> bool:
            signed = f"Credential={KEY_ID}/" in self.headers.get("Authorization", "")
            if signed and not store.refusal:
                return True
            self.answer(store.refusal or 403)
            return False

        def answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep the test's output for the test."""

    return Handler
