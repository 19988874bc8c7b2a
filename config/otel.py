"""OpenTelemetry, from request to task to PostgreSQL; imported by `config.tracing`.

The libraries put addresses, statements and messages of exceptions on their spans. What
leaves the machine is therefore what is listed here, and nothing else.
"""

import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

import structlog
from celery import current_app
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    Event,
    ReadableSpan,
    Span,
    SpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from config.logging import IDS
from config.request_log import ids_of
from predictions.services.steps import Facts, show_steps

OURS: Final = "countersign."
# By both sets of names: the libraries write the older one unless told otherwise.
SENT: Final = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.scheme",
        "url.scheme",
        "http.status_code",
        "http.response.status_code",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        "db.statement",
        "db.query.text",
        "celery.action",
        "celery.task_name",
        "celery.retries",
        "messaging.message.id",
        "messaging.destination",
    }
)
STATEMENTS: Final = frozenset({"db.statement", "db.query.text"})
# Values are parameters. What a statement holds in itself is taken out all the same.
LITERAL: Final = re.compile(
    r"'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|(?<![\w$.])\d[\d.]*(?:e[+-]?\d+)?",
    re.DOTALL | re.IGNORECASE,
)
MAX_STATEMENT: Final = 2000
NOT_TRACED: Final = "/health/,/metrics$,/static/"


class Discreet(SpanExporter):
    """Passes spans on with ids, names and durations, and without anybody's data."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        told = [span for span in spans if not _is_alone(span)]
        if not told:
            return SpanExportResult.SUCCESS
        return self._exporter.export([_discreet(span) for span in told])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _is_alone(span: ReadableSpan) -> bool:
    """Say whether it is a statement of no request and no task: of a health check."""
    return span.parent is None and span.kind == trace.SpanKind.CLIENT


def _discreet(span: ReadableSpan) -> ReadableSpan:
    """Copy a span: listed attributes, kinds of exceptions, no words of a status."""
    attributes = {
        name: _without_literals(str(value)) if name in STATEMENTS else value
        for name, value in (span.attributes or {}).items()
        if name in SENT or name.startswith(OURS)
    }
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[_discreet_event(event) for event in span.events],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _discreet_event(event: Event) -> Event:
    kind = (event.attributes or {}).get("exception.type")
    kept = {"exception.type": kind} if kind else {}
    return Event(event.name, kept, event.timestamp)


def _without_literals(statement: str) -> str:
    return LITERAL.sub("?", statement)[:MAX_STATEMENT]


class WithIds(SpanProcessor):
    """Puts the log's ids of the moment on each span, and the trace's on each line."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        bound = structlog.contextvars.get_contextvars()
        for name in IDS:
            if name in bound:
                span.set_attribute(f"{OURS}{name}", str(bound[name]))


def start(*, process: str, endpoint: str, headers: str) -> None:
    """Send spans of requests, tasks, statements and steps to an OTLP/HTTP collector.

    `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and the
    other variables of the library's are read by it.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces",
        headers=parse_env_headers(headers, liberal=True),
    )
    provider = TracerProvider(resource=_resource(process))
    provider.add_span_processor(WithIds())
    provider.add_span_processor(BatchSpanProcessor(Discreet(exporter)))
    trace.set_tracer_provider(provider)
    # Callers may say whose trace a request belongs to, and nothing else.
    set_global_textmap(TraceContextTextMapPropagator())
    # A task is traced by its name, which only those know who have loaded it.
    current_app.autodiscover_tasks(force=True)
    DjangoInstrumentor().instrument(excluded_urls=NOT_TRACED, response_hook=_name_ids)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    PsycopgInstrumentor().instrument()
    show_steps(_begin)


def stop() -> None:
    """Send what waits to be sent, and trace no further."""
    show_steps(None)
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def _resource(process: str) -> Resource:
    if os.environ.get("OTEL_SERVICE_NAME"):
        return Resource.create()
    return Resource.create({"service.name": f"countersign-{process}"})


def _name_ids(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    for name, value in ids_of(request.resolver_match).items():
        span.set_attribute(f"{OURS}{name}", value)
    if request_id := response.headers.get("X-Request-ID"):
        span.set_attribute(f"{OURS}request_id", request_id)


def _begin(name: str, facts: Facts) -> AbstractContextManager[object]:
    attributes = {f"{OURS}{fact}": value for fact, value in facts.items()}
    tracer = trace.get_tracer("countersign")
    return tracer.start_as_current_span(name, attributes=attributes)
