"""Break what comes in, in three ways at once beside a workflow that is left alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from lifecycle.proof.life import midnight
from lifecycle.proof.line import WATCHED, Line
from lifecycle.proof.options import ProofOptions
from lifecycle.proof.rows import Drawn
from reviewqueue.proof.data_sets import Row
from reviewqueue.replay.passing import looks_of

type Features = Mapping[str, object]
FACTOR: Final = 100.0
NEW_VALUE: Final = "WALLET"
GONE: Final = "terminal_fraud_rate_30d"


@dataclass(frozen=True, slots=True)
class Break:
    """A change of what comes in: the monitor that should say so, and what it names."""

    slug: str
    what: str
    should: str
    names: str
    change: Callable[[Features], Features]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert; `items` came in since the break, None where it came before it."""

    monitor: str
    at: str
    items: int | None
    says: str


@dataclass
class Met:
    """What one workflow lived through; `should` is empty where nothing was broken."""

    slug: str
    what: str
    should: str
    names: str
    n_before: int = 0
    n_after: int = 0
    n_looks: int = 0
    raised: list[Raised] = field(default_factory=list)

    @property
    def right(self) -> Raised | None:
        """The first alert of the right monitor that names what was broken."""
        named = (
            one
            for one in self.raised
            if one.items is not None
            and one.monitor == self.should
            and self.names in one.says
        )
        return next(named, None)

    @property
    def false_alarms(self) -> list[Raised]:
        """What was raised where nothing was broken (yet)."""
        return [one for one in self.raised if not self.should or one.items is None]


def _unit(features: Features) -> Features:
    return {**features, "amount": float(str(features["amount"])) * FACTOR}


def _category(features: Features) -> Features:
    if features["card_present"] != "CNP":
        return features
    return {**features, "card_present": NEW_VALUE}


def _gone(features: Features) -> Features:
    return {name: value for name, value in features.items() if name != GONE}


def _same(features: Features) -> Features:
    return features


BREAKS: Final = (
    Break("upstream-unit", f"amount times {FACTOR:g}", "drift_features", "amount",
        _unit),
    Break("upstream-category", f"card_present says {NEW_VALUE} for CNP", "quarantine",
        "card_present", _category),
    Break("upstream-gone", f"{GONE} gone", "missing_values", GONE, _gone),
    Break("upstream-steady", "left alone", "", "", _same),
)  # fmt: skip


def break_upstream(
    sources: Mapping[str, str], drawn: Drawn, options: ProofOptions
) -> list[Met]:
    """Send the same rows to four workflows of one database, three of them broken.

    `sources` are their workflow files by slug. Each trains on the same past first.
    """
    begin = midnight(drawn.live[0].occurred_at)
    broken_at = begin + timedelta(days=options.break_day - 1)
    lines = []
    for one in BREAKS:
        line = _line(sources, one, drawn, options, now=begin)
        lines.append((one, Met(one.slug, one.what, one.should, one.names), line))
    for moment, rows in looks_of(drawn.live, begin=begin, per_day=4):
        for one, met, line in lines:
            _step(one, met, line, rows, moment, broken_at=broken_at)
    return [met for _, met, _ in lines]


def _line(
    sources: Mapping[str, str],
    one: Break,
    drawn: Drawn,
    options: ProofOptions,
    *,
    now: datetime,
) -> Line:
    line = Line.declare(
        sources[one.slug],
        audit_share=options.audit_share,
        outcome_days=options.outcome_days,
        now=now,
    )
    line.train_here(drawn.past, seed=options.seed, now=now)
    return line


def _step(
    one: Break,
    met: Met,
    line: Line,
    rows: Sequence[Row],
    moment: datetime,
    *,
    broken_at: datetime,
) -> None:
    sent = [
        replace(row, features=one.change(row.features))
        if row.occurred_at >= broken_at
        else row
        for row in rows
    ]
    line.arrive(sent, now=moment)
    line.hear(now=moment)
    n_after = sum(row.occurred_at >= broken_at for row in rows)
    met.n_after += n_after
    met.n_before += len(rows) - n_after
    met.n_looks += len(line.look(now=moment, monitors=WATCHED))
    met.raised += [
        Raised(
            alert.monitor,
            alert.raised_at.isoformat(),
            met.n_after if met.n_after else None,
            alert.says,
        )
        for alert in line.alerts()[len(met.raised) :]
    ]
