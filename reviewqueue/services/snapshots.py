"""Snapshots: ask for one, build it in a worker, stream it."""

import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import IO, Any
from uuid import UUID

import structlog
from celery import current_app
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from kombu.exceptions import OperationalError

from accounts.models import User
from predictions.declaration import FieldError, declaration_from_json
from predictions.jobs import (
    FAILURES,
    Clock,
    Hold,
    JobTaken,
    jobs_without_worker,
    silent,
    take,
)
from predictions.models import Workflow, WorkflowVersion
from predictions.queries.measured import features_sql
from predictions.services.labelled_rows import LabelledRows
from predictions.services.unmasking import note_unmasked_snapshot
from reviewqueue import snapshot_files
from reviewqueue.enums import LabelSource, RouteKind, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import (
    KNOWN_SOURCES,
    LabelCount,
    SnapshotFilters,
    count_rows,
    n_older_writers,
    read_rows,
    seconds_since,
)
from reviewqueue.queries.snapshots_masked import masked_rows
from reviewqueue.services.datasheets import datasheet
from reviewqueue.snapshot_formats import FORMATS, count_guarded

CHUNK = snapshot_files.ROW_GROUP
BUILDER_SILENT = timedelta(seconds=60)  # then another worker may take the build over
WRITERS_SECONDS = 30.0
# A service reads its clock shortly before its transaction begins.
SETTLE_SECONDS = 2.0
GIVE_UP_AFTER = timedelta(hours=6)
GIVEN_UP = "No worker finished it within 6 hours; the log of the workers says why."

log = structlog.get_logger(__name__)


class InvalidSnapshot(ValueError):
    """What was asked for cannot be a snapshot."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


def request_snapshot(
    *,
    workflow: Workflow,
    filters: SnapshotFilters,
    by: User | None,
    now: datetime,
    as_of: datetime | None = None,
) -> Snapshot:
    """File a snapshot as of now, or of an earlier moment, and wake a worker.

    Counts what it will hold. One that is not masked is noted in the access log; whether
    they may is asked by who calls. Raises: InvalidSnapshot.
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
        if filters.unmasked and by is not None:
            note_unmasked_snapshot(
                snapshot_id=snapshot.pk, workflow=workflow, by=by, now=now
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
    if filters.unmasked and not workflow.declaration.masked:
        errors.append(FieldError("unmasked", "nothing_masked"))
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
    return jobs_without_worker(_open_snapshots(), now=now, after=BUILDER_SILENT)


def give_up_snapshots(*, now: datetime) -> int:
    """Fail the snapshots that nobody finished for hours, so that they say so."""
    late = _open_snapshots().filter(created_at__lt=now - GIVE_UP_AFTER)
    return late.update(status=SnapshotStatus.FAILED, failure=GIVEN_UP, finished_at=now)


def build_snapshot(*, snapshot_id: UUID, clock: Clock) -> bool:
    """Write a snapshot's file; False when there is nothing to do (any more).

    Takes the build by compare-and-set; every step re-checks it, so that a worker that
    was given up for dead does not finish beside the one that took over. Waits for
    transactions that began before the moment and may still commit rows of it.
    """
    build = _taken(snapshot_id, clock)
    if build is None:
        return False
    try:
        build.await_older_writers()
        with tempfile.TemporaryFile() as target:
            tally = build.write(target)
            build.finish(target, tally)
    except JobTaken:
        return False
    except FAILURES as error:
        build.fail(error)
        return False
    return True


def stream_snapshot(snapshot: Snapshot, file_format: str) -> Iterator[bytes]:
    """Yield a ready snapshot as parquet, csv or jsonl, in bounded memory."""
    with snapshot.file.open("rb") as source:
        yield from FORMATS[file_format](source)


def read_labelled_rows(snapshot: Snapshot) -> LabelledRows:
    """Return a ready snapshot for training, weighted by 1 / review probability."""
    with snapshot.file.open("rb") as source:
        rows = list(snapshot_files.labelled_rows(source))
    return LabelledRows(
        features=[row["features"] for row in rows],
        labels=[row["label"] for row in rows],
        occurred_at=[row["occurred_at"] for row in rows],
        weights=[row_weight(row) for row in rows],
        snapshot_id=snapshot.pk,
    )


def row_weight(row: Mapping[str, Any]) -> float:
    """Return how many items a row stands for: 1 / review probability.

    A row whose truth came from outside stands for itself alone, weight 1: its label is
    known whether or not the draw sent it to people. So does one that was decided alone
    and put back later: a person chose it, no draw did.
    """
    if row["label_source"] == LabelSource.OUTCOME:
        return 1.0
    if row["route_kind"] == RouteKind.AUTO:
        return 1.0
    return 1 / float(row["review_probability"])


def _open_snapshots() -> QuerySet[Snapshot]:
    open_ones = (SnapshotStatus.QUEUED, SnapshotStatus.BUILDING)
    return Snapshot.objects.filter(status__in=open_ones)


def _taken(snapshot_id: UUID, clock: Clock) -> "_Build | None":
    now = clock()
    hold = take(
        _open_snapshots().filter(silent(now, BUILDER_SILENT)),
        snapshot_id,
        running=SnapshotStatus.BUILDING,
        now=now,
        clock=clock,
        n_rows=0,
    )
    if hold is None:
        return None
    snapshot = Snapshot.objects.select_related("workflow").get(pk=snapshot_id)
    return _Build(snapshot, hold, clock)


@dataclass(frozen=True)
class _Build:
    """One worker at one snapshot. What it does raises JobTaken when it has lost it."""

    snapshot: Snapshot
    hold: Hold[Snapshot]
    clock: Clock

    def await_older_writers(self) -> None:
        """Wait until nobody can write rows of the moment any more."""
        as_of = self.snapshot.as_of
        left = SETTLE_SECONDS - seconds_since(as_of)
        time.sleep(min(max(left, 0.0), SETTLE_SECONDS))
        settled = as_of + timedelta(seconds=SETTLE_SECONDS)
        deadline = time.monotonic() + WRITERS_SECONDS
        while n_older_writers(settled):
            if time.monotonic() > deadline:
                msg = "A transaction older than the snapshot's moment did not end."
                raise TimeoutError(msg)
            time.sleep(0.1)

    def write(self, target: IO[bytes]) -> snapshot_files.Tally:
        """Write the rows as Parquet, telling how far it is."""
        declaration = declaration_from_json(self._declared.declaration_json)
        filters = SnapshotFilters.from_json(self.snapshot.filters)
        chunks = read_rows(
            self.snapshot.workflow_id,
            filters,
            as_of=self.snapshot.as_of,
            size=CHUNK,
            with_media=bool(declaration.media),
            features=features_sql(declaration),
        )
        if not filters.unmasked:
            # As it was masked then, and as it is now: who may not see it today must
            # not see it by asking for yesterday.
            today = self.snapshot.workflow.declaration
            for one in (declaration,) if today == declaration else (declaration, today):
                chunks = masked_rows(chunks, one, as_of=self.snapshot.as_of)
        tally = snapshot_files.Tally()
        for tally in snapshot_files.write_parquet(target, chunks, declaration):
            self.hold.beat(n_rows=tally.n_rows)
        return tally

    def finish(self, target: IO[bytes], tally: snapshot_files.Tally) -> None:
        """Hash every format, store the file and the datasheet."""
        sheet = datasheet(self.snapshot, self._declared, tally)
        sheet["files"] = {name: self._facts(target, name) for name in FORMATS}
        sheet["n_guarded_in_csv"] = count_guarded(target)
        sha256 = sheet["files"]["parquet"]["sha256"]
        target.seek(0)
        name = self.snapshot.file.storage.save(
            f"snapshots/{sha256}.parquet", File(target, name=f"{sha256}.parquet")
        )
        self.hold.beat(
            status=SnapshotStatus.READY,
            n_rows=tally.n_rows,
            file=name,
            sha256=sha256,
            datasheet=sheet,
            finished_at=self.clock(),
        )

    def fail(self, error: Exception) -> None:
        """Keep the reason; a text of the error may hold values, and is not kept."""
        kind = type(error).__name__
        log.error("snapshot_failed", snapshot_id=str(self.snapshot.pk), error=kind)
        self.hold.mine.update(
            status=SnapshotStatus.FAILED,
            failure=_reason(error),
            finished_at=self.clock(),
        )

    @cached_property
    def _declared(self) -> WorkflowVersion:
        """The declaration of the moment: a later one must not change the columns."""
        versions = WorkflowVersion.objects.filter(workflow_id=self.snapshot.workflow_id)
        then = versions.filter(created_at__lte=self.snapshot.as_of)
        found = then.order_by("-version").first()
        return found or versions.order_by("version")[:1].get()

    def _facts(self, target: IO[bytes], file_format: str) -> dict[str, str | int]:
        digest, n_bytes = hashlib.sha256(), 0
        for block in FORMATS[file_format](target):
            digest.update(block)
            n_bytes += len(block)
            self.hold.beat()
        return {"sha256": digest.hexdigest(), "bytes": n_bytes}


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return str(error)
    if isinstance(error, OSError):
        said = error.strerror or type(error).__name__
        return f"The file could not be written: {said}."
    return f"The rows could not be written ({type(error).__name__})."
