"""A share of a whole with its interval. Pure: no ORM, clock or settings."""

from dataclasses import dataclass

from predictions.learning.evaluation import wilson_interval


@dataclass(frozen=True, slots=True)
class Proportion:
    """k of n with its 95 % Wilson interval; share and interval are None when n = 0."""

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None

    def others(self) -> "Proportion":
        """Return the share of the rest; the interval is symmetric in the two."""
        if self.share is None or self.low is None or self.high is None:
            return self
        k = self.n - self.k
        return Proportion(k, self.n, k / self.n, 1 - self.high, 1 - self.low)


def proportion(k: int, n: int) -> Proportion:
    """Return k of n with its Wilson interval."""
    if not n:
        return Proportion(0, 0, None, None, None)
    interval = wilson_interval(k, n)
    return Proportion(k, n, k / n, interval.low, interval.high)
