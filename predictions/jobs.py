"""Jobs of workers: taken by one, taken over by another when that one falls silent.

A job is a row with `status`, `worker_token` and `heartbeat_at`. Whoever took it writes
only where the token is still its own, so that a worker that was given up for dead
writes nothing beside the one that took over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db.models import Model, Q, QuerySet

# What is wrong with a job's rows or the machine, and ends it in words; anything else
# is a fault of ours, and leaves it to the sweep.
FAILURES: Final = (ArithmeticError, LookupError, OSError, TypeError, ValueError)

type Clock = Callable[[], datetime]


class JobTaken(Exception):
    """Another worker has taken the job over."""


def silent(now: datetime, after: timedelta) -> Q:
    """Match jobs whose worker gave no sign of life for so long, or that have none."""
    return Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - after)


def jobs_without_worker(
    jobs: QuerySet[Model], *, now: datetime, after: timedelta
) -> list[UUID]:
    """List those of some open jobs that no worker is at, the oldest first."""
    rows = jobs.filter(silent(now, after)).order_by("pk")
    return list(rows.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Hold[Job: Model]:
    """One worker at one job, for as long as its token is the one in force."""

    job: QuerySet[Job]
    token: UUID
    running: str
    clock: Clock

    @property
    def mine(self) -> QuerySet[Job]:
        """The job's row where it is still this worker's; else none."""
        return self.job.filter(worker_token=self.token, status=self.running)

    def beat(self, **news: object) -> None:
        """Say that the work goes on, and what else is new. Raises: JobTaken."""
        if not self.mine.update(**{"heartbeat_at": self.clock(), **news}):
            raise JobTaken


def take[Job: Model](
    jobs: QuerySet[Job],
    pk: UUID,
    *,
    running: str,
    now: datetime,
    clock: Clock,
    **news: object,
) -> Hold[Job] | None:
    """Take a job by compare-and-set where it is among `jobs`; None where it is not.

    Of two who take the same at once one gets it. Writes `news` with it.
    """
    token = uuid4()
    told = {"status": running, "worker_token": token, "heartbeat_at": now, **news}
    if not jobs.filter(pk=pk).order_by().update(**told):
        return None
    row = jobs.model._default_manager.filter(pk=pk)
    return Hold(row, token, running, clock)
