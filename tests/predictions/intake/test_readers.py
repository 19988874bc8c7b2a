"""JSON and NDJSON: chunks in bounded memory, bad lines named, bombs stopped."""

import gzip
import io
import json
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.intake.readers import (
    MalformedPayload,
    PayloadTooLarge,
    gunzip,
    read_json,
    read_ndjson,
)
from predictions.intake.rows import RejectedItem

LIMIT = 10_000_000


def json_chunks(body: bytes, **options: int) -> list[list[object]]:
    return list(read_json(io.BytesIO(body), **{"max_bytes": LIMIT, **options}))


def lines(body: bytes, **options: int) -> list[object]:
    chunks = read_ndjson(io.BytesIO(body), **{"max_bytes": LIMIT, **options})
    return [entry for chunk in chunks for entry in chunk]


class Endless(io.RawIOBase):
    """A line that never ends; counts what was read of it."""

    n_read = 0

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0, "everything was asked for at once"
        self.n_read += size
        return b"x" * size


def test_one_item_and_a_list_are_both_read() -> None:
    assert json_chunks(b'{"a": 1}') == [[{"a": 1}]]
    assert json_chunks(b'[1, {"a": 2}, null]') == [[1, {"a": 2}, None]]
    assert json_chunks(b"[]") == []


def test_a_list_is_cut_into_chunks() -> None:
    assert json_chunks(b"[1, 2, 3, 4, 5]", chunk_size=2) == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'[{"a": 1},]', b"1", b'"a"', b"null", b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_item_or_list_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        json_chunks(body)


def test_malformed_json_says_where() -> None:
    with pytest.raises(MalformedPayload) as caught:
        json_chunks(b'[{"a": x}]')

    assert caught.value.position == 7


def test_a_body_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert json_chunks(b"[1]", max_bytes=3) == [[1]]
    with pytest.raises(PayloadTooLarge) as caught:
        json_chunks(b"[1] ", max_bytes=3)

    assert caught.value.limit == 3


def test_what_writers_produce_against_the_standard_costs_only_its_item() -> None:
    [[first, second]] = json_chunks(b'[{"a": NaN}, {"a": "\\ud800"}]')

    assert isinstance(first, dict)
    assert first["a"] != first["a"]
    assert second == {"a": "\ud800"}


def test_lines_are_items_and_empty_ones_are_passed_over() -> None:
    assert lines(b'{"a": 1}\n\n  \r\n{"a": 2}\r\n[3]') == [{"a": 1}, {"a": 2}, [3]]


def test_lines_come_in_chunks() -> None:
    chunks = read_ndjson(io.BytesIO(b"1\n2\n3\n"), max_bytes=LIMIT, chunk_size=2)

    assert list(chunks) == [[1, 2], [3]]


@pytest.mark.parametrize("bad", [b"{", b"\xff\xff", b'{"a": 1} {"a": 2}'])
def test_a_bad_line_is_named_and_reading_goes_on(bad: bytes) -> None:
    first, refused, last = lines(b"1\n" + bad + b"\n3\n")

    assert (first, last) == (1, 3)
    assert isinstance(refused, RejectedItem)
    assert [(one.field, one.rule) for one in refused.errors] == [("line 2", "json")]
    assert refused.payload == bad.decode("utf-8", "replace")


def test_a_line_too_long_is_named_and_skipped_to_its_end() -> None:
    first, refused, last = lines(b"1\n" + b"2" * 5000 + b"\n3\n", max_line_bytes=10)

    assert (first, last) == (1, 3)
    assert isinstance(refused, RejectedItem)
    assert [(one.field, one.rule) for one in refused.errors] == [("line 2", "too_long")]


def test_a_line_as_long_as_the_limit_is_read() -> None:
    assert lines(b"1234567890\n1\n", max_line_bytes=10) == [1234567890, 1]


def test_a_line_without_end_stops_at_the_limit() -> None:
    endless = Endless()

    with pytest.raises(PayloadTooLarge):
        list(read_ndjson(endless, max_bytes=1_000_000, max_line_bytes=1000))
    assert endless.n_read < 1_200_000


def test_chunks_before_the_limit_have_been_handed_out() -> None:
    body = io.BytesIO(b"1\n" * 100_000)
    chunks: Iterator[list[object]] = read_ndjson(body, max_bytes=150_000, chunk_size=10)

    assert next(chunks) == [1] * 10
    with pytest.raises(PayloadTooLarge):
        list(chunks)


def test_gzip_is_read_as_it_comes() -> None:
    packed = io.BytesIO(gzip.compress(b'{"a": 1}\n{"a": 2}\n', mtime=0))

    found = read_ndjson(gunzip(packed, max_bytes=LIMIT), max_bytes=LIMIT)
    assert list(found) == [[{"a": 1}, {"a": 2}]]


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    bomb = io.BytesIO(gzip.compress(b"0" * 50_000_000, mtime=0))

    with pytest.raises(PayloadTooLarge) as caught:
        gunzip(bomb, max_bytes=100_000).read()
    assert caught.value.limit == 100_000


@pytest.mark.parametrize(
    "packed",
    [
        b"not gzip at all",
        gzip.compress(b"x" * 1000, mtime=0)[:-9],
        gzip.compress(b"x" * 1000, mtime=0)[:12] + b"\x00" * 20,
    ],
)
def test_broken_gzip_is_malformed(packed: bytes) -> None:
    with pytest.raises(MalformedPayload, match="gzip"):
        gunzip(io.BytesIO(packed), max_bytes=LIMIT).read()


@given(body=st.binary(max_size=300))
def test_any_bytes_are_lines_that_are_read_or_named(body: bytes) -> None:
    n_lines = sum(1 for line in io.BytesIO(body) if not line.isspace())

    assert len(lines(body)) == n_lines


@given(body=st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_malformed(body: bytes) -> None:
    try:
        chunks = json_chunks(body)
    except MalformedPayload:
        return
    data = json.loads(body)
    assert [one for chunk in chunks for one in chunk] == (
        data if isinstance(data, list) else [data]
    ) or "NaN" in body.decode("utf-8", "replace")


@given(
    items=st.lists(
        st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5)),
        max_size=20,
    ),
    size=st.integers(1, 7),
)
def test_every_way_of_sending_gives_the_same_items(
    items: list[dict[str, object]], size: int
) -> None:
    by_line = b"".join(orjson.dumps(one) + b"\n" for one in items)

    assert lines(by_line, chunk_size=size) == items
    chunks = json_chunks(orjson.dumps(items), chunk_size=size)
    assert [one for chunk in chunks for one in chunk] == items
    assert all(0 < len(chunk) <= size for chunk in chunks)
