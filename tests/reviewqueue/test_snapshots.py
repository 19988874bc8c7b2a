"""Snapshots: the same query as of the same moment gives the same bytes."""

import csv
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.enums import Queue, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services import snapshots
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision, undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    InvalidSnapshot,
    build_snapshot,
    give_up_snapshots,
    read_labelled_rows,
    request_snapshot,
    stream_snapshot,
    waiting_snapshots,
)
from reviewqueue.snapshot_files import FIXED_AFTER, FIXED_BEFORE, OTHER
from reviewqueue.snapshot_formats import csv_of
from tests.factories.predictions import (
    DECLARATION,
    make_champion,
    make_items,
    make_workflow,
    raw_item,
    store,
)

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
    assert from_csv[0]["decided_at"] == from_jsonl[0]["decided_at"]
    assert datetime.fromisoformat(from_csv[0]["decided_at"]) == rows[0]["decided_at"]


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


def test_every_column_is_described() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "snapshots.md"
    columns = [name for name, _ in (*FIXED_BEFORE, *FIXED_AFTER)]

    described = re.findall(r"^\| `([a-z_]+)` \|", page.read_text("utf-8"), re.MULTILINE)

    assert set(described) >= {*columns, OTHER}


FORMATS = ("parquet", "csv", "jsonl")


def bytes_of(snapshot: Snapshot) -> dict[str, bytes]:
    return {name: b"".join(stream_snapshot(snapshot, name)) for name in FORMATS}


def test_every_format_has_the_same_bytes_again_and_its_hash(
    decided: Workflow, now: datetime
) -> None:
    moment = now + timedelta(minutes=1)
    first = built(decided, now=moment, as_of=moment)
    again = built(decided, now=moment + timedelta(hours=1), as_of=moment)

    assert bytes_of(first) == bytes_of(again)
    assert first.datasheet is not None
    assert first.datasheet["files"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in bytes_of(first).items()
    }
    assert first.sha256 == first.datasheet["files"]["parquet"]["sha256"]


def test_later_declaration_changes_no_column(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    first = built(decided, now=moment, as_of=moment)
    source = DECLARATION.format(slug="cards", name="Cards")
    more = '[[features]]\nname = "country"\ntype = "text"\n\n[costs]'
    later = moment + timedelta(minutes=1)
    declare_workflow(source_toml=source.replace("[costs]", more), by=None, now=later)
    changed = Workflow.objects.get(pk=decided.pk)

    again = built(changed, now=later, as_of=moment)
    newer = built(changed, now=later, as_of=later)

    assert again.sha256 == first.sha256
    assert b'"f_country"' not in bytes_of(again)["csv"]
    assert b'"f_country"' in bytes_of(newer)["csv"]


def test_truth_that_came_before_the_route_counts_once_it_is_routed(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 1, now=now)
    news = [OutcomeRow("tx-0", "fraud", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    early = now + timedelta(seconds=1)
    before = built(workflow, now=early, as_of=early)
    routed = now + timedelta(seconds=2)
    process_batch(workflow=workflow, limit=10, now=routed)

    again = built(workflow, now=routed, as_of=early)
    after = built(workflow, now=routed, as_of=routed)

    assert (before.n_rows, again.n_rows, after.n_rows) == (0, 0, 1)
    assert again.sha256 == before.sha256


def test_what_fits_no_column_is_kept_beside_them(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    store(workflow, [raw_item(0, now=now, colour="red", other="x")], now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    decide(workflow, alice, "fraud", now=now)

    data = bytes_of(built(workflow, now=now, as_of=now))

    row = pq.read_table(io.BytesIO(data["parquet"])).to_pylist()[0]
    line = json.loads(data["jsonl"])
    assert json.loads(row["other_features"]) == {"colour": "red", "other": "x"}
    assert line["features"]["colour"] == "red"
    assert line["features"]["amount"] == 10.0


def test_formulas_are_guarded_in_csv_alone_and_counted(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    texts = ["=1+1", "'quoted", "plain"]
    items = [raw_item(n, now=now, customer=text) for n, text in enumerate(texts)]
    store(workflow, items, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    for _ in texts:
        decide(workflow, alice, "fraud", now=now)

    snapshot = built(workflow, now=now, as_of=now)
    data = bytes_of(snapshot)

    rows = csv.DictReader(io.StringIO(data["csv"].decode()))
    assert {row["f_customer"] for row in rows} == {"'=1+1", "''quoted", "plain"}
    lines = [json.loads(line) for line in data["jsonl"].splitlines()]
    assert {line["features"]["customer"] for line in lines} == set(texts)
    assert snapshot.datasheet is not None
    # The customer is a feature and the subject too.
    assert snapshot.datasheet["n_guarded_in_csv"] == 4


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
def test_guard_is_undone_by_taking_one_apostrophe_away(texts: list[str]) -> None:
    target = io.BytesIO()
    names = {
        "f_text": pa.array(texts, pa.string()),
        "other_features": [None] * len(texts),
    }
    pq.write_table(pa.table(names), target)

    lines = b"".join(csv_of(target)).decode()
    rows = list(csv.DictReader(io.StringIO(lines, newline="")))

    assert [row["f_text"].removeprefix("'") for row in rows] == texts
    starts = {row["f_text"][:1] for row in rows}
    assert not starts & set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def test_sheet_says_how_many_were_routed_at_all(
    decided: Workflow, now: datetime
) -> None:
    moment = now + timedelta(minutes=1)
    sheet = built(decided, now=moment, as_of=moment).datasheet

    assert sheet is not None
    assert sheet["routed"] == {"policy": 5}
    assert sheet["route_reasons"] == {"policy": 3}


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
        cwd=Path(__file__).resolve().parents[2],
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
