"""How often monitors may be wrong: one budget of a workflow, shared over all looks.

Every monitor that judges by chance has a share of the false alarms that the workflow
stands in a year, and divides it by its looks in a year. What a year's looks raise for
nothing adds up to the budget, whether looks overlap or not: expectations add.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

YEAR: Final = timedelta(days=365)
# Drift looks at most things at once, and needs most permutations for a small share.
SHARES: Final[Mapping[str, float]] = {
    "drift_scores": 0.25,
    "drift_features": 0.25,
    "missing_values": 0.1,
    "unknown_values": 0.1,
    "quarantine": 0.1,
    "calibration": 0.05,
    "accuracy": 0.05,
    "business": 0.1,
}


def look_budget(monitor: str, *, per_year: float, every: timedelta) -> float:
    """Return the chance of a false alarm that one look may take, in (0, 1).

    Raises: KeyError for a monitor that does not judge by chance.
    """
    return min(per_year * SHARES[monitor] * (every / YEAR), 0.5)
