"""The workers' signs of life."""

import contextlib
from datetime import datetime

from django.core.cache import cache
from redis.exceptions import RedisError

from reviewqueue.queries.workers import LAST_SIGN

KEPT_SECONDS = 24 * 3600


def leave_sign(*, now: datetime) -> None:
    """Leave word that a worker is there; lost while Valkey is away, and not missed."""
    with contextlib.suppress(RedisError, OSError):
        cache.set(LAST_SIGN, now.isoformat(), timeout=KEPT_SECONDS)
