"""From received to routed: the rate of two workers, and how long one item takes.

Real Celery workers, woken through Valkey as in production. An item counts as routed
when the transaction that routes it is committed: a watcher sees it leave the table of
what waits. The rate is of a backlog; the times are of items that arrive evenly.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from uuid import UUID

from django.db import connection
from django.utils import timezone

from benchmarks.results import Result, percentiles
from benchmarks.world import bench_champion, bench_workflow, raw_items
from predictions.enums import IntakeSource
from predictions.models import Item, PendingScore, Workflow
from predictions.services.intake import store_items
from predictions.services.wake_ups import wake_scoring
from reviewqueue.models import Route

CHUNK = 1000
PER_DAY = 50_000_000
RATE = PER_DAY / 86_400
TICK_SECONDS = 0.1
WATCH_SECONDS = 0.01
PATIENCE_SECONDS = 300.0


def run(*, quick: bool = False) -> list[Result]:
    """Time a backlog, and items that arrive at the rate of 50 million a day."""
    now = timezone.now()
    workflow = bench_workflow(now=now, low=0.9)
    bench_champion(workflow, now=now)
    with celery_worker():
        _drain(workflow, n=1000)  # models load, plans and pools are warm after
        n = 10_000 if quick else 100_000
        rate = n / _drain(workflow, n=n)
        took = _paced(workflow, seconds=5 if quick else 30)
    p50, p99 = percentiles(took)
    return [
        Result(
            "received → routed, a backlog",
            n=n,
            ours=rate,
            unit="items/s",
            ratio=rate / RATE,
            aim="ratio to 50 M a day ≥ 1, then 10",
        ),
        Result(
            "received → routed, one item at 50 M a day",
            n=len(took),
            p50=p50,
            p99=p99,
            aim="p99 < 1,000 ms",
        ),
    ]


@contextlib.contextmanager
def celery_worker() -> Iterator[None]:
    """Run a Celery worker with two processes on the same servers."""
    command = [sys.executable, "-m", "celery", "--app", "config", "worker"]
    options = ["--concurrency=2", "--without-gossip", "--without-mingle"]
    with subprocess.Popen(  # noqa: S603 -- our own worker
        [*command, *options, "--loglevel=ERROR"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def _drain(workflow: Workflow, *, n: int) -> float:
    """Store `n` items, wake the workers; return the seconds until all are routed."""
    before = Route.objects.filter(workflow=workflow).count()
    _store(workflow, n)
    began = time.perf_counter()
    for _ in range(2):
        wake_scoring(workflow.pk)
    deadline = began + PATIENCE_SECONDS
    while PendingScore.objects.filter(workflow=workflow).exists():
        assert time.perf_counter() < deadline, "the workers stand still"
        time.sleep(WATCH_SECONDS)
    seconds = time.perf_counter() - began
    assert Route.objects.filter(workflow=workflow).count() == before + n
    return seconds


def _store(workflow: Workflow, n: int, *, wake: bool = False) -> None:
    now = timezone.now()
    raw = list(raw_items(n, mark=f"{time.time_ns():x}", now=now))
    result = store_items(
        workflow=workflow,
        chunks=(raw[i : i + CHUNK] for i in range(0, n, CHUNK)),
        source=IntakeSource.API,
        now=now,
        wake=wake,
    )
    assert result.accepted == n


def _paced(workflow: Workflow, *, seconds: float) -> list[float]:
    """Send evenly; return each item's seconds from being sent to being routed."""
    sent: dict[UUID, float] = {}
    gone: dict[UUID, float] = {}
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(workflow, sent, gone, done))
    watcher.start()
    began = time.perf_counter()
    for tick in range(int(seconds / TICK_SECONDS)):
        at = time.perf_counter()
        known = Item.objects.filter(workflow=workflow).order_by("-id")
        last = known.values_list("id", flat=True).first()
        _store(workflow, round(RATE * TICK_SECONDS), wake=True)
        fresh = Item.objects.filter(workflow=workflow, id__gt=last)
        sent |= dict.fromkeys(fresh.values_list("id", flat=True), at)
        time.sleep(max(0.0, began + (tick + 1) * TICK_SECONDS - time.perf_counter()))
    done.set()
    watcher.join()
    return [gone[item] - at for item, at in sent.items()]


def _watch(
    workflow: Workflow,
    sent: dict[UUID, float],
    gone: dict[UUID, float],
    done: threading.Event,
) -> None:
    """Note when items are no longer waiting, to a hundredth of a second."""
    waiting = PendingScore.objects.filter(workflow=workflow)
    while not done.is_set() or len(gone) < len(sent):
        known = list(sent)
        left = set(waiting.values_list("item_id", flat=True))
        at = time.perf_counter()
        for item in known:
            if item not in left:
                gone.setdefault(item, at)
        time.sleep(WATCH_SECONDS)
    connection.close()
