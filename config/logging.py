"""Structured logs: JSON lines in production, readable lines at a terminal.

Lines hold ids and counts. An exception's message may quote what an item holds, so of
exceptions they tell what broke and where, without a message.
"""

import logging
import traceback
from collections.abc import Iterator

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

# What a line says of whom and what it is about, as far as a trace tells it too.
IDS = (
    "request_id",
    "task_id",
    "workflow",
    "workflow_id",
    "case_id",
    "item_id",
    "snapshot_id",
    "run_id",
)


def logging_config(level: str, *, json: bool) -> dict[str, object]:
    """Build Django's LOGGING and configure structlog; no payload is ever logged."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"quiet": {"()": Discreet}},
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.ExceptionRenderer(traceback_of),
                    renderer,
                ],
                "foreign_pre_chain": PROCESSORS,
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "filters": ["quiet"],
            }
        },
        "loggers": {
            # All told by our own lines, with ids instead of paths and messages.
            "celery.worker.strategy": {"level": "WARNING"},
            "django.request": {"level": "CRITICAL"},
            "celery.app.trace": {"level": "CRITICAL"},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


class Discreet(logging.Filter):
    """Takes out of other libraries' lines what may quote a payload or an address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace exceptions by their kind, and a request's path by its pattern."""
        if isinstance(record.args, tuple):
            record.args = tuple(_discreet(one, record) for one in record.args)
        return True


def _discreet(value: object, record: logging.LogRecord) -> object:
    if isinstance(value, BaseException):
        return kind_of(value)
    request = getattr(record, "request", None)
    if value is not None and value == getattr(request, "path", None):
        match = getattr(request, "resolver_match", None)
        return getattr(match, "route", "(no page)")
    return value


def without_messages(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Name exceptions that were given as values; their words stay out."""
    for name, value in line.items():
        if isinstance(value, BaseException):
            line[name] = kind_of(value)
            if name == "exception":
                line["error"] = kind_of(value)
    return line


def kind_of(error: BaseException) -> str:
    """Return the type of an exception, with the code and rule of a database's one."""
    told = [type(error).__name__]
    for one in (error, error.__cause__):
        told += filter(None, (getattr(one, "sqlstate", None),))
        diagnosis = getattr(one, "diag", None)
        told += filter(None, (getattr(diagnosis, "constraint_name", None),))
    return " ".join(told)


def traceback_of(exc_info: ExcInfo) -> str:
    """Return what broke and where, down the chain of causes, without any message."""
    return "\n".join(
        "\n".join(["Traceback:", *_frames(error), kind_of(error)])
        for error in reversed(list(_chain(exc_info[1])))
    )


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"  {one.filename}:{one.lineno} in {one.name}: {one.line}" for one in frames
    ]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    without_messages,
]
