"""Simulate workflows on the ladder, and fail when its promise does not hold."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from numpy.typing import NDArray

from reviewqueue.trust.parts_simulation import simulate_parts, worlds
from reviewqueue.trust.simulation import (
    NEVER,
    PROMISES,
    Rule,
    World,
    is_promise_broken,
    limits_of,
    most_wrong,
    runs_to_alarm,
    simulate,
)

GOOD: Final = 0.1  # of the tolerated rate, before it rises
RISES: Final = (2.0, 3.0, 5.0, 10.0)
BILLS: Final = (0.1, 0.25, 0.5)
N_STREAMS: Final = 1000
PROMISE_HEAD: Final = (
    f"{'Segments, by true error rate':36}{'workflows':>10}{'wrong':>7}{'share':>9}"
    f"{'at most':>9}  kept"
)
PARTS_HEAD: Final = (
    f"{'Parts: label and fields':40}{'workflows':>10}{'missed':>8}{'wrong':>7}"
    f"{'at most':>9}  kept"
)
RISE_HEAD: Final = f"{'Rise at the floor':20}{'found':>8}{'reviews':>16}{'items':>18}"
BILL_HEAD: Final = f"{'True rate':20}{'at floor':>8}{'reviews':>16}{'items':>18}"


class Command(BaseCommand):
    """Simulate; print a table per question; exit with 1 when a promise is broken."""

    help = (
        "Simulate thousands of workflows with known error rates, looked at after every "
        "review, and count wrong grants, false alarms, delays and the reviews that "
        "autonomy takes. Needs no database. Exits with 1 when the promise is broken."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workflows", type=count, default=10_000)
        parser.add_argument("--items", type=count, default=6000, help="per segment")
        parser.add_argument("--tolerated", type=share, default=0.05)
        parser.add_argument("--delta", type=share, default=0.05)
        parser.add_argument("--alpha", type=share, default=0.001)
        parser.add_argument("--min-reviews", type=count, default=20)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        rule = Rule(
            tolerated=options["tolerated"],
            delta=options["delta"],
            alpha=options["alpha"],
            min_reviews=options["min_reviews"],
        )
        n, n_items, seed = options["workflows"], options["items"], options["seed"]
        say = self.stdout.write
        say(f"{rule}, seed {seed}")
        broken = promises(rule, n=n, n_items=n_items, seed=seed, say=say)
        broken += parts_promises(
            rule, n=max(n // 5, 1), n_items=n_items, seed=seed, say=say
        )
        broken += false_alarms(rule, seed=seed, say=say)
        few = max(n // 20, 20)
        rises(rule, n=few, n_items=n_items, seed=seed, say=say)
        bills(rule, n=few, n_items=n_items, seed=seed, say=say)
        if broken:
            raise CommandError("The promise is broken: " + "; ".join(broken))


def promises(
    rule: Rule, *, n: int, n_items: int, seed: int, say: Callable[[str], object]
) -> list[str]:
    """Print wrong grants of each kind of workflow; name those with too many."""
    say(f"\n{PROMISE_HEAD}")
    broken = []
    most = most_wrong(n, delta=rule.delta)
    for name, multiples in PROMISES.items():
        rates = tuple(rule.tolerated * one for one in multiples)
        limits = limits_of(rule, n_reviews=n_items, n_segments=len(rates))
        n_wrong = simulate(World(n, n_items, rates), rule, limits, seed=seed).n_wrong
        is_broken = is_promise_broken(n_wrong, n, delta=rule.delta)
        broken += [name] if is_broken else []
        say(
            f"{name:36}{n:>10,}{n_wrong:>7,}{n_wrong / n:>9.2%}{most:>9,}"
            f"  {'NO' if is_broken else 'yes'}"
        )
    return broken


def parts_promises(
    rule: Rule, *, n: int, n_items: int, seed: int, say: Callable[[str], object]
) -> list[str]:
    """Print missed bounds and wrong grants where fields earn trust beside the label."""
    say(f"\n{PARTS_HEAD}")
    broken = []
    most = most_wrong(n, delta=rule.delta)
    for name, world in worlds(rule.tolerated).items():
        ran = simulate_parts(world, rule, n_workflows=n, n_items=n_items, seed=seed)
        is_kept = max(ran.n_missed, ran.n_wrong) <= most
        say(
            f"{name:40}{n:10}{ran.n_missed:8}{ran.n_wrong:7}{most:9}"
            f"  {'yes' if is_kept else 'NO'}"
        )
        if not is_kept:
            broken.append(name)
    return broken


def false_alarms(rule: Rule, *, seed: int, say: Callable[[str], object]) -> list[str]:
    """Print the mean number of reviews to a false alarm; name it when too small."""
    horizon = round(20 / rule.alpha)
    runs = runs_to_alarm(
        rule.tolerated, rule, n_streams=N_STREAMS, horizon=horizon, seed=seed
    )
    mean, error = float(runs.mean()), float(runs.std()) / np.sqrt(N_STREAMS)
    is_broken = mean + 5 * error < 1 / rule.alpha
    say(
        f"\nReviews to a false alarm at the tolerated rate: {mean:,.0f} ± {error:,.0f} "
        f"in the mean ({np.mean(runs == horizon):.0%} cut at {horizon:,}); promised: "
        f"{1 / rule.alpha:,.0f}"
    )
    return ["false alarms"] if is_broken else []


def rises(
    rule: Rule, *, n: int, n_items: int, seed: int, say: Callable[[str], object]
) -> None:
    """Print how long a rise at the floor goes on, in reviews and in items."""
    world = World(
        n_workflows=n,
        n_items=4 * n_items,
        rates=(rule.tolerated * GOOD,) * len(RISES),
        changes_at=n_items,
        changed_rates=tuple(min(rule.tolerated * one, 1.0) for one in RISES),
    )
    limits = limits_of(rule, n_reviews=world.n_items, n_segments=len(RISES))
    found = simulate(world, rule, limits, seed=seed)
    say(f"\n{RISE_HEAD}")
    for at, rise in enumerate(RISES):
        reviews, items = found.delay_reviews[:, at], found.delay_items[:, at]
        say(line(f"to {rise:g} x tolerated", reviews, items))


def bills(
    rule: Rule, *, n: int, n_items: int, seed: int, say: Callable[[str], object]
) -> None:
    """Print how many reviews good models take to the floor, with four segments."""
    say(f"\n{BILL_HEAD}")
    limits = limits_of(rule, n_reviews=n_items, n_segments=4)
    for multiple in BILLS:
        world = World(n, n_items, (rule.tolerated * multiple,) * 4)
        found = simulate(world, rule, limits, seed=seed)
        say(
            line(f"{multiple:g} x tolerated", found.floor_reviews, found.floor_items)
            + f"   reviewed of all: {found.n_reviews.mean() / n_items:.1%}"
        )


def line(name: str, reviews: NDArray[np.int64], items: NDArray[np.int64]) -> str:
    """Return a row: how often it came, and after how many (median, 95 %)."""
    came = reviews != NEVER
    cells = [f"{name:20}{came.mean():>8.1%}"]
    for counts, width in ((reviews, 16), (items, 18)):
        text = "none"
        if came.any():
            middle, most = np.quantile(counts[came], [0.5, 0.95])
            text = f"{middle:,.0f} ({most:,.0f})"
        cells.append(f"{text:>{width}}")
    return "".join(cells)


def share(text: str) -> float:
    """Read a number above 0 and below 1. Raises: ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        msg = f"above 0 and below 1, not {text!r}"
        raise ArgumentTypeError(msg)
    return number


def count(text: str) -> int:
    """Read a whole number from 1 on. Raises: ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"a whole number from 1 on, not {text!r}"
        raise ArgumentTypeError(msg)
    return int(text)
