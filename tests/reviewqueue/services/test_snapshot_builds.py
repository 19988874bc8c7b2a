"""Builds that are refused, fail, fall silent or are killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from predictions.models import Item, Workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters, n_older_writers
from reviewqueue.services import snapshots
from reviewqueue.services.leases import lock_items
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    InvalidSnapshot,
    build_snapshot,
    give_up_snapshots,
    request_snapshot,
    waiting_snapshots,
)
from tests.factories.predictions import (
    make_champion,
    make_items,
    make_workflow,
)
from tests.reviewqueue.services.snapshot_steps import built

pytestmark = pytest.mark.django_db


def test_moment_in_the_future_is_refused(workflow: Workflow, now: datetime) -> None:
    with pytest.raises(InvalidSnapshot, match="as_of: future"):
        request_snapshot(
            workflow=workflow,
            filters=SnapshotFilters(),
            by=None,
            now=now,
            as_of=now + timedelta(seconds=1),
        )


def test_silent_build_is_taken_over(decided: Workflow, now: datetime) -> None:
    snapshot = request_snapshot(
        workflow=decided, filters=SnapshotFilters(), by=None, now=now
    )
    Snapshot.objects.filter(pk=snapshot.pk).update(
        status=SnapshotStatus.BUILDING, heartbeat_at=now
    )
    soon, late = now + timedelta(seconds=30), now + timedelta(seconds=61)

    assert not build_snapshot(snapshot_id=snapshot.pk, clock=lambda: soon)
    assert waiting_snapshots(now=late) == [snapshot.pk]
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: late)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            OSError(28, "No space left on device"),
            "The file could not be written: No space left on device.",
        ),
        (ValueError("tx-7 is secret"), "The rows could not be written (ValueError)."),
        (TimeoutError("Somebody still writes."), "Somebody still writes."),
    ],
)
def test_failed_build_says_why_and_shows_no_value(
    decided: Workflow,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(snapshots, "read_rows", fail)
    snapshot = request_snapshot(
        workflow=decided, filters=SnapshotFilters(), by=None, now=now
    )

    assert not build_snapshot(snapshot_id=snapshot.pk, clock=lambda: now)

    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.failure) == (SnapshotStatus.FAILED, reason)
    assert snapshot.finished_at == now


def test_what_nobody_finishes_fails_in_the_end(
    decided: Workflow, now: datetime
) -> None:
    snapshot = request_snapshot(
        workflow=decided, filters=SnapshotFilters(), by=None, now=now
    )

    assert give_up_snapshots(now=now + timedelta(hours=6)) == 0
    assert give_up_snapshots(now=now + timedelta(hours=6, seconds=1)) == 1
    snapshot.refresh_from_db()
    assert snapshot.status == SnapshotStatus.FAILED
    assert "within 6 hours" in snapshot.failure


BUILDER = """
import sys, time
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.utils import timezone
from reviewqueue.services import snapshots

def clock():
    time.sleep(0.3)
    return timezone.now()

snapshots.CHUNK = 1
snapshots.build_snapshot(snapshot_id=sys.argv[2], clock=clock)
"""


def start_builder(snapshot_id: UUID) -> subprocess.Popen[bytes]:
    """Build in a process of its own, a row every 0.3 seconds."""
    name = str(connection.settings_dict["NAME"])
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, name, str(snapshot_id)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=Path(__file__).resolve().parents[3],
    )


@pytest.mark.django_db(transaction=True)
def test_killed_builder_is_replaced_and_the_bytes_are_the_same(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make_workflow(now=now)
    make_champion(workflow, now=now)
    make_items(workflow, 12, now=now)
    process_batch(workflow=workflow, limit=20, now=now)
    news = [OutcomeRow(f"tx-{number}", "fraud", now) for number in range(12)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    monkeypatch.setattr(snapshots, "CHUNK", 1)
    reference = built(workflow, now=timezone.now(), as_of=now)
    snapshot = request_snapshot(
        workflow=workflow,
        filters=SnapshotFilters(),
        by=None,
        now=timezone.now(),
        as_of=now,
    )

    with start_builder(snapshot.pk) as builder:
        deadline = time.monotonic() + 60
        while not 0 < snapshot.n_rows < 12 and time.monotonic() < deadline:
            time.sleep(0.05)
            snapshot.refresh_from_db()
        builder.send_signal(signal.SIGKILL)
    snapshot.refresh_from_db()
    assert builder.returncode == -signal.SIGKILL
    assert snapshot.status == SnapshotStatus.BUILDING
    assert 0 < snapshot.n_rows < 12

    soon, late = timezone.now(), timezone.now() + timedelta(seconds=61)
    assert waiting_snapshots(now=soon) == []
    assert waiting_snapshots(now=late) == [snapshot.pk]
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: late)
    snapshot.refresh_from_db()
    assert (snapshot.n_rows, snapshot.sha256) == (12, reference.sha256)


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_lock_is_waited_for_like_who_has_written(
    now: datetime,
) -> None:
    workflow = make_workflow(now=now)
    make_items(workflow, 1, now=now)
    item = Item.objects.get()

    def waits() -> None:
        try:
            with transaction.atomic():
                lock_items([item.pk])
        finally:
            connection.close()

    waiter = Thread(target=waits)
    with transaction.atomic():
        lock_items([item.pk])
        waiter.start()
        deadline = time.monotonic() + 20
        while not (n := n_older_writers(timezone.now())):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
            # Within a transaction, what others do is read once.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
    waiter.join()

    assert n == 1
    assert n_older_writers(timezone.now()) == 0
