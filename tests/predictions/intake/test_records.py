"""CSV records: whatever the quoting, no line is lost and each is named."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.intake.records import BadLine, csv_records

# Every character that has a meaning in CSV, and little else.
TEXT = st.text(alphabet='a,"\n\r\x00 ', max_size=60)


def records(
    text: str, *, n_columns: int = 2, max_chars: int = 1000
) -> list[list[str] | BadLine]:
    lines = io.StringIO(text, newline="")
    found = csv_records(lines, delimiter=",", n_columns=n_columns, max_chars=max_chars)
    return list(found)


def bad(found: list[list[str] | BadLine]) -> list[tuple[int, str]]:
    return [(one.number, one.rule) for one in found if isinstance(one, BadLine)]


def test_quoted_line_ends_stay_in_their_cell() -> None:
    assert records('a,"b\nc"\r\nd,e\n') == [["a", "b\nc"], ["d", "e"]]


def test_an_unclosed_quote_costs_its_own_line_alone() -> None:
    rows = [f"id{number},x\n" for number in range(20_000)]
    rows[7] = 'id7,"never closed\n'

    found = records("".join(rows), max_chars=2**20)
    assert len(found) == 20_000
    assert bad(found) == [(8, "csv")]
    assert found[8] == ["id8", "x"]


def test_a_quote_closed_by_a_later_one_gives_the_lines_between_back() -> None:
    found = records('a,"b\nc,d\ne,"f"\ng,h\n')

    assert bad(found) == [(1, "csv")]
    assert found[1:] == [["c", "d"], ["e", "f"], ["g", "h"]]


def test_lines_that_make_one_record_of_another_length_are_read_one_by_one() -> None:
    found = records('a,"b\nc,d\n",f,g\nh,i\n')

    assert bad(found) == [(1, "columns"), (3, "csv")]
    assert ["c", "d"] in found
    assert ["h", "i"] in found


def test_a_bad_line_says_what_it_held() -> None:
    [one] = records('a,"b"c\r\n')

    assert isinstance(one, BadLine)
    assert (one.number, one.rule, one.text) == (1, "csv", 'a,"b"c')


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_line_too_long_is_cut_and_the_next_one_read(end: str) -> None:
    text = "a," + "b" * 5000 + end

    first, *rest = records(text + ("c,d\n" if end else ""), max_chars=100)
    assert isinstance(first, BadLine)
    assert (first.rule, len(first.text)) == ("too_long", 101)
    assert rest == ([["c", "d"]] if end else [])


def test_a_line_without_end_is_not_held() -> None:
    class Endless:
        n_read = 0

        def readline(self, size: int = -1, /) -> str:
            assert 0 < size < 200
            self.n_read += size
            return "x" * size if self.n_read < 100_000 else ""

    [one] = csv_records(Endless(), delimiter=",", n_columns=2, max_chars=100)
    assert isinstance(one, BadLine)
    assert len(one.text) == 101


def test_a_record_of_many_lines_ends_at_the_limit() -> None:
    found = records('a,"' + "b\n" * 500, max_chars=100)

    assert len(found) == 500
    assert bad(found)[0] == (1, "csv")


def physical(text: str) -> Iterator[tuple[int, str]]:
    lines = enumerate(io.StringIO(text, newline=""), start=1)
    return ((number, line) for number, line in lines if line.strip("\r\n"))


@given(text=TEXT, n_columns=st.integers(1, 3), max_chars=st.integers(1, 70))
def test_every_line_is_in_one_record_or_named(
    text: str, n_columns: int, max_chars: int
) -> None:
    found = records(text, n_columns=n_columns, max_chars=max_chars)

    named = [number for number, _ in bad(found)]
    assert named == sorted(set(named))
    lines = dict(physical(text))
    for one in found:
        if isinstance(one, BadLine) and one.rule != "too_long":
            assert one.text == lines[one.number].rstrip("\r\n")
    # What was read as cells, and what was named, is all that was there.
    kept = "".join(
        one.text if isinstance(one, BadLine) else "".join(one) for one in found
    )
    if max_chars >= len(text):
        meant = text.translate(str.maketrans("", "", ',"\r\n'))
        assert kept.translate(str.maketrans("", "", ',"\r\n')) == meant


@given(rows=st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=6))
def test_what_csv_writes_is_read_again(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)

    assert records(file.getvalue()) == rows
