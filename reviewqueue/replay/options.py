"""What a replay is told: the stream, the terms of autonomy, the people, a change."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Planted:
    """A change from a day of the stream on.

    `flip`: a `share` (0..1) of what has the commonest label of the history gets the
    commonest label of the other kind, a kind of case that no model has met. `shift`:
    `feature` is multiplied by `factor` and kept within its declared range.
    """

    kind: str  # flip or shift
    day: float
    share: float = 0.05
    feature: str = ""
    factor: float = 0.1


@dataclass(frozen=True, slots=True)
class Habits:
    """How simulated people review; shares in 0..1.

    `accuracy`: how often they see the truth by themselves. `follows`: how often they
    go along with a wrong recommendation that they are shown. `seconds`: the median
    that they take for a case.
    """

    accuracy: float = 0.995
    follows: float = 0.2
    seconds: float = 30.0
    n_people: int = 3


@dataclass(frozen=True, slots=True)
class Options:
    """One replay. Shares and rates in 0..1; `tolerated` by label, else by costs."""

    seed: int = 20260301
    share: float = 1.0  # of the rows that make the stream
    days: float | None = None
    looks_a_day: int = 4
    tolerated: Mapping[str, float] = field(default_factory=dict)
    delta: float = 0.05
    alpha: float = 0.001
    evidence: str = "blind"
    blind_share: float = 0.5
    edges: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
    min_share: float = 0.05
    floor: float = 0.05
    drift_distance: float = 0.25  # of scores or inputs, that withdraws; 1 is never
    habits: Habits = field(default_factory=Habits)
    outcome_share: float = 0.0  # whose truth comes by itself
    outcome_days: float = 7.0  # later
    retrain_days: float | None = None
    shadow_days: float = 0.0  # before a new version is promoted
    planted: Planted | None = None
