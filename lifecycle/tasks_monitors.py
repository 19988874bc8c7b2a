"""Monitors and their mails in the background; each look is a task of its own."""

from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from lifecycle.services.alert_mails import has_due_mails, send_due_mails, wake_mails
from lifecycle.services.monitors.registry import DAY
from lifecycle.services.monitors.watch import due_monitors, look_once
from lifecycle.services.monitors.watch import thin_readings as thin_readings_service
from predictions.models import Workflow
from predictions.services.wake_ups import wake

# Looks of a day take long and are due at once: scoring must not wait behind them.
MAX_LONG = 8
log = structlog.get_logger(__name__)


@shared_task(name="lifecycle.watch")
def watch(**kwargs: object) -> None:
    """Wake the looks that are due, eight of a day's at most: others a minute later."""
    now = timezone.now()
    workflows = list(Workflow.objects.order_by("slug"))
    # Another workflow is first each minute: looks that fail hold no others up.
    first = int(now.timestamp()) // 60 % max(len(workflows), 1)
    n_long = 0
    for workflow in workflows[first:] + workflows[:first]:
        for monitor in due_monitors(workflow, now=now):
            n_long += monitor.every >= DAY
            if monitor.every >= DAY and n_long > MAX_LONG:
                continue
            wake("lifecycle.look", workflow_id=str(workflow.pk), monitor=monitor.key)


@shared_task(name="lifecycle.look")
def look(*, workflow_id: str, monitor: str, **kwargs: object) -> str:
    """Have one monitor of one workflow look; return its verdict."""
    workflow = Workflow.objects.get(pk=UUID(workflow_id))
    reading = look_once(workflow=workflow, monitor=monitor, now=timezone.now())
    if reading is None:
        return ""
    log.info("monitor_looked", monitor=monitor, verdict=str(reading.verdict))
    return str(reading.verdict)


@shared_task(name="lifecycle.thin_readings")
def thin_readings(**kwargs: object) -> int:
    """Delete old readings."""
    return thin_readings_service(now=timezone.now())


@shared_task(name="lifecycle.send_mails")
def send_mails(**kwargs: object) -> int:
    """Send what is due."""
    return send_due_mails(clock=timezone.now)


@shared_task(name="lifecycle.sweep_mails")
def sweep_mails(**kwargs: object) -> None:
    """Wake the sending where anything is due."""
    if has_due_mails(now=timezone.now()):
        wake_mails()
