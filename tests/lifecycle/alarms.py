"""Readings and alerts for tests, through the real services."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from lifecycle.judging.found import Found, alarm, fine
from lifecycle.models import Alert, Reading
from lifecycle.services.monitors import watch
from lifecycle.services.monitors.look import Look
from predictions.models import Workflow

SAYS = "The oldest case has waited 3 h."


def look(
    workflow: Workflow, found: Found, *, now: datetime, monitor: str = "queue_age"
) -> Reading | None:
    """Have a monitor look, and find this; not in two threads at once."""
    with finding(found, monitor=monitor):
        return watch.look_once(workflow=workflow, monitor=monitor, now=now)


@contextmanager
def finding(found: Found, *, monitor: str = "queue_age") -> Iterator[None]:
    """Let whoever looks with a monitor find this."""
    looks: Mapping[str, Callable[[Look], Found]] = {monitor: lambda _: found}
    with patch.object(watch, "LOOKS", looks):
        yield


def look_alarmed(
    workflow: Workflow, *, now: datetime, monitor: str = "queue_age"
) -> Reading | None:
    return look(workflow, alarm(SAYS, 180.0, 1), now=now, monitor=monitor)


def look_fine(
    workflow: Workflow, *, now: datetime, monitor: str = "queue_age"
) -> Reading | None:
    return look(workflow, fine("No case waits.", 0.0), now=now, monitor=monitor)


def raised(workflow: Workflow, *, now: datetime, monitor: str = "queue_age") -> Alert:
    """Raise an alert."""
    look_alarmed(workflow, now=now, monitor=monitor)
    return Alert.objects.get(workflow=workflow, monitor=monitor)
