"""Snapshots for tests: labelled, built and read through the real services."""

from datetime import datetime

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Decision, Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.snapshots import (
    build_snapshot,
    request_snapshot,
    stream_snapshot,
)
from tests.reviewqueue.services.steps import claim, decide

FORMATS = ("parquet", "csv", "jsonl")


def label_next(
    workflow: Workflow, reviewer: User, label: str, *, now: datetime
) -> Decision:
    """Claim the next case and give it this label."""
    case = claim(workflow, reviewer, now=now)
    return decide(case, reviewer, now=now, label=label).decision


def built(workflow: Workflow, *, now: datetime, as_of: datetime) -> Snapshot:
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now, as_of=as_of
    )
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: now)
    snapshot.refresh_from_db()
    assert snapshot.status == SnapshotStatus.READY, snapshot.failure
    return snapshot


def bytes_of(snapshot: Snapshot) -> dict[str, bytes]:
    return {name: b"".join(stream_snapshot(snapshot, name)) for name in FORMATS}
