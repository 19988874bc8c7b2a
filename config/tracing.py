"""Traces of this process, where the operator named a collector.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing that traces or sends is even imported.
"""

from importlib import import_module

from django.conf import settings


def start_tracing(process: str) -> bool:
    """Trace this process, named `process` to the collector; say whether it is.

    Call it once the apps are there, before the first request or task, and after the
    last fork.
    """
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return False
    import_module("config.otel").start(
        process=process,
        endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers=settings.OTEL_EXPORTER_OTLP_HEADERS,
    )
    return True


def stop_tracing() -> None:
    """Send what is still held back; a process that ends hard loses it."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        import_module("config.otel").stop()
