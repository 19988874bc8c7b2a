"""Traces are opt-in: without the variable nothing is loaded, nothing is sent."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from config.otel import MAX_STATEMENT, Discreet
from predictions.services.steps import show_steps, step

ROOT = Path(__file__).resolve().parent.parent.parent
CONTEXT = SpanContext(1, 2, is_remote=False)
LOADED = """
import sys
import config.wsgi
from config.celery import app
from celery.signals import worker_process_init, worker_process_shutdown
worker_process_init.send(sender=None)
app.autodiscover_tasks(force=True)
worker_process_shutdown.send(sender=None)
used = ("exporter", "instrumentation", "proto", "sdk.trace")
print([name for name in sys.modules
       if name.startswith(tuple("opentelemetry." + one for one in used))])
"""


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def sent(**facts: object) -> list[ReadableSpan]:
    kept = Kept()
    given = {"name": "SELECT", "context": CONTEXT, "parent": CONTEXT} | facts
    assert Discreet(kept).export([ReadableSpan(**given)]) == SpanExportResult.SUCCESS
    return kept.spans


def test_nothing_is_loaded_without_the_variable() -> None:
    """The Redis client loads names of its interface by itself, where they are there."""
    environment = {
        name: value for name, value in os.environ.items() if "OTEL" not in name
    } | {"DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT a FROM t4 WHERE b = %s", "SELECT a FROM t4 WHERE b = %s"),
        ("SELECT 'it''s secret', x", "SELECT ?, x"),
        ("SELECT $q$it's secret$q$", "SELECT ?"),
        ("WHERE amount > 481.5e-3 LIMIT 21", "WHERE amount > ? LIMIT ?"),
        ("WHERE id = $1", "WHERE id = $1"),
        ("x" * 9000, "x" * MAX_STATEMENT),
        (f"{'y' * (MAX_STATEMENT - 8)} = 'a secret that is long'", None),
    ],
)
@pytest.mark.parametrize("name", ["db.statement", "db.query.text"])
def test_statements_are_sent_without_values(
    statement: str, told: str | None, name: str
) -> None:
    [span] = sent(attributes={name: statement})

    assert span.attributes is not None
    text = str(span.attributes[name])
    assert "secret" not in text
    if told is not None:
        assert text == told


def test_only_listed_facts_are_sent() -> None:
    facts = {
        "http.route": "w/<slug:slug>/items/",
        "http.target": "/w/cards/items/?q=somebody",
        "http.url": "http://localhost/w/cards/items/?q=somebody",
        "http.user_agent": "somebody's",
        "net.peer.ip": "203.0.113.5",
        "db.statement.parameters": "('somebody',)",
        "celery.argsrepr": "somebody",
        "countersign.case_id": "7",
    }

    [span] = sent(attributes=facts, kind=SpanKind.SERVER, parent=None)

    assert span.attributes == {
        "http.route": "w/<slug:slug>/items/",
        "countersign.case_id": "7",
    }


def test_failures_are_sent_by_kind_alone() -> None:
    words = {"exception.type": "ValueError", "exception.message": "of somebody"}
    event = Event("exception", words | {"exception.stacktrace": "of somebody"})
    status = Status(StatusCode.ERROR, "of somebody")

    [span] = sent(events=[event], status=status)

    assert span.status.status_code == StatusCode.ERROR
    assert span.status.description is None
    assert [one.attributes for one in span.events] == [{"exception.type": "ValueError"}]


def test_statements_of_health_checks_are_not_sent() -> None:
    assert sent(parent=None, kind=SpanKind.CLIENT) == []


def test_steps_cost_nothing_while_nobody_asks() -> None:
    show_steps(None)

    with step("score", n_items=3):
        pass
