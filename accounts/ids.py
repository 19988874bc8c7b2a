"""UUIDv7 identifiers (RFC 9562, section 5.7) made in the process.

They are made here and not by PostgreSQL because bulk loads need to know them before
the rows are written.
"""

import secrets
import struct
import threading
import time
from itertools import accumulate
from typing import Protocol
from uuid import UUID

_TAIL_BITS = 74  # rand_a (12) and rand_b (62)
_LOW_BITS = 62
_LOW_MASK = (1 << _LOW_BITS) - 1
_SEED_BITS = _TAIL_BITS - 1  # the top bit is left free, so that the tail can grow
_STEP_BITS = 32
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << _LOW_BITS


class Chance(Protocol):
    """Where random bits come from: `secrets`, or a known source in tests."""

    def randbits(self, k: int, /) -> int:
        """Draw `k` bits."""

    def token_bytes(self, nbytes: int, /) -> bytes:
        """Draw `nbytes` bytes."""


class Sequence:
    """Ascending tails within one millisecond, shared by the threads of a process."""

    def __init__(self, chance: Chance = secrets) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._ms = -1
        self._tail = 0

    def take(self, n: int, ms: int) -> list[int]:
        with self._lock:
            return self._take(n, ms)

    def take_one_not_before_last(self, ms: int) -> int:
        with self._lock:
            # A clock set back must not give ids that sort before earlier ones.
            return self._take(1, max(ms, self._ms))[0]

    def _take(self, n: int, ms: int) -> list[int]:
        if ms != self._ms:
            self._ms = ms
            self._tail = self._chance.randbits(_SEED_BITS)
        noise = struct.unpack(f">{n}I", self._chance.token_bytes(n * _STEP_BITS // 8))
        # At least one, so ascending; 2**73 / 2**32 steps fit before an overflow.
        tails = list(accumulate((step + 1 for step in noise), initial=self._tail))
        self._tail = tails[-1]
        fixed = (ms << 80) | _VERSION_7 | _VARIANT
        return [
            fixed | ((tail >> _LOW_BITS) << 64) | (tail & _LOW_MASK)
            for tail in tails[1:]
        ]


_singles = Sequence()
_batches = Sequence()


def uuid7() -> UUID:
    """Make one id of this moment, greater than all made by this process before."""
    return UUID(int=_singles.take_one_not_before_last(time.time_ns() // 1_000_000))


def uuid7_batch(n: int, now_ms: int) -> list[UUID]:
    """Make `n` ascending ids that carry the given moment (milliseconds since 1970).

    The moment is the caller's, so that a replay of the past gets ids of the past.
    Consecutive batches of one millisecond ascend as well.
    """
    return [UUID(int=number) for number in _batches.take(n, now_ms)]


def uuid7_bytes_batch(n: int, now_ms: int) -> list[bytes]:
    """Make the ids of `uuid7_batch` as 16 bytes each, without the cost of objects."""
    return [number.to_bytes(16, "big") for number in _batches.take(n, now_ms)]
