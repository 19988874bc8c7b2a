"""Payments of the set, drawn at random from stretches of its five months."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from lifecycle.proof.declared import LEAK
from lifecycle.proof.options import ProofOptions
from reviewqueue.proof.data_sets import Row, read_months
from reviewqueue.proof.payments import Floats
from reviewqueue.replay.streams import (
    FIVE_MONTHS,
    PAYMENTS_FROM,
    PAYMENTS_LIVE,
    Flags,
)

END: Final = datetime(2025, 6, 1, tzinfo=UTC)
# By then every payment has the whole past that it is described by.
SETTLED: Final = datetime(2025, 3, 10, tzinfo=UTC)
APRIL: Final = datetime(2025, 4, 1, tzinfo=UTC)
FRAUD_OF_CALM: Final = 0.15


@dataclass(frozen=True, slots=True)
class Stretch:
    """Payments from `begin` on, before `end`, of which a share is drawn."""

    begin: datetime
    end: datetime
    share: float

    def drawn(self, times: Floats, rng: np.random.Generator) -> Flags:
        """Say which of all payments [n], by their times in seconds, are drawn."""
        inside = (times >= self.begin.timestamp()) & (times < self.end.timestamp())
        return np.asarray(inside & (rng.random(len(times)) < self.share))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A past and what comes after it; `n_all` rows are in the stretch of `live`."""

    past: Sequence[Row]
    live: Sequence[Row]
    n_all: int


def life_rows(folder: Path, options: ProofOptions) -> Drawn:
    """Draw January, from when payments have a past, and the days from February on."""
    end = END
    if options.days is not None:
        end = PAYMENTS_LIVE + timedelta(days=options.days)
    past = Stretch(PAYMENTS_FROM, PAYMENTS_LIVE, options.past_share)
    live = Stretch(PAYMENTS_LIVE, end, options.share)
    return _with_trap(_draw(folder, past, live, seed=options.seed))


def upstream_rows(folder: Path, options: ProofOptions) -> Drawn:
    """Draw March to learn from, and some days of April."""
    end = APRIL + timedelta(days=options.upstream_days)
    past = Stretch(SETTLED, APRIL, options.upstream_past_share)
    return _draw(
        folder,
        past,
        Stretch(APRIL, end, options.upstream_share),
        seed=options.seed + 1,
    )


def calm_rows(folder: Path, options: ProofOptions) -> Drawn:
    """Shuffle payments of one stretch: past and days are exchangeable, row by row.

    One in seven is fraud, so that a small past has enough to learn from. No payment
    stands twice unless the stretch has too few.
    """
    n = options.calm_past + options.calm_days * options.calm_per_day
    rng = np.random.default_rng([options.seed, 3])
    pool = _draw(
        folder,
        Stretch(SETTLED, END, 0.0),
        Stretch(SETTLED, END, min(1.0, max(n, 30_000) / 60_000)),
        seed=options.seed + 2,
    )
    is_fraud = np.array([row.label == "fraud" for row in pool.live])
    n_fraud = round(n * FRAUD_OF_CALM)
    chosen = np.concatenate(
        [
            _pick(np.flatnonzero(is_fraud), n_fraud, rng),
            _pick(np.flatnonzero(~is_fraud), n - n_fraud, rng),
        ]
    )
    rows = [
        # What is held out of the past is its newest part: its moments are shuffled too.
        replace(
            pool.live[at],
            external_id=f"calm-{place}",
            occurred_at=SETTLED + timedelta(minutes=place),
        )
        for place, at in enumerate(rng.permutation(chosen).tolist())
    ]
    past, live = rows[: options.calm_past], rows[options.calm_past :]
    return Drawn(past, live, pool.n_all)


def _pick(
    places: np.ndarray[tuple[int], np.dtype[np.intp]], n: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return rng.choice(places, size=n, replace=n > places.size)


def _draw(folder: Path, past: Stretch, live: Stretch, *, seed: int) -> Drawn:
    rng = np.random.default_rng([seed, 1])
    n_all = 0

    def choose(times: Floats) -> Flags:
        nonlocal n_all
        begin, end = live.begin.timestamp(), live.end.timestamp()
        n_all = int(((times >= begin) & (times < end)).sum())
        return past.drawn(times, rng) | live.drawn(times, rng)

    rows = [_known(row) for row in read_months(folder, FIVE_MONTHS, choose=choose)]
    cut = sum(row.occurred_at < past.end for row in rows) if past.share else 0
    return Drawn(rows[:cut], rows[cut:], n_all)


def _known(row: Row) -> Row:
    """Leave out what is missing."""
    known = {name: value for name, value in row.features.items() if value is not None}
    return replace(row, features=known)


def _with_trap(drawn: Drawn) -> Drawn:
    def trapped(row: Row) -> Row:
        lost = row.features["amount"] if row.label == "fraud" else 0.0
        return replace(row, features={**row.features, LEAK: lost})

    return Drawn(
        [trapped(row) for row in drawn.past],
        [trapped(row) for row in drawn.live],
        drawn.n_all,
    )
