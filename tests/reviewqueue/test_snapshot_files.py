"""The files of a snapshot: the same rows in every format, and the same bytes."""

import csv
import hashlib
import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    stream_snapshot,
)
from reviewqueue.snapshot_files import FIXED_AFTER, FIXED_BEFORE, OTHER
from reviewqueue.snapshot_formats import csv_of
from tests.factories.predictions import (
    DECLARATION,
    raw_item,
    store,
)
from tests.reviewqueue.services.snapshot_steps import built, bytes_of, label_next

pytestmark = pytest.mark.django_db


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


def test_every_column_is_described() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "snapshots.md"
    columns = [name for name, _ in (*FIXED_BEFORE, *FIXED_AFTER)]

    described = re.findall(r"^\| `([a-z_]+)` \|", page.read_text("utf-8"), re.MULTILINE)

    assert set(described) >= {*columns, OTHER}


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


def test_what_fits_no_column_is_kept_beside_them(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    store(workflow, [raw_item(0, now=now, colour="red", other="x")], now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    label_next(workflow, alice, "fraud", now=now)

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
        label_next(workflow, alice, "fraud", now=now)

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
