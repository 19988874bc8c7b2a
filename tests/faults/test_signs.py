"""What a real worker tells of itself, and what its absence shows."""

import re
import time
import urllib.request

import pytest

from tests.faults.stack import Stack, eventually

pytestmark = pytest.mark.slow


def silent_seconds(stack: Stack) -> float:
    with urllib.request.urlopen(f"{stack.url}/metrics", timeout=10) as answer:  # noqa: S310 -- our own loopback address
        told = answer.read().decode()
    [seconds] = re.findall(r"^countersign_worker_silent_seconds (\S+)$", told, re.M)
    return float(seconds)


def test_worker_gives_signs_of_life_until_it_is_killed(stack: Stack) -> None:
    assert eventually(lambda: silent_seconds(stack) < 5)

    with stack.unattended():
        stack.kill("worker")
        time.sleep(6)
        assert silent_seconds(stack) > 5

    assert eventually(lambda: silent_seconds(stack) < 5)
