"""What a proof of a model's life is told."""

from dataclasses import dataclass, field
from typing import Final

from reviewqueue.replay.options import Habits

PARTS: Final = ("life", "upstream", "calm")


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """Shares in 0..1 of the rows of the set; lengths in days.

    `beside_days` is how long a version may run beside the champion (the first
    `shadow_days` of them in shadow) before it goes without a verdict. The upstream
    breaks on day `break_day` of `upstream_days`.
    """

    seed: int = 20260301
    parts: tuple[str, ...] = PARTS
    past_share: float = 0.11
    share: float = 0.03
    days: int | None = None
    looks_a_day: int = 2
    drift_every: int = 7
    retrain_days: int = 30
    shadow_days: int = 7
    beside_days: int = 21
    outcome_days: int = 7
    audit_share: float = 0.25
    habits: Habits = field(default_factory=lambda: Habits(accuracy=0.998))
    upstream_past_share: float = 0.045
    upstream_share: float = 0.03
    upstream_days: int = 14
    break_day: int = 9
    within_items: int = 500
    calm_days: int = 1000
    calm_per_day: int = 30
    calm_past: int = 600
