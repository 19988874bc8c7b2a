"""Every bound of every part holds, whatever the other parts ask for.

Seeds are fixed; shares of workflows are held against delta by an exact binomial test at
one in a million.
"""

from dataclasses import replace

import pytest

from reviewqueue.trust.parts_simulation import PartsWorld, simulate_parts, worlds
from reviewqueue.trust.simulation import Rule, is_promise_broken

RULE = Rule(tolerated=0.05, delta=0.05, alpha=0.001, min_reviews=20)
WORLDS = worlds(RULE.tolerated)
RIGHT_BESIDE = "right where another part asks for all"
N, N_ITEMS = 300, 1200


@pytest.mark.parametrize(
    "name", ["three parts at it", RIGHT_BESIDE, "bands of two fields, crossed"]
)
def test_bounds_hold_and_grants_are_right(name: str) -> None:
    ran = simulate_parts(WORLDS[name], RULE, n_workflows=N, n_items=N_ITEMS, seed=1)

    assert not is_promise_broken(ran.n_missed, N, delta=RULE.delta)
    assert not is_promise_broken(ran.n_wrong, N, delta=RULE.delta)
    if name == RIGHT_BESIDE:
        # label and the sure band of the field come to the floor, the other nowhere
        assert ran.n_granted.mean() == pytest.approx(8, abs=0.5)


def test_what_another_part_asked_for_would_break_the_bound() -> None:
    ran = simulate_parts(
        WORLDS[RIGHT_BESIDE],
        RULE,
        n_workflows=N,
        n_items=2000,
        seed=1,
        counts_all=True,
    )

    assert is_promise_broken(ran.n_missed, N, delta=RULE.delta)


def test_delta_that_the_parts_do_not_share_would_break_it() -> None:
    parts, delta = 5, RULE.delta
    world = PartsWorld((1.0,), ((0,) * parts,), ((RULE.tolerated,) * parts,))

    n_missed = [
        simulate_parts(
            world, replace(RULE, delta=one), n_workflows=N, n_items=600, seed=1
        ).n_missed
        for one in (delta, delta * parts)
    ]

    broken = [is_promise_broken(one, N, delta=delta) for one in n_missed]
    assert broken == [False, True]
