"""`kill -9` in mid-flow: what was acknowledged is there, once, and all is routed."""

import pytest

from tests.faults.stack import Stack, eventually
from tests.faults.traffic import (
    check_nothing_lost,
    hurt,
    traffic_on,
    work_goes_on,
)

pytestmark = pytest.mark.slow
SEED = 20261121
VICTIMS = ["worker", "one worker", "web", "one web", "valkey", "postgres"]


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_loses_nothing_and_doubles_nothing(stack: Stack, victim: str) -> None:
    check_nothing_lost(hurt(stack, [victim], seed=SEED))


def test_crash_of_all_at_once_loses_nothing(stack: Stack) -> None:
    with traffic_on(stack) as traffic:
        assert work_goes_on(traffic)
        stack.crash()
        stack.start()
        assert work_goes_on(traffic), "nobody decides any more"

    check_nothing_lost(traffic)


def test_clock_of_sweeps_comes_back(stack: Stack) -> None:
    before = stack.pids("beat")
    assert stack.kill("beat") == len(before) > 0

    assert eventually(lambda: not {*before} >= {*stack.pids("beat")})
