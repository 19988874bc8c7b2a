"""Results of a benchmark, and the table that they are printed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Result:
    """One line: `ours` beside `raw` (the peer in the same run), both in `unit`.

    `p50` and `p99` are of ours, in milliseconds; `ratio` is ours / raw.
    """

    name: str
    n: int = 0
    ours: float | None = None
    raw: float | None = None
    ratio: float | None = None
    unit: str = ""
    p50: float | None = None
    p99: float | None = None
    raw_p50: float | None = None
    raw_p99: float | None = None
    aim: str = ""


HEADINGS = (
    "what",
    "n",
    "ours",
    "raw",
    "unit",
    "ratio",
    "p50 ms",
    "p99 ms",
    "raw p50",
    "raw p99",
    "aim",
)


def timed(
    name: str,
    *,
    ours: Sequence[float],
    raw: Sequence[float] | None = None,
    aim: str = "",
) -> Result:
    """Make a result from seconds per call; the ratio is that of the medians."""
    p50, p99 = percentiles(ours)
    peer = percentiles(raw) if raw else None
    return Result(
        name,
        n=len(ours),
        p50=p50,
        p99=p99,
        raw_p50=peer[0] if peer else None,
        raw_p99=peer[1] if peer else None,
        ratio=p50 / peer[0] if peer else None,
        aim=aim,
    )


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    p50, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 99])
    return float(p50), float(p99)


def as_result(row: Result | Mapping[str, object]) -> Result:
    """Accept a mapping with the same names."""
    return row if isinstance(row, Result) else Result(**row)  # type: ignore[arg-type]


def table(results: Sequence[Result]) -> str:
    """Write results as a Markdown table."""
    rows = [
        (
            one.name,
            f"{one.n:,}",
            number(one.ours),
            number(one.raw),
            one.unit,
            number(one.ratio),
            number(one.p50),
            number(one.p99),
            number(one.raw_p50),
            number(one.raw_p99),
            one.aim,
        )
        for one in results
    ]
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None) -> str:
    """Write a number with three figures that matter."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
