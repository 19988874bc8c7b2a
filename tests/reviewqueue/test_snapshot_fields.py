"""Fields in snapshots: a column each, typed, beside what was recommended."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accounts.models import User
from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.services.judging import Judgement
from reviewqueue.services.snapshots import stream_snapshot
from tests.reviewqueue.services.field_steps import (
    BOX,
    VALUES,
    champion_elsewhere,
    with_fields,
)
from tests.reviewqueue.services.snapshot_steps import built
from tests.reviewqueue.services.steps import claim, open_cases, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(workflow: Workflow, settings: Any, now: datetime) -> Iterator[Workflow]:  # noqa: ANN401 -- a fixture
    model_health.forget_all()
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, now=now):
        yield declared
    model_health.forget_all()


def test_columns_of_fields_in_every_format(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 2, now=now)
    for said in (None, {"batch": 48, "checked": True, "defects": []}):
        case = claim(entries, alice, now=now)
        record(case, alice, Judgement(label="legitimate", fields=said), now=now)
    moment = now + timedelta(minutes=1)
    snapshot = built(entries, now=moment, as_of=moment)
    parts = {
        name: b"".join(stream_snapshot(snapshot, name))
        for name in ("parquet", "csv", "jsonl")
    }
    table = pq.read_table(io.BytesIO(parts["parquet"]))
    rows = sorted(table.to_pylist(), key=lambda row: row["field_batch"])
    from_csv = sorted(
        csv.DictReader(io.StringIO(parts["csv"].decode())),
        key=lambda row: row["field_batch"],
    )
    lines = sorted(
        map(json.loads, parts["jsonl"].splitlines()),
        key=lambda row: row["fields"]["batch"],
    )

    assert table.schema.field("field_torque").type == pa.float64()
    assert table.schema.field("recommended_field_batch").type == pa.int64()
    assert table.schema.field("corrected_field_batch").type == pa.bool_()
    assert [row["field_batch"] for row in rows] == [47, 48]
    assert [row["recommended_field_batch"] for row in rows] == [47, 47]
    assert [row["corrected_field_batch"] for row in rows] == [False, True]
    assert json.loads(rows[0]["field_defects"]) == [BOX]
    assert (rows[1]["field_defects"], rows[1]["field_checked"]) == ("[]", True)
    assert rows[0]["field_why"] is None
    assert from_csv[0]["field_torque"] == "12.5"
    assert json.loads(from_csv[0]["field_defects"]) == [BOX]
    assert lines[0]["fields"] == {"checked": None, "why": None, **VALUES}
    assert lines[1]["fields"]["defects"] == []
    assert lines[1]["recommended_fields"]["defects"] == [BOX]
    assert lines[1]["corrected_fields"]["checked"] is True
    assert lines[1]["corrected_fields"]["torque"] is False


def test_datasheet_lists_the_fields(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case = claim(entries, alice, now=now)
    record(case, alice, Judgement(label="legitimate", fields={"batch": 48}), now=now)
    moment = now + timedelta(minutes=1)
    sheet = built(entries, now=moment, as_of=moment).datasheet

    assert sheet is not None
    assert sheet["fields"][0]["name"] == "torque"
    assert sheet["fields_corrected"]["batch"] == 1
    assert sheet["fields_corrected"]["torque"] == 0
