"""What a replay should reach, and by which figures it is reached or not. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reviewqueue.replay.figures import (
    LAST_WEEKS,
    WEEK,
    JudgedMove,
    Share,
    Stand,
    Way,
)
from reviewqueue.replay.rows import Routed, Slice

REVIEW_RATE: Final = 0.1
FALSE_POSITIVES: Final = 0.15
CAUGHT: Final = 0.9


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing to reach: whether it was, and the figures that say so or why not."""

    name: str
    is_reached: bool
    figures: tuple[str, ...]


def goals_of(
    rows: Routed,
    *,
    positive: Collection[str],
    slices: Sequence[Slice],
    stands: Sequence[Stand],
    moves: Sequence[JudgedMove],
    ways: Sequence[Way],
) -> list[Goal]:
    """Hold the figures of a replay against what was hoped for."""
    return [
        _review_rate(rows, slices, stands),
        _bounds(slices, moves),
        _false_positives(rows, positive, ways),
    ]


def _review_rate(
    rows: Routed, slices: Sequence[Slice], stands: Sequence[Stand]
) -> Goal:
    part = rows.days >= rows.days.max() - LAST_WEEKS * WEEK
    rate = Share.of(rows.is_reviewed[part])
    figures = [f"{rate.percent} of the items of the last {LAST_WEEKS} weeks"]
    for place, (one, stand) in enumerate(zip(slices, stands, strict=True)):
        of_all = Share.of(rows.segments[part] == place)
        if one.review_probability == 1 and of_all.k:
            figures.append(
                f"people see all of “{one.label}” {one.low:g} to {one.high:g}, "
                f"{of_all.percent} of these items: wrong in {(stand.wrong).percent}, "
                f"tolerated {one.tolerated * 100:.2g} %"
            )
    return Goal(
        f"people see under {REVIEW_RATE * 100:.0f} % of the items",
        (rate.value or 0) < REVIEW_RATE,
        tuple(figures),
    )


def _bounds(slices: Sequence[Slice], moves: Sequence[JudgedMove]) -> Goal:
    grants = [one for one in moves if one.move.kind == "grant"]
    held = [one for one in grants if (one.epoch.value or 0) <= one.move.bound]
    wrong = sum(one.is_wrong for one in grants)
    figures = [
        f"the true rate is at or under the bound in {len(held)} of {len(grants)} "
        f"grants, and above what is tolerated in {wrong}",
        *(
            f"day {one.move.day:.1f}, “{slices[one.move.segment].label}” "
            f"{slices[one.move.segment].low:g} to {slices[one.move.segment].high:g}: "
            f"bound {one.move.bound * 100:.2g} %, true rate {(one.epoch).percent}"
            for one in grants
            if one not in held or one.is_wrong
        ),
    ]
    is_reached = bool(grants) and len(held) == len(grants) and not wrong
    if not grants:
        figures = ["nothing was granted, so nothing was let through"]
    return Goal("the bound holds and no grant is wrong", is_reached, tuple(figures))


def _false_positives(
    rows: Routed, positive: Collection[str], ways: Sequence[Way]
) -> Goal:
    by_name = {one.name: one for one in ways}
    earned, alarms = by_name["earned"], by_name["earned, audits left out"]
    figures = (
        f"{earned.false_positives.percent} of what people are sent is not positive, "
        f"{earned.caught.percent} of the positives are caught",
        f"without the audits: {alarms.false_positives.percent}, "
        f"{alarms.caught.percent} caught",
        f"by the model's order alone, {CAUGHT * 100:.0f} % are caught at best with "
        f"{best_false_positives(rows, positive=positive).percent} not positive",
    )
    return Goal(
        f"under {FALSE_POSITIVES * 100:.0f} % of what people are sent is not positive, "
        f"at {CAUGHT * 100:.0f} % caught",
        (earned.false_positives.value or 0) < FALSE_POSITIVES
        and (earned.caught.value or 0) >= CAUGHT,
        figures,
    )


def best_false_positives(rows: Routed, *, positive: Collection[str]) -> Share:
    """Return what is not positive above the highest threshold that catches enough.

    Set with the truth in hand, over the last weeks: no threshold can do better, and
    none that is set before will do as well.
    """
    part = rows.days >= rows.days.max() - LAST_WEEKS * WEEK
    part &= ~np.isnan(rows.probabilities)
    p, truth = rows.probabilities[part], np.isin(rows.truth[part], list(positive))
    if not truth.any():
        return Share(0, 0)
    threshold = np.quantile(p[truth], 1 - CAUGHT, method="lower")
    return Share.of(~truth[p >= threshold])
