"""CSV and Parquet: columns found, cells typed, labels aside, bad rows named."""

import contextlib
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.intake.columns import Arrivals, ColumnMap
from predictions.intake.readers import MalformedPayload, PayloadTooLarge
from predictions.intake.rows import RejectedItem
from predictions.intake.tables import read_csv, read_parquet
from predictions.intake.validation import compile_validator
from tests.predictions.intake.machines import DECLARATION

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAIN = ColumnMap(external_id="id", occurred_at="at")
HEAD = "id,at,air_temperature,wear,kind,hot,note\n"


def csv_rows(
    text: str | bytes, columns: ColumnMap = PLAIN, *, max_bytes: int = 2**40
) -> list[object]:
    body = text.encode() if isinstance(text, str) else text
    chunks = read_csv(io.BytesIO(body), DECLARATION, columns, max_bytes=max_bytes)
    return [entry for chunk in chunks for entry in chunk]


def parquet(**columns: object) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    file.seek(0)
    return file


def parquet_rows(columns: ColumnMap = PLAIN, **data: object) -> list[object]:
    chunks = read_parquet(parquet(**data), DECLARATION, columns)
    return [entry for chunk in chunks for entry in chunk]


def test_cells_are_read_as_the_declaration_types_them() -> None:
    assert csv_rows(HEAD + "7,2026-03-02,1.5,3,1,yes,007\n") == [
        {
            "external_id": "7",
            "occurred_at": "2026-03-02",
            "features": {
                "air_temperature": 1.5,
                "wear": 3,
                "kind": "1",
                "hot": True,
                "note": "007",
            },
        }
    ]


def test_an_empty_cell_is_missing() -> None:
    assert csv_rows(HEAD + ",,,,,,\n") == [{"features": {}}]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_ends_and_byte_order_marks_are_found(
    mark: str, delimiter: str, end: str
) -> None:
    text = mark + "id,at,wear".replace(",", delimiter) + end
    text += "a,2026-03-02,3".replace(",", delimiter) + end

    assert csv_rows(text) == [
        {"external_id": "a", "occurred_at": "2026-03-02", "features": {"wear": 3}}
    ]


def test_columns_are_found_by_name_without_unit_and_by_renaming() -> None:
    columns = ColumnMap(
        external_id="UDI", occurred_at="at", rename={"Tool wear [min]": "wear"}
    )

    [row] = csv_rows("UDI,at,Air temperature [K],Tool wear [min]\n1,x,2,3\n", columns)
    assert row == {
        "external_id": "1",
        "occurred_at": "x",
        "features": {"air_temperature": 2.0, "wear": 3},
    }


def test_labels_go_aside_and_ignored_columns_nowhere() -> None:
    columns = ColumnMap(
        external_id="id", occurred_at="at", label="truth", ignore=frozenset({"why"})
    )
    labels: list[tuple[str, str]] = []
    body = io.BytesIO(b"id,at,wear,truth,why\na,x,1,failure,heat\nb,x,2,,\n")

    [rows] = read_csv(body, DECLARATION, columns, labels=labels)
    assert [row["features"] for row in rows] == [{"wear": 1}, {"wear": 2}]  # type: ignore[index]
    assert labels == [("a", "failure")]


def test_a_table_without_moments_is_given_some() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    columns = ColumnMap("id", Arrivals(start, timedelta(minutes=1)))

    rows = csv_rows("id,wear\na,1\nb,2,3\nc,3\n", columns)
    assert rows[0]["occurred_at"] == "2026-01-01T00:00:00+00:00"  # type: ignore[index]
    assert isinstance(rows[1], RejectedItem)
    assert rows[2]["occurred_at"] == "2026-01-01T00:02:00+00:00"  # type: ignore[index]


@pytest.mark.parametrize(
    ("header", "columns", "said"),
    [
        ("", PLAIN, "the first line is empty"),
        ("at,wear", PLAIN, "none is named 'id'"),
        ("id,wear", PLAIN, "none is named 'at'"),
        ("id,at,wear,wear", PLAIN, "wear stands twice"),
        ("id,at,wear,Wear [min]", PLAIN, "two hold wear"),
        ("id,at", ColumnMap("id", "at", label="truth"), "none is named 'truth'"),
        ("id,at", ColumnMap("id", "at", rename={"x": "wear"}), "none is named 'x'"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_by_name(
    header: str, columns: ColumnMap, said: str
) -> None:
    with pytest.raises(MalformedPayload) as caught:
        csv_rows(header + "\n1,2,3,4\n", columns)

    assert said in caught.value.message


def test_rows_of_another_length_are_named_and_reading_goes_on() -> None:
    first, short, long, last = csv_rows("id,at\na,x\nb\nc,x,y\nd,x\n")

    assert first["external_id"] == "a"  # type: ignore[index]
    assert last["external_id"] == "d"  # type: ignore[index]
    for row, counts in ((short, "1 cells"), (long, "3 cells")):
        assert isinstance(row, RejectedItem)
        assert row.errors[0].rule == "columns"
        assert str(row.errors[0].value).startswith(counts)
    assert short.errors[0].field == "line 3"  # type: ignore[attr-defined]


def test_quoted_cells_keep_their_delimiters_and_line_ends() -> None:
    [row] = csv_rows('id,at,note\na,x,"one, two\n""three"""\n')

    assert row["features"] == {"note": 'one, two\n"three"'}  # type: ignore[index]


def test_a_row_that_is_no_utf8_is_refused_alone() -> None:
    rows = csv_rows(b"id,at,note\na,2026-03-01,\xff\nb,2026-03-01,fine\n")

    found = compile_validator(DECLARATION).validate(rows, now=NOW)
    assert [one.external_id for one in found.accepted] == ["b"]
    [error] = found.rejected[0].errors
    assert (error.field, error.rule) == ("note", "surrogates")


@pytest.mark.parametrize(
    ("cell", "rule"),
    [("1e999", "finite"), ("nan", "finite"), ("1_000", "type"), ("1,5", "type")],
)
def test_cells_that_are_no_numbers_reach_validation(cell: str, rule: str) -> None:
    rows = csv_rows(f'id,at,air_temperature\na,2026-03-01,"{cell}"\n')

    found = compile_validator(DECLARATION).validate(rows, now=NOW)
    [error] = found.rejected[0].errors
    assert (error.field, error.rule) == ("air_temperature", rule)


def test_a_file_larger_than_allowed_stops() -> None:
    with pytest.raises(PayloadTooLarge):
        csv_rows("id,at\n" + "a,x\n" * 100_000, max_bytes=200_000)


@given(cells=st.lists(st.text(max_size=12), max_size=8))
def test_any_text_in_a_table_is_a_row_or_named(cells: list[str]) -> None:
    body = ("id,at,note\n" + ",".join(cells)).encode("utf-8", "surrogatepass")
    validator = compile_validator(DECLARATION)

    rows = csv_rows(body)
    raw = [row for row in rows if not isinstance(row, RejectedItem)]
    found = validator.validate(raw, now=NOW)
    assert len(found.accepted) + len(found.rejected) == len(raw)


def test_parquet_types_become_what_the_declaration_says() -> None:
    [row] = parquet_rows(
        id=pa.array([7]),
        at=pa.array([datetime(2026, 3, 1, 8)], pa.timestamp("ms")),  # noqa: DTZ001 -- without a zone on purpose
        air_temperature=pa.array([Decimal("1.50")]),
        wear=pa.array([3.0]),
        kind=pa.array(["L"]).dictionary_encode(),
        hot=pa.array([1], pa.int8()),
        note=pa.array([12]),
        seen=pa.array([date(2026, 3, 1)]),
    )

    [one] = compile_validator(DECLARATION).validate([row], now=NOW).accepted
    assert one.external_id == "7"
    assert one.moment == 1_772_352_000_000_000
    assert one.features == (
        b'{"air_temperature":1.5,"hot":true,"kind":"L","note":"12",'
        b'"seen":"2026-03-01T00:00:00+00:00","wear":3}'
    )


def test_parquet_nulls_are_missing_and_labels_go_aside() -> None:
    columns = ColumnMap("id", "at", label="truth")
    labels: list[tuple[str, str]] = []
    file = parquet(
        id=["a", "b"], at=["x", None], wear=[None, 2], truth=["failure", None]
    )

    [rows] = read_parquet(file, DECLARATION, columns, labels=labels)
    assert rows == [
        {"external_id": "a", "occurred_at": "x", "features": {}},
        {"external_id": "b", "features": {"wear": 2}},
    ]
    assert labels == [("a", "failure")]


def test_parquet_comes_in_chunks() -> None:
    file = parquet(id=list(range(5)), at=["x"] * 5)

    chunks = read_parquet(file, DECLARATION, PLAIN, chunk_size=2)
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1" + b"\x00" * 40 + b"PAR1"])
def test_what_is_no_parquet_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload, match="parquet"):
        list(read_parquet(io.BytesIO(body), DECLARATION, PLAIN))


NOT_UTF8 = pa.Array.from_buffers(
    pa.string(),
    2,
    [None, pa.py_buffer(bytes(8) + b"\2\0\0\0"), pa.py_buffer(b"\xff\xfe")],
)


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        ("note", NOT_UTF8, "surrogates"),
        ("seen", pa.array([0, 2**62], pa.timestamp("us")), "type"),
        ("seen", pa.array([0, -(2**62)], pa.timestamp("ms")), "type"),
        ("seen", pa.array([0, 2**62], pa.timestamp("ms", tz="UTC")), "type"),
        ("wear", pa.array([0, 2**63], pa.uint64()), "range"),
        ("air_temperature", pa.array([[], [1]]), "type"),
    ],
)
def test_a_parquet_value_that_python_cannot_hold_costs_its_row(
    column: str, values: pa.Array, rule: str
) -> None:
    columns = {"id": ["a", "b"], "at": ["2026-03-01"] * 2, column: values}

    found = compile_validator(DECLARATION).validate(parquet_rows(**columns), now=NOW)
    errors = [(one.field, one.rule) for one in found.rejected[-1].errors]
    assert (found.rejected[-1].external_id, errors) == ("b", [(column, rule)])


REPEATED = pa.DictionaryArray.from_arrays(pa.array([0] * 1000), pa.array(["x" * 9000]))


@pytest.mark.parametrize(
    "values",
    [
        REPEATED,
        pa.ListArray.from_arrays(pa.array(range(1001), pa.int32()), REPEATED),
        pa.StructArray.from_arrays([REPEATED], ["said"]),
        REPEATED.cast(pa.string()),
        REPEATED.cast(pa.string()).cast(pa.binary()),
    ],
    ids=["text", "list", "struct", "plain", "binary"],
)
def test_a_text_that_is_written_once_and_meant_a_thousand_times_is_no_bomb(
    values: pa.Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"id": list(range(1000)), "at": ["x"] * 1000, "more": values}
    assert len(parquet_rows(**columns)) == 1000
    monkeypatch.setattr("predictions.intake.tables.MAX_BATCH_TEXT", 8_000_000)

    file = parquet(**columns)
    assert len(file.getvalue()) < 200_000
    with pytest.raises(MalformedPayload, match="more than 8,000,000 bytes of text"):
        list(read_parquet(file, DECLARATION, PLAIN, chunk_size=1000))


WHOLE = parquet(
    id=[f"i{number}" for number in range(300)],
    at=["2026-03-01"] * 300,
    seen=pa.array(range(300), pa.timestamp("us")),
).getvalue()


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6
    )
)
def test_a_spoilt_parquet_file_is_read_or_malformed(
    changes: list[tuple[int, int]],
) -> None:
    body = bytearray(WHOLE)
    for place, value in changes:
        body[place] = value

    with contextlib.suppress(MalformedPayload):
        list(read_parquet(io.BytesIO(bytes(body)), DECLARATION, PLAIN))
