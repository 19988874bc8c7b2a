import threading
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7, uuid7_batch

MOMENTS = st.integers(min_value=0, max_value=2**48 - 1)


def moment_of(value: int) -> int:
    return value >> 80


def test_uuid7_is_version_7_of_the_rfc_and_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= moment_of(made.int) <= time.time_ns() // 1_000_000 + 1


def test_uuid7_ascends_within_a_process() -> None:
    made = [uuid7() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == 5_000


def test_uuid7_never_goes_back_when_the_clock_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert uuid7() > first


def test_uuid7_of_many_threads_are_distinct_and_ascend_in_each() -> None:
    made: list[list[UUID]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def make(mine: list[UUID]) -> None:
        start.wait()
        mine.extend(uuid7() for _ in range(500))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 4_000
    assert all(mine == sorted(mine) for mine in made)


@given(st.integers(min_value=0, max_value=300), MOMENTS)
def test_batch_ascends_and_carries_the_given_moment(n: int, ms: int) -> None:
    made = uuid7_batch(n, ms)
    assert len(set(made)) == n
    assert made == sorted(made)
    assert {moment_of(one.int) for one in made} <= {ms}
    assert {one.version for one in made} <= {7}


@given(MOMENTS)
def test_consecutive_batches_of_one_moment_ascend(ms: int) -> None:
    assert max(uuid7_batch(5, ms)) < min(uuid7_batch(5, ms))
