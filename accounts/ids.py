"""UUIDv7 identifiers (RFC 9562, section 5.7) made in the process.

They are made here and not by PostgreSQL because bulk loads need to know them before
the rows are written.
"""

import secrets
import threading
import time
from uuid import UUID

_TAIL_BITS = 74  # rand_a (12) and rand_b (62)
_LOW_BITS = 62
_LOW_MASK = (1 << _LOW_BITS) - 1
_SEED_BITS = _TAIL_BITS - 1  # the top bit is left free, so that the tail can grow
_STEP_BITS = 32
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << _LOW_BITS


class _Sequence:
    """Ascending tails within one millisecond, shared by the threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = -1
        self._tail = 0

    def take(self, n: int, ms: int) -> list[UUID]:
        with self._lock:
            return self._take(n, ms)

    def take_one_not_before_last(self, ms: int) -> UUID:
        with self._lock:
            # A clock set back must not give ids that sort before earlier ones.
            return self._take(1, max(ms, self._ms))[0]

    def _take(self, n: int, ms: int) -> list[UUID]:
        if ms != self._ms:
            self._ms = ms
            self._tail = secrets.randbits(_SEED_BITS)
        noise = secrets.token_bytes(n * _STEP_BITS // 8)
        return [self._step(noise[i * 4 : i * 4 + 4]) for i in range(n)]

    def _step(self, noise: bytes) -> UUID:
        # At least one, so ascending; 2**73 / 2**32 steps fit before an overflow.
        self._tail += 1 + int.from_bytes(noise, "big")
        return _assemble(self._ms, self._tail)


def _assemble(ms: int, tail: int) -> UUID:
    high = (ms << 80) | _VERSION_7 | ((tail >> _LOW_BITS) << 64)
    return UUID(int=high | _VARIANT | (tail & _LOW_MASK))


_singles = _Sequence()
_batches = _Sequence()


def uuid7() -> UUID:
    """Make one id of this moment, greater than all made by this process before."""
    return _singles.take_one_not_before_last(time.time_ns() // 1_000_000)


def uuid7_batch(n: int, now_ms: int) -> list[UUID]:
    """Make `n` ascending ids that carry the given moment (milliseconds since 1970).

    The moment is the caller's, so that a replay of the past gets ids of the past.
    Consecutive batches of one millisecond ascend as well.
    """
    return _batches.take(n, now_ms)
