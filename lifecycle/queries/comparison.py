"""How a version does against the champion: what is known, in figures and words."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

import numpy as np
from django.db.models import Q
from pydantic import Field, TypeAdapter

from lifecycle.models import ComparisonLook
from lifecycle.queries.paired import Basis, Pair, basis_of, pairs_of
from predictions.declaration import Declaration
from predictions.models import ModelVersion
from reviewqueue.models import Route
from reviewqueue.trust.comparison import Paired, compare

# With more, the figures are those of a worker's last look.
MOST_AT_ONCE: Final = 3_000
MOST_DAYS: Final = 10

type Loss = Callable[[str, str], float]
# Written out in the API's schema, where an alias would be a type of its own.
Whose = Literal["champion", "challenger"]
LossName = Literal["costs", "errors"]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Judged:
    """Two versions on the same items; losses and bounds in the report's unit, per item.

    None where nothing is known. `low` and `high` hold at every look. Of `n` items with
    a label, `n_differ` tell the two apart; `n_open` more are due and have none.
    `more_needed` audits are likely to decide.
    """

    verdict: Literal["better", "no_worse", "worse", "undecided"]
    says: str
    difference: float | None
    low: float | None
    high: float | None
    champion: float | None
    challenger: float | None
    n: Count
    n_differ: Count
    n_open: Count
    more_needed: Count | None


@dataclass(frozen=True, slots=True)
class Slice:
    """The comparison in a declared slice; its own delta makes all of them hold."""

    name: str
    judged: Judged


@dataclass(frozen=True, slots=True)
class Until:
    """What was known of the items routed up to and with a day (UTC)."""

    day: date
    n: Count
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Met:
    """Items of which one of them was met: who judges with it in sight leans to it."""

    whose: Whose
    n: Count
    difference: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """A version against the champion, on items routed `since` ≤ moment < `until`.

    Both by their numbers. `loss` is "costs" (in `currency`) or "errors"; `evidence`
    what counts as the truth, `truths` the labels that count by where they come from.
    """

    champion: int
    challenger: int
    loss: LossName
    currency: str
    delta: Annotated[float, Field(ge=0, le=1)]
    margin: float
    evidence: Literal["blind", "all"]
    since: datetime
    until: datetime
    overall: Judged
    truths: dict[str, Count]
    met: list[Met]
    slices: list[Slice]
    days: list[Until]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Report":
        """Read what `to_json` wrote."""
        return _adapter().validate_python(data)


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def comparison_of(challenger: ModelVersion, *, now: datetime) -> Report | None:
    """Return how a version does against the champion; None where it is not known yet.

    Counted at once while the items are few, else as the last look of a worker found it.
    """
    basis = basis_of(challenger, now=now)
    if basis is None:
        return None
    if is_small(basis):
        return report_of(basis)
    look = ComparisonLook.objects.filter(
        Q(challenger=challenger, champion=basis.champion, since=basis.since)
    ).first()
    return Report.from_json(look.report) if look else None


def is_small(basis: Basis) -> bool:
    """Say whether the items are few enough to be counted while a page waits."""
    sent = Route.objects.filter(
        workflow_id=basis.champion.workflow_id,
        routed_at__gte=basis.since,
        routed_at__lt=basis.until,
    )
    return sent[: MOST_AT_ONCE + 1].count() <= MOST_AT_ONCE


def report_of(basis: Basis) -> Report:
    """Count and judge now."""
    declaration = basis.challenger.workflow.declaration
    return judge(basis, pairs_of(basis, declaration.slices), declaration)


def judge(basis: Basis, pairs: Sequence[Pair], declaration: Declaration) -> Report:
    """Judge counted pairs; writes and reads nothing."""
    terms = Terms.of(declaration)
    known = [one for one in pairs if one.kind != "open"]
    truths = Counter[str]()
    for one in known:
        truths[one.kind] += one.n
    n_slices = max(len(declaration.slices), 1)
    return Report(
        champion=basis.champion.number,
        challenger=basis.challenger.number,
        loss=terms.name,
        currency=declaration.costs.currency if terms.name == "costs" else "",
        delta=terms.delta,
        margin=terms.margin,
        evidence="blind" if basis.is_blind else "all",
        since=basis.since,
        until=basis.until,
        overall=judged(pairs, terms, delta=terms.delta),
        truths=dict(sorted(truths.items())),
        met=_by_met(known, basis, terms),
        slices=[
            Slice(
                part.name,
                judged(
                    [one for one in pairs if one.slices[at] == "1"],
                    terms,
                    delta=terms.delta / n_slices,
                ),
            )
            for at, part in enumerate(declaration.slices)
        ],
        days=_day_by_day(pairs, terms),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What an answer costs; `greatest` is known before any item is."""

    name: LossName
    loss: Loss
    greatest: float
    labels: tuple[str, ...]
    delta: float
    margin: float  # in the unit of the loss

    @classmethod
    def of(cls, declaration: Declaration) -> "Terms":
        asked, greatest = declaration.promotion, declaration.greatest_cost
        is_costs = asked.loss == "costs" and greatest > 0
        unit = greatest if is_costs else 1.0
        return cls(
            name="costs" if is_costs else "errors",
            loss=declaration.error_cost if is_costs else _is_wrong,
            greatest=unit,
            labels=declaration.label_keys,
            delta=asked.delta,
            margin=asked.margin * unit,
        )


def _is_wrong(said: str, truth: str) -> float:
    return float(said != truth)


def judged(pairs: Sequence[Pair], terms: Terms, *, delta: float) -> Judged:
    known = [one for one in pairs if one.kind != "open"]
    seen = _paired(known, terms)
    n_open = sum(one.n for one in pairs) - seen.n
    found = compare(
        seen,
        delta=delta,
        margin=terms.margin,
        best=_paired(pairs, terms, pick=min) if n_open else None,
        worst=_paired(pairs, terms, pick=max) if n_open else None,
    )
    return Judged(
        verdict=found.verdict,
        says=found.says,
        difference=_number(found.difference),
        low=_number(found.low),
        high=_number(found.high),
        champion=_number(found.champion),
        challenger=_number(found.challenger),
        n=found.n,
        n_differ=found.n_differ,
        n_open=n_open,
        more_needed=found.more_needed,
    )


# The difference, the champion's loss, the challenger's.
type _Losses = tuple[float, float, float]
type _Pick = Callable[[Iterable[_Losses]], _Losses]


def _paired(pairs: Sequence[Pair], terms: Terms, pick: _Pick | None = None) -> Paired:
    """Return the losses; of an item without a label those that `pick` chooses.

    Of all labels that it may turn out to have, by the difference that they make.
    """
    losses = [_losses_of(one, terms, pick) for one in pairs]
    return Paired.of(
        [champion for _, champion, _ in losses],
        [challenger for *_, challenger in losses],
        np.minimum([one.share for one in pairs], 1.0),
        max_loss=terms.greatest,
        counts=[one.n for one in pairs],
    )


def _losses_of(one: Pair, terms: Terms, pick: _Pick | None) -> _Losses:
    truths = terms.labels if one.kind == "open" else (one.truth,)
    possible = []
    for truth in truths:
        champion, challenger = (
            terms.loss(said, truth) for said in (one.champion, one.challenger)
        )
        possible.append((challenger - champion, champion, challenger))
    return pick(possible) if pick else possible[0]


def _by_met(known: Sequence[Pair], basis: Basis, terms: Terms) -> list[Met]:
    """Hold the two against each other apart, by whose recommendation was met."""
    found = []
    both: tuple[tuple[Whose, ModelVersion], ...] = (
        ("champion", basis.champion),
        ("challenger", basis.challenger),
    )
    for whose, version in both:
        rows = [one for one in known if one.met == version.pk]
        seen = _paired(rows, terms)
        found.append(Met(whose, seen.n, _number(seen.challenger - seen.champion)))
    return found


def _day_by_day(pairs: Sequence[Pair], terms: Terms) -> list[Until]:
    """Return what was known after some of the days, the last one among them."""
    days = sorted({one.day for one in pairs})
    places = np.linspace(0, len(days) - 1, min(MOST_DAYS, len(days)))
    return [_until(days[int(at)], pairs, terms) for at in np.round(places)]


def _until(day: date, pairs: Sequence[Pair], terms: Terms) -> Until:
    found = judged([one for one in pairs if one.day <= day], terms, delta=terms.delta)
    return Until(day, found.n, found.difference, found.low, found.high)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
