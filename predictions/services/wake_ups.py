"""Tell the workers that items wait; the sweep finds what no wake-up reached."""

import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 5.0


@dataclass(slots=True)
class _WakeUps:
    paused_until: float = 0.0


# Of this process alone: losing it costs one time-out.
_wake_ups = _WakeUps()


def wake_scoring(workflow_pk: UUID) -> None:
    """Wake the scoring of a workflow. A lost wake-up costs a sweep's few seconds."""
    wake("reviewqueue.score_waiting", workflow_id=str(workflow_pk))


def wake(task: str, **kwargs: str) -> None:
    """Have a worker run a task that a sweep would run as well, only later.

    After one that Valkey did not take, none is sent for a moment: a server that hangs
    must not cost every chunk its time-out.
    """
    if time.monotonic() < _wake_ups.paused_until:
        return
    try:
        current_app.send_task(
            task,
            kwargs=kwargs,
            retry=False,
            expires=60,
        )
    except (OperationalError, OSError) as error:
        _wake_ups.paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("wake_up_lost", error=type(error).__name__)
