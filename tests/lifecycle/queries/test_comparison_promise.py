"""Verdicts on simulated challengers: wrong as seldom as stated, at every look."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from lifecycle.queries.comparison import Terms, judged
from lifecycle.queries.paired import Pair
from predictions.declaration import Declaration, parse_declaration
from tests.factories.predictions import DECLARATION

RUNS, DAYS, A_DAY = 60, 3, 250
DELTA = 0.1
# What the draws depend on: half of the items are audited seldom, and there the
# challenger fares otherwise than where all are.
SHARES = (1.0, 0.1)
type Errors = tuple[tuple[float, float], tuple[float, float]]
# Chance of an error of champion and challenger, in each half.
EQUAL: Errors = ((0.2, 0.1), (0.1, 0.2))
BETTER: Errors = ((0.1, 0.2), (0.3, 0.05))
WORSE: Errors = ((0.2, 0.1), (0.05, 0.3))


def declaration(margin: float = 0.0) -> Declaration:
    found = parse_declaration(DECLARATION.format(slug="cards", name="Cards"))
    asked = {"loss": "errors", "delta": DELTA, "margin": margin}
    promotion = found.promotion.model_copy(update=asked)
    return found.model_copy(update={"promotion": promotion})


def audited(errors: Errors, rng: np.random.Generator, day: int) -> Counter[Pair]:
    """Draw a day of items, and of these the audited; two in a hundred stay open."""
    pairs = Counter[Pair]()
    for half in rng.integers(0, 2, A_DAY):
        share = SHARES[half]
        if rng.random() >= share:
            continue
        one, other = (
            "fraud" if rng.random() < chance else "legitimate"
            for chance in errors[half]
        )
        known = "legitimate", "blind"
        truth, kind = ("", "open") if rng.random() < 0.02 else known
        at = date(2026, 3, 2) + timedelta(day)
        pairs[Pair(at, one, other, truth, kind, share, None, "", 1)] += 1  # type: ignore[arg-type]  # a literal
    return pairs


def verdicts(errors: Errors, *, seed: int, margin: float = 0.0) -> list[set[str]]:
    """Look after every day; return all that was ever said, run by run."""
    terms = Terms.of(declaration(margin))
    rng = np.random.default_rng(seed)
    said = []
    for _ in range(RUNS):
        seen, ever = Counter[Pair](), set()
        for day in range(DAYS):
            seen += audited(errors, rng, day)
            pairs = [one._replace(n=n) for one, n in seen.items()]
            ever.add(judged(pairs, terms, delta=DELTA).verdict)
        said.append(ever)
    return said


def n_with(said: list[set[str]], *words: str) -> int:
    return sum(bool(one & set(words)) for one in said)


def test_equal_versions_are_seldom_told_apart() -> None:
    said = verdicts(EQUAL, seed=1)

    # by chance alone one end is crossed in delta / 2 of the runs at most
    most = binom.ppf(0.999, RUNS, DELTA / 2)
    assert n_with(said, "better") <= most
    assert n_with(said, "worse") <= most


@pytest.mark.parametrize(
    ("errors", "right", "wrong"),
    [(BETTER, "better", ("worse",)), (WORSE, "worse", ("better", "no_worse"))],
)
def test_versions_that_differ_are_found_to_and_seldom_the_wrong_way(
    errors: Errors, right: str, wrong: tuple[str, ...]
) -> None:
    said = verdicts(errors, seed=2, margin=0.01)

    assert n_with(said, *wrong) <= binom.ppf(0.999, RUNS, DELTA / 2)
    assert n_with(said, right) > 0
