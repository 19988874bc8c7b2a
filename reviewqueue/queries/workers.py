"""Whether a worker is alive, as far as Valkey knows: a hint, never the truth."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from redis.exceptions import RedisError

LAST_SIGN = "worker-last-sign"
# Workers say every 2 s that they are there, whatever keeps their processes busy.
SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class LastSign:
    """When a worker last said that it is there; None while no sign is on record.

    Nothing is known while Valkey does not answer.
    """

    is_known: bool
    at: datetime | None = None

    def silent_seconds(self, now: datetime) -> float:
        """Return how long no worker has said anything; infinite without a sign."""
        if self.at is None:
            return float("inf")
        return max((now - self.at).total_seconds(), 0.0)

    def is_missed(self, now: datetime) -> bool:
        """Say whether it is known that workers have been silent for too long."""
        return self.is_known and self.silent_seconds(now) > SILENT_AFTER.total_seconds()


def last_sign() -> LastSign:
    """Read the workers' last sign of life; never fails."""
    try:
        told = cache.get(LAST_SIGN)
    except (RedisError, OSError):
        return LastSign(is_known=False)
    return LastSign(is_known=True, at=datetime.fromisoformat(told) if told else None)
