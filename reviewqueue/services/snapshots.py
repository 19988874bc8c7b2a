"""Snapshots: ask for one, build it in a worker, stream it."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID, uuid4

from celery import current_app
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Workflow
from predictions.services.training import LabelledRows
from reviewqueue import snapshot_files
from reviewqueue.enums import LabelSource, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import (
    KNOWN_SOURCES,
    LabelCount,
    SnapshotFilters,
    count_rows,
    n_older_writers,
    read_rows,
)

CHUNK = snapshot_files.ROW_GROUP
BUILDER_SILENT = timedelta(seconds=60)  # then another worker may take the build over
WRITERS_SECONDS = 30.0
LIMITS = (
    "Items that the policy passed are labelled only where they were drawn for audit or "
    "an outcome came: weight by 1 / review_probability.",
    "A decision on a shown recommendation may follow it (automation bias); the column "
    "`blind` tells them apart.",
    "Labels are people's or outside systems' and may be wrong.",
)


class InvalidSnapshot(ValueError):
    """What was asked for cannot be a snapshot."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


class BuildTaken(Exception):
    """Another worker has taken the build over."""


def request_snapshot(
    *,
    workflow: Workflow,
    filters: SnapshotFilters,
    by: User | None,
    now: datetime,
    as_of: datetime | None = None,
) -> Snapshot:
    """File a snapshot as of now, or of an earlier moment, and wake a worker.

    Counts what it will hold. Raises: InvalidSnapshot.
    """
    moment = as_of or now
    counted = count_snapshot(workflow=workflow, filters=filters, as_of=moment, now=now)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            workflow=workflow,
            as_of=moment,
            filters=filters.to_json(),
            n_rows_expected=sum(one.n for one in counted),
            created_by=by,
            created_at=now,
        )
        transaction.on_commit(lambda: wake_builder(snapshot.pk))
    return snapshot


def count_snapshot(
    *, workflow: Workflow, filters: SnapshotFilters, as_of: datetime, now: datetime
) -> list[LabelCount]:
    """Count the rows that a snapshot would hold, by label and source.

    Raises: InvalidSnapshot.
    """
    errors = []
    if as_of > now:
        errors.append(FieldError("as_of", "future", as_of.isoformat()))
    begin, end = filters.labelled_from, filters.labelled_to
    if begin and end and end <= begin:
        errors.append(FieldError("labelled_to", "before_start", end.isoformat()))
    errors += [
        FieldError("sources", "value", source)
        for source in filters.sources
        if source not in KNOWN_SOURCES
    ]
    errors += [
        FieldError("labels", "value", label)
        for label in filters.labels
        if label not in workflow.declaration.label_keys
    ]
    if errors:
        raise InvalidSnapshot(errors)
    return count_rows(workflow.pk, filters, as_of=as_of)


def wake_builder(snapshot_id: UUID) -> None:
    """Send word to the workers; a lost message is made good by the sweep."""
    try:
        current_app.send_task(
            "reviewqueue.build_snapshot",
            kwargs={"snapshot_id": str(snapshot_id)},
            retry=False,
        )
    except (OperationalError, OSError):
        return


def waiting_snapshots(*, now: datetime) -> list[UUID]:
    """List the snapshots that no worker is at."""
    silent = Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - BUILDER_SILENT)
    open_ones = (SnapshotStatus.QUEUED, SnapshotStatus.BUILDING)
    rows = Snapshot.objects.filter(silent, status__in=open_ones).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def build_snapshot(*, snapshot_id: UUID, clock: Callable[[], datetime]) -> bool:
    """Write a snapshot's file; False when there is nothing to do (any more).

    Takes the build by compare-and-set; every step re-checks it, so that a worker that
    was given up for dead does not finish beside the one that took over. Waits for
    transactions that began before the moment and may still commit rows of it.
    """
    token = uuid4()
    snapshot = _take(snapshot_id, token, now=clock())
    if snapshot is None:
        return False
    try:
        _await_older_writers(snapshot.as_of)
        with tempfile.TemporaryFile() as target:
            tally = _write(snapshot, target, token, clock)
            _finish(snapshot, target, tally, token, now=clock())
    except BuildTaken:
        return False
    except (OSError, TimeoutError, ValueError) as error:
        _mine(snapshot, token).update(
            status=SnapshotStatus.FAILED,
            failure=f"{type(error).__name__}: {error}"[:500],
            finished_at=clock(),
        )
        return False
    return True


def stream_snapshot(snapshot: Snapshot, file_format: str) -> Iterator[bytes]:
    """Yield a ready snapshot as parquet, csv or jsonl, in bounded memory."""
    if file_format == "parquet":
        with snapshot.file.open("rb") as source:
            yield from iter(lambda: source.read(1 << 20), b"")
        return
    convert = {"csv": snapshot_files.csv_of, "jsonl": snapshot_files.jsonl_of}
    with snapshot.file.open("rb") as source:
        yield from convert[file_format](source)


def read_labelled_rows(snapshot: Snapshot) -> LabelledRows:
    """Return a ready snapshot for training, weighted by 1 / review probability.

    A row whose truth came from outside stands for itself alone, weight 1: its label is
    known whether or not the draw sent it to people.
    """
    with snapshot.file.open("rb") as source:
        rows = list(snapshot_files.labelled_rows(source))
    return LabelledRows(
        features=[row["features"] for row in rows],
        labels=[row["label"] for row in rows],
        occurred_at=[row["occurred_at"] for row in rows],
        weights=[_weight(row) for row in rows],
        snapshot_id=snapshot.pk,
    )


def _weight(row: Mapping[str, Any]) -> float:
    if row["label_source"] == LabelSource.OUTCOME:
        return 1.0
    return 1 / float(row["review_probability"])


def _take(snapshot_id: UUID, token: UUID, *, now: datetime) -> Snapshot | None:
    silent = Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - BUILDER_SILENT)
    taken = Snapshot.objects.filter(
        silent,
        pk=snapshot_id,
        status__in=(SnapshotStatus.QUEUED, SnapshotStatus.BUILDING),
    ).update(
        status=SnapshotStatus.BUILDING,
        builder_token=token,
        heartbeat_at=now,
        n_rows=0,
    )
    if not taken:
        return None
    return Snapshot.objects.select_related("workflow").get(pk=snapshot_id)


def _await_older_writers(as_of: datetime) -> None:
    deadline = time.monotonic() + WRITERS_SECONDS
    while n_older_writers(as_of):
        if time.monotonic() > deadline:
            msg = "A transaction older than the snapshot's moment did not end."
            raise TimeoutError(msg)
        time.sleep(0.1)


def _write(
    snapshot: Snapshot, target: IO[bytes], token: UUID, clock: Callable[[], datetime]
) -> snapshot_files.Tally:
    chunks = read_rows(
        snapshot.workflow_id,
        SnapshotFilters.from_json(snapshot.filters),
        as_of=snapshot.as_of,
        size=CHUNK,
    )
    tally = snapshot_files.Tally()
    written = snapshot_files.write_parquet(
        target, chunks, snapshot.workflow.declaration
    )
    for tally in written:
        mine = _mine(snapshot, token)
        if not mine.update(n_rows=tally.n_rows, heartbeat_at=clock()):
            raise BuildTaken
    return tally


def _finish(
    snapshot: Snapshot,
    target: IO[bytes],
    tally: snapshot_files.Tally,
    token: UUID,
    *,
    now: datetime,
) -> None:
    sha256 = _sha256(target)
    target.seek(0)
    name = snapshot.file.storage.save(
        f"snapshots/{sha256}.parquet", File(target, name=f"{sha256}.parquet")
    )
    done = _mine(snapshot, token).update(
        status=SnapshotStatus.READY,
        n_rows=tally.n_rows,
        file=name,
        sha256=sha256,
        datasheet=datasheet(snapshot, tally),
        finished_at=now,
    )
    if not done:
        raise BuildTaken


def datasheet(snapshot: Snapshot, tally: snapshot_files.Tally) -> dict[str, Any]:
    """Say what a snapshot is, how it was sampled, and what it cannot tell."""
    workflow = snapshot.workflow
    return {
        "workflow": workflow.slug,
        "workflow_version": workflow.version,
        "question": workflow.declaration.question,
        "data_note": workflow.declaration.data_note,
        "as_of": snapshot.as_of.isoformat(),
        "filters": snapshot.filters,
        "n_rows": tally.n_rows,
        "occurred_from": tally.first_at or None,
        "occurred_to": tally.last_at or None,
        "labels": dict(sorted(tally.labels.items())),
        "label_sources": dict(sorted(tally.sources.items())),
        "n_blind": tally.n_blind,
        "route_reasons": dict(sorted(tally.routes.items())),
        "review_probabilities": dict(sorted(tally.review_probabilities.items())),
        "model_versions": dict(sorted(tally.models.items())),
        "policy_versions": dict(sorted(tally.policies.items())),
        "reviewers": dict(sorted(tally.reviewers.items())),
        "missing": {name: n for name, n in sorted(tally.missing.items()) if n},
        "known_limits": list(LIMITS),
    }


def _mine(snapshot: Snapshot, token: UUID) -> Any:  # noqa: ANN401 -- a queryset
    return Snapshot.objects.filter(
        pk=snapshot.pk, builder_token=token, status=SnapshotStatus.BUILDING
    )


def _sha256(target: IO[bytes]) -> str:
    target.seek(0)
    digest = hashlib.sha256()
    for block in iter(lambda: target.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()
