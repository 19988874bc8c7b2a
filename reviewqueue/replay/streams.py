"""The data sets as a past to learn from and a stream of days to live through."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.declaration import Declaration
from predictions.intake.columns import cell_converter
from reviewqueue.proof.data_sets import DATA_SETS, DataSet, Row, read_months
from reviewqueue.proof.payments import DAY, Floats
from reviewqueue.replay.options import Options, Planted

FIVE_MONTHS: Final = tuple(f"transactions_2025-0{n}.parquet" for n in range(1, 6))
# Before that day a payment has hardly any past to be described by.
PAYMENTS_FROM: Final = datetime.fromisoformat("2025-01-15T00:00:00+00:00")
PAYMENTS_LIVE: Final = datetime.fromisoformat("2025-02-01T00:00:00+00:00")
FIRST_SHARE: Final = 0.4  # of rows without dates, to learn from
SPAN: Final = timedelta(days=84)  # that rows without dates are spread over

type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stream:
    """`past` trains the first model; `live` comes in, day by day, in order of time."""

    name: str
    slug: str
    past: Sequence[Row]
    live: Sequence[Row]
    n_all: int  # live rows of the set, of which these are a part

    @property
    def start(self) -> datetime:
        """Return the midnight before the first row."""
        first = self.live[0].occurred_at
        return first.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set with what its stream starts with, unless the caller says otherwise."""

    data_set: DataSet
    files: tuple[str, ...]
    outcome_share: float  # whose truth the set can tell later
    shifted: str  # the feature that a shift scales
    seconds: float  # that a case takes

    @property
    def name(self) -> str:
        return self.data_set.name

    def missing(self, data: Path) -> list[str]:
        """Return the files that are not there."""
        wanted = [f"{self.name}/{file}" for file in self.files]
        return [file for file in wanted if not (data / file).is_file()]


_BY_NAME = {one.name: one for one in DATA_SETS}


def _source(
    name: str,
    *,
    outcomes: float,
    shifted: str,
    seconds: float,
    files: Sequence[str] = (),
) -> Source:
    known = _BY_NAME[name]
    return Source(known, tuple(files) or known.files, outcomes, shifted, seconds)


SOURCES: Final = {
    one.name: one
    for one in (
        _source(
            "fraud_synccfd",
            outcomes=0.3,
            shifted="terminal_fraud_rate_30d",
            seconds=30,
            files=FIVE_MONTHS,
        ),
        _source("triage_danish_ed", outcomes=0, shifted="age", seconds=120),
        _source("steel_plates_faults", outcomes=0, shifted="pixels_areas", seconds=45),
        _source("pdm_ai4i2020", outcomes=0, shifted="torque", seconds=60),
    )
}


def read_stream(source: Source, folder: Path, options: Options) -> Stream:
    """Read a set: its past, and the share of its days that `options` ask for."""
    if source.name == "fraud_synccfd":
        return _read_payments(source, folder, options)
    rows = source.data_set.read(folder, options.seed)
    n_past = int(len(rows) * FIRST_SHARE)
    live = spread(rows[n_past:])
    kept = _kept(_seconds(live), options)
    return Stream(
        source.name,
        source.data_set.slug,
        rows[:n_past],
        [row for row, is_kept in zip(live, kept, strict=True) if is_kept],
        len(live),
    )


def _read_payments(source: Source, folder: Path, options: Options) -> Stream:
    begin, live_begin = PAYMENTS_FROM.timestamp(), PAYMENTS_LIVE.timestamp()
    n_live = 0

    def choose(times: Floats) -> Flags:
        nonlocal n_live
        is_live = times >= live_begin
        n_live = int(is_live.sum())
        chosen = (times >= begin) & ~is_live
        chosen[is_live] = _kept(times[is_live], options)
        return chosen

    rows = read_months(folder, FIVE_MONTHS, choose=choose)
    n_past = sum(row.occurred_at < PAYMENTS_LIVE for row in rows)
    slug = source.data_set.slug
    return Stream(source.name, slug, rows[:n_past], rows[n_past:], n_live)


def _seconds(rows: Sequence[Row]) -> Floats:
    return np.array([row.occurred_at.timestamp() for row in rows])


def _kept(times: Floats, options: Options) -> Flags:
    """Say which of the live rows [n] make the stream: the first days, a drawn share."""
    rng = np.random.default_rng([options.seed, 1])
    kept = rng.random(len(times)) < options.share
    if options.days is not None:
        midnight = times.min() // DAY * DAY
        kept &= times < midnight + options.days * DAY
    return kept


def spread(rows: Sequence[Row]) -> list[Row]:
    """Spread rows without dates of their own evenly over twelve weeks."""
    start, step = rows[0].occurred_at, SPAN / len(rows)
    return [replace(row, occurred_at=start + i * step) for i, row in enumerate(rows)]


def typed(stream: Stream, declaration: Declaration) -> Stream:
    """Read cells as the declaration types them; what is missing is left out."""
    convert = {one.name: cell_converter(one) for one in declaration.features}

    def read(row: Row) -> Row:
        known = {
            name: convert[name](value) if isinstance(value, str) else value
            for name, value in row.features.items()
            if value is not None
        }
        return replace(row, features=known)

    past, live = map(read, stream.past), map(read, stream.live)
    return replace(stream, past=list(past), live=list(live))


def plant(stream: Stream, planted: Planted, *, declaration: Declaration) -> Stream:
    """Return the stream with the change in it. Raises: ValueError for a bad feature."""
    begin = stream.start + timedelta(days=planted.day)
    change = _flip if planted.kind == "flip" else _shift
    changed = change(stream, planted, declaration)
    live = [changed(row) if row.occurred_at >= begin else row for row in stream.live]
    return replace(stream, live=live)


def _flip(
    stream: Stream, planted: Planted, declaration: Declaration
) -> Callable[[Row], Row]:
    counts = Counter(row.label for row in stream.past)
    usual = max(counts, key=counts.__getitem__)
    is_positive = usual in declaration.positive_labels
    others = [
        key
        for key in declaration.label_keys
        if (key in declaration.positive_labels) != is_positive
    ]
    other = max(others, key=lambda key: counts[key])
    rng = np.random.default_rng(planted_seed(planted))

    def flipped(row: Row) -> Row:
        is_drawn = rng.random() < planted.share
        return replace(row, label=other) if is_drawn and row.label == usual else row

    return flipped


def planted_seed(planted: Planted) -> list[int]:
    """Return the seed of who is flipped: the same rows at every replay."""
    return [int(planted.day * 1000), int(planted.share * 1_000_000)]


def _shift(
    stream: Stream, planted: Planted, declaration: Declaration
) -> Callable[[Row], Row]:
    feature = declaration.feature(planted.feature)
    if feature is None or feature.type not in {"number", "integer"}:
        msg = f"{planted.feature}: no number among the features of {stream.slug}."
        raise ValueError(msg)
    low = -np.inf if feature.minimum is None else feature.minimum
    high = np.inf if feature.maximum is None else feature.maximum

    def shifted(row: Row) -> Row:
        value = row.features.get(planted.feature)
        if value is None:
            return row
        scaled = min(max(float(str(value)) * planted.factor, low), high)
        kept = int(scaled) if feature.type == "integer" else scaled
        return replace(row, features={**row.features, planted.feature: kept})

    return shifted
