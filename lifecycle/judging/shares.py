"""Shares that rise: what is missing, unknown or refused among the newest items."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import scipy

from lifecycle.judging.found import Found, alarm, fine, too_few
from predictions.learning.evaluation import wilson_interval
from ui import numbers

MIN_ITEMS: Final = 30
MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Rise:
    """How often something was so before (k of n), and now."""

    name: str
    before_k: int
    before_n: int
    now_k: int
    now_n: int
    chance: float

    @property
    def before(self) -> float:
        return self.before_k / self.before_n

    @property
    def now(self) -> float:
        return self.now_k / self.now_n


def rise_of(name: str, before: tuple[int, int], now: tuple[int, int]) -> Rise:
    """Return how far a share rose, (k, n) before and now, both n above 0.

    `chance` is that of at least so many of all being among the later ones, when it
    makes no difference which came later. Source: Fisher 1935, one-sided exact test.
    """
    (k0, n0), (k1, n1) = before, now
    chance = float(scipy.stats.hypergeom.sf(k1 - 1, n0 + n1, k0 + k1, n1))
    return Rise(name, k0, n0, k1, n1, chance)


def judge_rises(
    rises: list[Rise], n: int, *, budget: float, least: float, what: str
) -> Found:
    """Raise an alarm where a share rose by `least` or more, and surely.

    Each of the k shares has budget / k (Bonferroni): over all of them the chance of a
    false alarm is at most `budget`.
    """
    if n < MIN_ITEMS or not rises:
        return too_few(f"{n} items are too few to say anything of {what}.", n)
    most = max(rises, key=lambda one: one.now - one.before)
    surely = [
        one
        for one in sorted(rises, key=lambda one: one.before - one.now)
        if one.chance <= budget / len(rises) and one.now - one.before >= least
    ]
    rows = sorted(rises, key=lambda one: (one.before - one.now, one.name))
    data = {
        "rises": [asdict(one) | {"surely": one in surely} for one in rows],
        "n_before": most.before_n,
    }
    if not surely:
        says = f"Nothing more is {what} among the newest {n} items than before."
        return fine(says, most.now - most.before, n, **data)
    named = "; ".join(
        f"{one.name}: {numbers.percent(one.before)} before, "
        f"{numbers.percent(one.now)} now"
        for one in surely[:MAX_NAMED]
    )
    more = len(surely) - MAX_NAMED
    rest = f"; {more} more" if more > 0 else ""
    says = f"More is {what} among the newest {n} items: {named}{rest}."
    return alarm(says, most.now - most.before, n, **data)


def judge_quarantine(
    k: int, n: int, *, budget: float, limit: float, rules: Mapping[str, int]
) -> Found:
    """Raise an alarm where the share of refused items is surely above the limit.

    `rules` counts the broken rules by field and rule. The bound is one-sided, at the
    look's budget.
    """
    if n < MIN_ITEMS:
        return too_few(f"{n} items arrived in the last seven days.", n, k=k)
    share = k / n
    low = wilson_interval(k, n, level=1 - 2 * budget).low
    most = sorted(rules.items(), key=lambda one: (-one[1], one[0]))[:MAX_NAMED]
    named = ", ".join(name for name, _ in most)
    says = f"{numbers.percent(share)} of the newest {n} items were refused"
    says += f", most for {named}." if most else "."
    is_over = limit > 0 and not math.isnan(low) and low > limit
    judge = alarm if is_over else fine
    return judge(says, share, n, k=k, low=low, rules=dict(rules))
