"""Snapshots for tests, written as the builder writes them, of rows that are given."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from django.core.files.base import ContentFile

from predictions.models import Workflow
from reviewqueue import snapshot_files
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot


@dataclass(frozen=True)
class Row:
    """A labelled item: `minute` after the first, drawn with `review_probability`."""

    features: Mapping[str, object]
    label: str
    minute: int
    review_probability: float = 1.0
    subject: str = ""


def make_snapshot(
    workflow: Workflow, rows: Sequence[Row], *, now: datetime, first: datetime
) -> Snapshot:
    target = io.BytesIO()
    raw = [_raw(number, row, first) for number, row in enumerate(rows)]
    for _ in snapshot_files.write_parquet(target, [raw], workflow.declaration):
        pass
    sha256 = hashlib.sha256(target.getvalue()).hexdigest()
    snapshot = Snapshot(
        workflow=workflow,
        as_of=now,
        filters={},
        status=SnapshotStatus.READY,
        n_rows=len(rows),
        sha256=sha256,
        datasheet={"n_rows": len(rows)},
        created_at=now,
        finished_at=now,
    )
    snapshot.file.save(f"{sha256}.parquet", ContentFile(target.getvalue()), save=False)
    snapshot.save(force_insert=True)
    return snapshot


def _raw(number: int, row: Row, first: datetime) -> tuple[Any, ...]:
    at = first + timedelta(minutes=row.minute)
    decided = at + timedelta(minutes=30)
    after = {
        "label": row.label,
        "label_source": "decision",
        "label_version": 1,
        "labelled_at": decided,
        "route_kind": "review",
        "review_probability": row.review_probability,
        "policy_version": 1,
        "decided_at": decided,
        "route_reason": "audit" if row.review_probability < 1 else "review",
    }
    return (
        f"tx-{number}",
        str(uuid4()),
        row.subject,
        at,
        at,
        orjson.dumps(row.features),
        *(after.get(name) for name, _ in snapshot_files.FIXED_AFTER),
    )
