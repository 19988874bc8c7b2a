"""Holding versions against gates in the background."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from lifecycle.services.gate_runs import (
    give_up_gate_runs,
    waiting_gate_runs,
    wake_gate_run,
)


@shared_task(name="lifecycle.hold_against_gates", time_limit=3600, soft_time_limit=3590)
def hold_against_gates(*, run_id: str, **kwargs: object) -> bool:
    """Hold one version against its gates."""
    from lifecycle.services import gating  # noqa: PLC0415 -- seconds that beat does without

    return gating.hold_against_gates(run_id=UUID(run_id), clock=timezone.now)


@shared_task(name="lifecycle.resume_gate_runs")
def resume_gate_runs(**kwargs: object) -> None:
    """Wake a worker for every run that nobody is at; fail what nobody finishes."""
    now = timezone.now()
    give_up_gate_runs(now=now)
    for run_id in waiting_gate_runs(now=now):
        wake_gate_run(run_id)
