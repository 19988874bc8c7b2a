"""A snapshot of a million labelled rows, beside a bare COPY … TO of the same rows.

Built and converted in a process of its own, so that its peak of memory is that of the
work alone. The peer joins the same tables for the same columns, in the same order, and
throws away what it reads.
"""

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from uuid import UUID

from django.db import connection
from django.utils import timezone

from benchmarks.million import three_months
from benchmarks.results import Result
from predictions.models import Workflow
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.snapshots import (
    build_snapshot,
    count_snapshot,
    request_snapshot,
    stream_snapshot,
)

MEMORY_AIM_MB = 400
_COPY = """
COPY (
    SELECT i.external_id, i.id, i.subject, i.occurred_at, i.received_at, i.features,
           l.label, l.source, l.version, l.created_at,
           d.verdict, d.reason_code, r.label, m.number, r.score, r.probability,
           r.threshold, r.kind, r.reason, r.review_probability, p.version,
           d.blind, r.second_opinion, u.pseudonym,
           d.claimed_at, d.opened_at, d.decided_at
    FROM (SELECT DISTINCT ON (item_id) * FROM reviewqueue_label
          WHERE workflow_id = %s ORDER BY item_id, version DESC) l
    JOIN predictions_item i ON i.id = l.item_id
    JOIN reviewqueue_route r ON r.item_id = l.item_id
    JOIN reviewqueue_policy p ON p.id = r.policy_id
    LEFT JOIN predictions_modelversion m ON m.id = r.model_version_id
    LEFT JOIN reviewqueue_decision d ON d.item_id = l.item_id
    LEFT JOIN accounts_user u ON u.id = d.reviewer_id
    WHERE l.source <> 'retracted'
    ORDER BY l.item_id
) TO STDOUT (FORMAT csv)
"""


@dataclass(frozen=True)
class Work:
    """How long something took in a process of its own, and what memory it needed."""

    n_rows: int
    seconds: float
    idle_mb: float
    peak_mb: float


def run(n: int = 1_000_000) -> list[Result]:
    """Count, build and download a snapshot of `n` items' labels."""
    workflow = three_months(n, until=timezone.now())
    counted = _timed(lambda: _n_counted(workflow))
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=timezone.now()
    )
    build = _apart(build_it, snapshot.pk)
    raw = _timed(lambda: _bare_copy(workflow))
    works = {
        "build": build,
        "download as CSV": _apart(take_csv, snapshot.pk),
        "download as JSON lines": _apart(take_jsonl, snapshot.pk),
    }
    count = Result(
        "snapshot: show counts",
        n=build.n_rows,
        ours=counted * 1000,
        unit="ms",
    )
    rows = [_beside(name, work, raw) for name, work in works.items()]
    return [count, *rows, *(_memory(name, work) for name, work in works.items())]


def build_it(snapshot_id: UUID) -> Work:
    """Build a snapshot in this process."""
    idle = _rss_mb()
    began = time.perf_counter()
    assert build_snapshot(snapshot_id=snapshot_id, clock=timezone.now)
    seconds = time.perf_counter() - began
    n_rows = Snapshot.objects.get(pk=snapshot_id).n_rows
    return Work(n_rows, seconds, idle, _rss_mb())


def take_csv(snapshot_id: UUID) -> Work:
    return _take(snapshot_id, "csv")


def take_jsonl(snapshot_id: UUID) -> Work:
    return _take(snapshot_id, "jsonl")


def _take(snapshot_id: UUID, file_format: str) -> Work:
    snapshot = Snapshot.objects.get(pk=snapshot_id)
    idle = _rss_mb()
    began = time.perf_counter()
    for _ in stream_snapshot(snapshot, file_format):
        pass
    seconds = time.perf_counter() - began
    return Work(snapshot.n_rows, seconds, idle, _rss_mb())


def _apart(work: Callable[[UUID], Work], snapshot_id: UUID) -> Work:
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, snapshot_id).result()


def _n_counted(workflow: Workflow) -> int:
    now = timezone.now()
    found = count_snapshot(
        workflow=workflow, filters=SnapshotFilters(), as_of=now, now=now
    )
    return sum(one.n for one in found)


def _bare_copy(workflow: Workflow) -> int:
    with connection.cursor() as cursor, cursor.copy(_COPY, [workflow.pk]) as copy:
        return sum(len(block) for block in copy)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _beside(name: str, work: Work, raw_seconds: float) -> Result:
    ours, raw = work.n_rows / work.seconds, work.n_rows / raw_seconds
    return Result(
        f"snapshot: {name} / COPY … TO",
        n=work.n_rows,
        ours=ours,
        raw=raw,
        ratio=ours / raw,
        unit="rows/s",
    )


def _memory(name: str, work: Work) -> Result:
    return Result(
        f"snapshot: {name}, peak memory (idle as raw)",
        n=work.n_rows,
        ours=work.peak_mb,
        raw=work.idle_mb,
        ratio=work.peak_mb / work.idle_mb,
        unit="MB",
        aim=f"≤ {MEMORY_AIM_MB}",
    )
