"""One row has one stored form and one content hash, whichever file it came in."""

import csv
import io
from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from predictions.intake.columns import ColumnMap
from predictions.intake.files import FileKind, read_file
from predictions.intake.rows import ValidItem
from predictions.intake.validation import compile_validator
from tests.predictions.intake.machines import DECLARATION

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ARROW = pa.schema(
    [
        ("external_id", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("air_temperature", pa.float64()),
        ("wear", pa.int64()),
        ("kind", pa.string()),
        ("hot", pa.bool_()),
        ("note", pa.string()),
        ("seen", pa.timestamp("us", tz="UTC")),
    ]
)
MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 -- hypothesis adds the zone
    max_value=datetime(2026, 1, 1),  # noqa: DTZ001 -- hypothesis adds the zone
    timezones=st.just(UTC),
)
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
ROWS = st.fixed_dictionaries(
    {
        "external_id": WORDS.map(lambda text: text[:200]).filter(str.strip),
        "occurred_at": MOMENTS,
        "air_temperature": st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(2**53), 2**53),
        "wear": st.none() | st.integers(-(2**53), 2**53),
        "kind": st.sampled_from([None, "L", "1"]),
        "hot": st.none() | st.booleans(),
        "note": st.none() | WORDS,
        "seen": st.none() | MOMENTS,
    }
)

type Row = dict[str, object]


def as_item(row: Row) -> Row:
    features = {k: v for k, v in row.items() if k not in {"external_id", "occurred_at"}}
    return {
        "external_id": row["external_id"],
        "occurred_at": row["occurred_at"],
        "features": features,
    }


def as_json(row: Row) -> bytes:
    return orjson.dumps([as_item(row)])


def as_ndjson(row: Row) -> bytes:
    return orjson.dumps(as_item(row)) + b"\n"


def as_csv(row: Row) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(row))
    writer.writeheader()
    writer.writerow(row)
    return file.getvalue().encode()


def as_parquet(row: Row) -> bytes:
    file = io.BytesIO()
    heat = row["air_temperature"]
    plain = {**row, "air_temperature": float(heat) if isinstance(heat, int) else heat}
    pq.write_table(pa.Table.from_pylist([plain], schema=ARROW), file)
    return file.getvalue()


def stored(body: bytes, format_: str) -> ValidItem:
    chunks = read_file(
        io.BytesIO(body),
        FileKind(format_, is_gzip=False),
        DECLARATION,
        ColumnMap(),
        max_bytes=2**20,
    )
    [[raw]] = chunks
    found = compile_validator(DECLARATION).validate([raw], now=NOW)
    assert found.rejected == []
    return found.accepted[0]


@given(row=ROWS)
def test_a_row_is_the_same_item_in_every_format(row: Row) -> None:
    first = stored(as_json(row), "json")

    assert stored(as_ndjson(row), "ndjson") == first
    assert stored(as_csv(row), "csv") == first
    assert stored(as_parquet(row), "parquet") == first
