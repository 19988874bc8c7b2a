"""Snapshots: the same query as of the same moment gives the same bytes."""

import csv
import io
import json
from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import Queue, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision, undo_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    InvalidSnapshot,
    build_snapshot,
    read_labelled_rows,
    request_snapshot,
    stream_snapshot,
    waiting_snapshots,
)
from tests.factories.predictions import make_items

pytestmark = pytest.mark.django_db


def decide(workflow: Workflow, reviewer: User, label: str, *, now: datetime) -> object:
    case = claim_next_case(
        workflow=workflow, reviewer=reviewer, queues=[Queue.REVIEW], now=now
    )
    assert case is not None
    assert case.lease_token is not None
    return record_decision(
        case_id=case.pk,
        reviewer=reviewer,
        lease_token=case.lease_token,
        judgement=Judgement(label=label),
        now=now,
    ).decision


def built(workflow: Workflow, *, now: datetime, as_of: datetime) -> Snapshot:
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now, as_of=as_of
    )
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: now)
    snapshot.refresh_from_db()
    assert snapshot.status == SnapshotStatus.READY, snapshot.failure
    return snapshot


@pytest.fixture
def decided(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Workflow:
    """Five items, three of them decided within a minute."""
    make_items(workflow, 5, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    for second, label in enumerate(("fraud", "legitimate", "fraud")):
        decide(workflow, alice, label, now=now + timedelta(seconds=second))
    return workflow


def test_what_came_later_changes_nothing(
    decided: Workflow, alice: User, now: datetime
) -> None:
    moment = now + timedelta(minutes=1)
    first = built(decided, now=moment, as_of=moment)
    later = moment + timedelta(seconds=5)
    decision = decide(decided, alice, "fraud", now=later)
    undo_decision(decision_id=decision.pk, by=alice, now=later)  # type: ignore[attr-defined]
    decide(decided, alice, "legitimate", now=later + timedelta(seconds=1))

    again = built(decided, now=later + timedelta(seconds=9), as_of=moment)
    newer = built(
        decided,
        now=later + timedelta(seconds=9),
        as_of=later + timedelta(seconds=9),
    )

    assert (first.n_rows, again.n_rows, newer.n_rows) == (3, 3, 4)
    assert first.sha256 == again.sha256
    assert newer.sha256 != first.sha256


def test_formats_hold_the_same_rows(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    snapshot = built(decided, now=moment, as_of=moment)

    table = pq.read_table(io.BytesIO(b"".join(stream_snapshot(snapshot, "parquet"))))
    text = b"".join(stream_snapshot(snapshot, "csv")).decode()
    lines = b"".join(stream_snapshot(snapshot, "jsonl")).splitlines()

    rows = table.to_pylist()
    from_csv = list(csv.DictReader(io.StringIO(text)))
    from_jsonl = [json.loads(line) for line in lines]
    assert [r["external_id"] for r in rows] == [r["external_id"] for r in from_csv]
    assert [r["label"] for r in rows] == [r["label"] for r in from_jsonl]
    assert rows[0]["f_amount"] == from_jsonl[0]["features"]["amount"]
    assert float(from_csv[0]["f_amount"]) == rows[0]["f_amount"]
    assert {r["review_probability"] for r in rows} == {1.0}
    assert rows[0]["reviewer"] not in {"alice", None}


def test_datasheet_counts_the_rows(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    sheet = built(decided, now=moment, as_of=moment).datasheet

    assert sheet is not None
    assert sheet["n_rows"] == 3
    assert sheet["labels"] == {"fraud": 2, "legitimate": 1}
    assert sheet["label_sources"] == {"decision": 3}
    assert sheet["model_versions"] == {"v1": 3}


def test_rows_are_weighted_for_training(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    rows = read_labelled_rows(built(decided, now=moment, as_of=moment))

    assert sorted(rows.labels) == ["fraud", "fraud", "legitimate"]
    assert rows.weights == [1.0, 1.0, 1.0]


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


def test_empty_snapshot_has_no_rows(workflow: Workflow, now: datetime) -> None:
    snapshot = built(workflow, now=now, as_of=now)

    assert (snapshot.n_rows, snapshot.n_rows_expected) == (0, 0)
    assert b"".join(stream_snapshot(snapshot, "jsonl")) == b""
