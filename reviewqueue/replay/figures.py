"""Figures of a replay, from its rows alone. Pure: no ORM, clock or settings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reviewqueue.replay.rows import Flags, Floats, Move, Routed, Slice
from reviewqueue.trust.estimates import (
    Performance,
    WeightedRate,
    weighted_performance,
    weighted_share,
)

WEEK: Final = 7.0
LAST_WEEKS: Final = 4  # that the end of a replay is judged by
MEASURES: Final = (
    "accuracy",
    "precision",
    "recall",
    "false_positive_rate",
    "prevalence",
)


def in_percent(value: float) -> str:
    """Write a share (0..1) with three digits that count."""
    return f"{value * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`; `value` is None of nothing."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        return self.k / self.n if self.n else None

    @property
    def percent(self) -> str:
        """Say it in words, with its n."""
        if self.value is None:
            return "none"
        return f"{in_percent(self.value)} ({self.k:,} of {self.n:,})"

    @classmethod
    def of(cls, flags: Flags) -> "Share":
        return cls(int(flags.sum()), int(flags.size))


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the stream, from 1; errors are wrong recommendations let through."""

    number: int
    reviewed: Share
    undetected: Share  # of all items of the week
    grants: int
    withdrawals: int


def weeks_of(rows: Routed, moves: Sequence[Move]) -> list[Week]:
    """Cut the stream into weeks."""
    number = (rows.days // WEEK).astype(np.int64)
    let_through = ~rows.is_reviewed & rows.is_wrong
    weeks = []
    for one in range(int(number.max()) + 1):
        here = number == one
        of_week = [move for move in moves if move.day // WEEK == one]
        n_grants = sum(move.kind == "grant" for move in of_week)
        weeks.append(
            Week(
                number=one + 1,
                reviewed=Share.of(rows.is_reviewed[here]),
                undetected=Share.of(let_through[here]),
                grants=n_grants,
                withdrawals=len(of_week) - n_grants,
            )
        )
    return weeks


@dataclass(frozen=True, slots=True)
class JudgedMove:
    """A move with the true error rates of its segment, which nobody knew then.

    `before` is of the items routed since the evidence began, `after` of those until
    the segment's next move, `epoch` of all items of the segment while it stood (up to
    a planted change or from it on, whichever side the move is on).
    """

    move: Move
    before: Share
    after: Share
    epoch: Share
    is_wrong: bool


def judge_moves(
    rows: Routed,
    slices: Sequence[Slice],
    moves: Sequence[Move],
    *,
    changed_day: float | None = None,
) -> list[JudgedMove]:
    """Hold every move against the truth.

    A grant is wrong when the true rate of its segment's epoch is above what is
    tolerated. The bound must be held by that rate, not by the few items before it.
    """
    wrong = rows.is_wrong
    judged = []
    for place, move in enumerate(moves):
        mine = rows.segments == move.segment
        later = [one.day for one in moves[place + 1 :] if one.segment == move.segment]
        until = later[0] if later else np.inf
        epoch = mine & _same_side(rows.days, move.day, changed_day)
        rate = Share.of(wrong[epoch])
        tolerated = slices[move.segment].tolerated
        judged.append(
            JudgedMove(
                move,
                before=Share.of(
                    wrong[mine & (rows.days >= move.since_day) & (rows.days < move.day)]
                ),
                after=Share.of(
                    wrong[mine & (rows.days >= move.day) & (rows.days < until)]
                ),
                epoch=rate,
                is_wrong=move.kind == "grant" and (rate.value or 0) > tolerated,
            )
        )
    return judged


def _same_side(days: Floats, day: float, changed_day: float | None) -> Flags:
    if changed_day is None:
        return np.ones(days.shape, dtype=np.bool_)
    is_after = days >= changed_day
    return is_after if day >= changed_day else ~is_after


@dataclass(frozen=True, slots=True)
class Stand:
    """A segment over the whole stream: what people saw of it, and the truth."""

    reviewed: Share
    wrong: Share  # of all its items, by the truth
    undetected: Share  # wrong and not reviewed, of all its items


def stands_of(rows: Routed, slices: Sequence[Slice]) -> list[Stand]:
    """Return where each segment stands, in the order of the slices."""
    stands = []
    for place in range(len(slices)):
        mine = rows.segments == place
        wrong = rows.is_wrong[mine]
        stands.append(
            Stand(
                reviewed=Share.of(rows.is_reviewed[mine]),
                wrong=Share.of(wrong),
                undetected=Share.of(wrong & ~rows.is_reviewed[mine]),
            )
        )
    return stands


@dataclass(frozen=True, slots=True)
class Way:
    """A way of choosing what people see, on the same items and recommendations.

    `false_positives` is of what people are sent, `false_positive_rate` of what is not
    positive; a positive case is `caught` when people see it or it is recommended.
    """

    name: str
    reviewed: Share
    false_positives: Share
    false_positive_rate: Share
    caught: Share
    undetected: Share  # wrong recommendations that nobody saw, of all items


def way_of(
    rows: Routed, sent: Flags, *, name: str, positive: Collection[str], part: Flags
) -> Way:
    """Judge who would be sent to people ([n]) on a part of the rows ([n])."""
    is_positive = rows.truth_is(positive)
    said_positive = rows.said_is(positive)
    return Way(
        name=name,
        reviewed=Share.of(sent[part]),
        false_positives=Share.of(~is_positive[part & sent]),
        false_positive_rate=Share.of(sent[part & ~is_positive]),
        caught=Share.of((sent | said_positive)[part & is_positive]),
        undetected=Share.of((rows.is_wrong & ~sent)[part]),
    )


def ways_of(rows: Routed, *, positive: Collection[str]) -> list[Way]:
    """Compare ways over the last weeks of the stream; the rows decide none of them.

    The fixed threshold is the highest that would have caught 90 % of the positives of
    the first week, when people saw everything.
    """
    part = rows.days >= rows.days.max() - LAST_WEEKS * WEEK
    flagged = rows.said_is(positive)
    with np.errstate(invalid="ignore"):
        above = rows.probabilities >= threshold_for(rows, positive=positive)
    # All that is not drawn as an audit: the alarms proper.
    alarms = rows.is_reviewed & (rows.review_probabilities == 1)
    ways = (
        ("everything", np.ones(rows.n, dtype=np.bool_)),
        ("what the model flags", flagged),
        ("fixed threshold", above),
        ("earned", rows.is_reviewed),
        ("earned, audits left out", alarms),
    )
    return [
        way_of(rows, sent, name=name, positive=positive, part=part)
        for name, sent in ways
    ]


def threshold_for(
    rows: Routed, *, positive: Collection[str], recall: float = 0.9
) -> float:
    """Return the threshold that people's labels of the first week ask for."""
    first = (rows.days < WEEK) & np.isin(rows.found, list(positive))
    known = rows.probabilities[first & ~np.isnan(rows.probabilities)]
    if known.size == 0:
        return 0.0
    return float(np.quantile(known, 1 - recall, method="lower"))


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate from what people saw, beside the truth of all items."""

    measure: str
    truth: float
    by_people: WeightedRate  # what they said, at its review probability
    by_truth: WeightedRate  # had they made no mistake

    @property
    def is_held(self) -> bool:
        """Say whether the truth lies within the interval of what people said."""
        return _holds(self.by_people, self.truth)

    @property
    def is_held_without_mistakes(self) -> bool:
        """Say the same of people who make none."""
        return _holds(self.by_truth, self.truth)


def _holds(rate: WeightedRate, truth: float) -> bool:
    return bool(rate.low <= truth <= rate.high)


def estimates_of(rows: Routed, *, positive: Collection[str]) -> list[Estimate]:
    """Estimate how the recommendations do over all items, and say how they do."""
    said, truth = rows.said_is(positive), rows.truth_is(positive)
    seen, p = rows.is_reviewed & (rows.found != ""), rows.review_probabilities
    found = np.isin(rows.found, list(positive))
    everything = weighted_performance(said, truth, np.ones(rows.n))
    by_people = weighted_performance(said[seen], found[seen], p[seen])
    by_truth = weighted_performance(said[seen], truth[seen], p[seen])
    return [
        Estimate(
            name,
            getattr(everything, name).value,
            getattr(by_people, name),
            getattr(by_truth, name),
        )
        for name in MEASURES
    ]


def coverage(
    said: Flags, truth: Flags, *, share: float, n_replays: int, seed: int
) -> dict[str, float]:
    """Draw audits of a share anew over the same items [n]; count intervals that hold.

    Returns, per measure, the share of replays whose interval holds the truth of all
    items; those whose audit found nothing to judge a measure by are left out, NaN
    where that is all of them. Reviewers without mistakes.
    """
    everything = weighted_performance(said, truth, np.ones(said.size))
    rng = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {name: [] for name in MEASURES}
    for _ in range(n_replays):
        drawn = rng.random(said.size) < share
        found = weighted_performance(
            said[drawn], truth[drawn], np.full(int(drawn.sum()), share)
        )
        for name in MEASURES:
            _note(held[name], found, everything, name)
    return {
        name: float(np.mean(flags)) if flags else np.nan for name, flags in held.items()
    }


def _note(
    held: list[bool], found: Performance, everything: Performance, name: str
) -> None:
    rate: WeightedRate = getattr(found, name)
    if rate.n:
        held.append(_holds(rate, getattr(everything, name).value))


@dataclass(frozen=True, slots=True)
class Detection:
    """What became of a segment that was granted when the change was planted.

    `before`, `after`: its true error rates. `items` and `reviews` passed from the
    change to the withdrawal, all of them to the end where there was none.
    """

    segment: int
    before: Share
    after: Share
    is_due: bool  # the rate after is above what is tolerated
    withdrawn_day: float | None
    cause: str
    items: int
    reviews: int
    undetected: int  # wrong recommendations let through meanwhile


def detections_of(
    rows: Routed, slices: Sequence[Slice], moves: Sequence[Move], *, changed_day: float
) -> list[Detection]:
    """Follow every segment in which autonomy was granted when the change came."""
    found = []
    for place, one in enumerate(slices):
        own = [move for move in moves if move.segment == place]
        earlier = [move for move in own if move.day < changed_day]
        if earlier and earlier[-1].kind == "grant":
            later = [m for m in own if m.day >= changed_day and m.kind == "withdraw"]
            found.append(_detection(rows, place, one, later[:1], changed_day))
    return found


def _detection(
    rows: Routed, place: int, one: Slice, moves: Sequence[Move], changed_day: float
) -> Detection:
    mine, is_after = rows.segments == place, rows.days >= changed_day
    after = Share.of(rows.is_wrong[mine & is_after])
    until = moves[0].day if moves else np.inf
    meanwhile = mine & is_after & (rows.days < until)
    seen = rows.is_reviewed[meanwhile]
    return Detection(
        segment=place,
        before=Share.of(rows.is_wrong[mine & ~is_after]),
        after=after,
        is_due=(after.value or 0) > one.tolerated,
        withdrawn_day=moves[0].day if moves else None,
        cause=moves[0].cause if moves else "",
        items=int(meanwhile.sum()),
        reviews=int(seen.sum()),
        undetected=int((rows.is_wrong[meanwhile] & ~seen).sum()),
    )


def share_interval(share: Share) -> WeightedRate:
    """Return a share with its 95 % interval."""
    flags = np.arange(share.n) < share.k
    return weighted_share(flags, np.ones(share.n))
