"""Cut CSV into records, so that no line is lost to a quote that never closes. Pure.

A quoted cell may hold line ends, so one forgotten quote takes the lines after it for
its own. A record that cannot be read therefore costs its first line alone: the lines
that it had taken are read again, each as the record that it may be.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from predictions.intake.readers import MAX_LINE_BYTES, MAX_SHOWN_LINE

ENDS = ("\r", "\n")


class Lines(Protocol):
    """What lines are read from: an open text file."""

    def readline(self, size: int = -1, /) -> str:
        """Return at most so many characters of the next line; none at the end."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no record: where it stood, the rule, why, and what it held."""

    number: int
    rule: str
    reason: str
    text: str


class _TooLong(Exception):
    """A line, or all lines of a record, hold more characters than are read."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    is_cut: bool = False


def csv_records(
    lines: Lines,
    *,
    delimiter: str,
    n_columns: int,
    first_number: int = 1,
    max_chars: int = MAX_LINE_BYTES,
) -> Iterator[list[str] | BadLine]:
    """Yield the cells of each record, or the line that is none; each line is in one.

    Blank lines are passed over. A bad line has the rule `csv` (quoting), `columns`
    (another number of cells) or `too_long`, its text cut to `MAX_SHOWN_LINE`.
    """
    source = _Source(lines, first_number=first_number, max_chars=max_chars)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield source.reject("too_long", f"more than {max_chars} characters")
        except csv.Error as error:
            yield source.reject("csv", str(error))
        else:
            if len(cells) == n_columns:
                yield cells
            elif cells:
                yield source.reject("columns", _counts(cells, n_columns))


def _counts(cells: Sequence[str], n_columns: int) -> str:
    return f"{len(cells)} cells, {n_columns} columns"


class _Source:
    """Hands out lines, and takes back all but the first of a record that failed."""

    def __init__(self, lines: Lines, *, first_number: int, max_chars: int) -> None:
        self._lines = lines
        self._number = first_number - 1
        self._max_chars = max_chars
        self._ahead = ""
        self._returned: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._n_chars = 0

    def begin(self) -> None:
        """Forget the record before: all its lines are accounted for."""
        self._taken.clear()
        self._n_chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._read()
        self._taken.append(line)
        self._n_chars += len(line.text)
        if line.is_cut or self._n_chars > self._max_chars:
            raise _TooLong
        return line.text

    def reject(self, rule: str, reason: str) -> BadLine:
        """Give up the first line of the record; its other lines come again."""
        first, *others = self._taken
        self._returned.extendleft(reversed(others))
        if others and rule == "too_long":
            rule, reason = "csv", "a quote is not closed"
        text = first.text[:MAX_SHOWN_LINE].rstrip("\r\n")
        return BadLine(first.number, rule, reason, text)

    def _read(self) -> _Line:
        text = self._read_up_to(self._max_chars + 1)
        if not text:
            raise StopIteration
        self._number += 1
        if len(text) <= self._max_chars or text.endswith(ENDS):
            return _Line(self._number, text)
        rest = text
        while rest and not rest.endswith(ENDS):
            rest = self._read_up_to(self._max_chars)
        return _Line(self._number, text[:MAX_SHOWN_LINE], is_cut=True)

    def _read_up_to(self, size: int) -> str:
        """Return the next line or so much of it, and never half of its end."""
        text, self._ahead = self._ahead, ""
        if not text.endswith(ENDS):
            text += self._lines.readline(size - len(text))
        if text.endswith("\r"):
            following = self._lines.readline(1)
            if following == "\n":
                return text + following
            self._ahead = following
        return text
