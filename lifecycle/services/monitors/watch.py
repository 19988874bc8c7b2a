"""Have monitors look when their time has come, keep what they found, thin out old."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from lifecycle.enums import ReadingVerdict
from lifecycle.judging.found import Found
from lifecycle.models import Reading
from lifecycle.queries.windows import moment_before
from lifecycle.services.alerts import follow_reading
from lifecycle.services.monitors.look import Look
from lifecycle.services.monitors.looks import LOOKS
from lifecycle.services.monitors.registry import BY_KEY, MONITORS, Monitor
from predictions.models import Workflow

KEPT: Final = timedelta(days=90)
KEPT_ALL: Final = timedelta(days=7)
MAX_SAYS: Final = 300
THIN_BATCH: Final = 10_000


def due_monitors(workflow: Workflow, *, now: datetime) -> list[Monitor]:
    """List the monitors whose newest moment has no reading yet."""
    moments = {one.key: moment_before(now, one.every) for one in MONITORS}
    looked = Q()
    for key, at in moments.items():
        looked |= Q(monitor=key, at=at)
    done = set(
        Reading.objects.filter(looked, workflow=workflow).values_list(
            "monitor", flat=True
        )
    )
    return [one for one in MONITORS if one.key not in done]


def watch(
    *, workflow: Workflow, now: datetime, monitors: Sequence[Monitor] = MONITORS
) -> list[Reading]:
    """Have every one of the monitors look that is due, one after the other."""
    found = [
        look_once(workflow=workflow, monitor=one.key, now=now)
        for one in due_monitors(workflow, now=now)
        if one in monitors
    ]
    return [one for one in found if one is not None]


def look_once(*, workflow: Workflow, monitor: str, now: datetime) -> Reading | None:
    """Have one monitor look; None where somebody else's look was faster.

    What it reads is read outside any transaction. The reading, and what follows of it
    for the monitor's alert, are written in one: both are there or neither.
    Raises: KeyError for a monitor that is not known.
    """
    described = BY_KEY[monitor]
    at = moment_before(now, described.every)
    look = Look(workflow, described, at, now)
    if Reading.objects.filter(workflow=workflow, monitor=monitor, at=at).exists():
        return None
    found = LOOKS[monitor](look)
    try:
        with transaction.atomic():
            # An alert is raised once, whoever looks at the same time.
            Workflow.objects.select_for_update(no_key=True).only("pk").get(
                pk=workflow.pk
            )
            reading = Reading.objects.create(**_columns(look, found))
            follow_reading(reading=reading, monitor=described, now=now)
            return reading
    except IntegrityError:
        if Reading.objects.filter(workflow=workflow, monitor=monitor, at=at).exists():
            return None
        raise


def _columns(look: Look, found: Found) -> dict[str, object]:
    value = found.value
    return {
        "workflow": look.workflow,
        "monitor": look.monitor.key,
        "kind": look.monitor.kind,
        "verdict": found.verdict,
        "value": value if value is not None and math.isfinite(value) else None,
        "n": found.n,
        "says": found.says[:MAX_SAYS],
        "data": finite(found.data),
        "at": look.at,
    }


def finite(value: object) -> object:
    """Return JSON data with null for what is no number: a database takes no NaN."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(one) for one in value]
    return value


def thin_readings(*, now: datetime) -> int:
    """Delete readings older than 90 days; of those older than 7, keep each full hour.

    What was no fine reading is kept for the 90 days. Returns how many went.
    """
    old = Reading.objects.filter(at__lt=now - KEPT)
    often = Reading.objects.filter(
        at__lt=now - KEPT_ALL, verdict=ReadingVerdict.FINE
    ).exclude(at__minute=0)
    return _delete(old.values_list("pk", flat=True)) + _delete(
        often.values_list("pk", flat=True)
    )


def _delete(keys: "Sequence[UUID] | object") -> int:
    n = 0
    while batch := list(keys[:THIN_BATCH]):  # type: ignore[index]  # a queryset
        n += Reading.objects.filter(pk__in=batch).delete()[0]
    return n
