"""A collector of traces as any other: OTLP over HTTP, on loopback, kept in memory."""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


@dataclass(frozen=True)
class Sent:
    """A span as it came over the wire."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    is_failed: bool
    attributes: dict[str, str]
    events: list[tuple[str, dict[str, str]]]


@dataclass
class Collector:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[Sent]:
        return [span for body in list(self.bodies) for span in read(body)]

    def named(self, name: str) -> list[Sent]:
        return [span for span in self.spans if span.name == name]


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Collect until the end of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.headers.append(dict(self.headers))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def read(body: bytes) -> Iterator[Sent]:
    request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
    for of_resource in request.resource_spans:
        resource = _facts(of_resource.resource.attributes)
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield Sent(
                    service=resource["service.name"],
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    is_failed=span.status.code == 2,
                    attributes=_facts(span.attributes),
                    events=[(one.name, _facts(one.attributes)) for one in span.events],
                )


def _facts(attributes: Iterable[Any]) -> dict[str, str]:
    return {
        one.key: str(getattr(one.value, one.value.WhichOneof("value")))
        for one in attributes
    }
