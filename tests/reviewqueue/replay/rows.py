"""Rows of a made-up replay, and a stream of payments that a small model can learn."""

from datetime import UTC, datetime, timedelta

import numpy as np

from reviewqueue.proof.data_sets import Row
from reviewqueue.replay.rows import Routed, Slice
from reviewqueue.replay.streams import Stream

START = datetime(2025, 2, 1, tzinfo=UTC)
POSITIVE = ("fraud",)


def routed(n: int, **columns: object) -> Routed:
    """Return `n` items of the first day in segment 0, legitimate, seen and right."""
    usual: dict[str, object] = {
        "days": np.zeros(n),
        "segments": np.zeros(n, dtype=int),
        "said": ["legitimate"] * n,
        "truth": ["legitimate"] * n,
        "found": ["legitimate"] * n,
        "probabilities": np.full(n, 0.01),
        "review_probabilities": np.ones(n),
        "is_reviewed": np.ones(n, dtype=bool),
        "is_blind": np.zeros(n, dtype=bool),
    }
    return Routed(
        **{name: np.asarray(value) for name, value in (usual | columns).items()}
    )


def one_slice(**changes: object) -> Slice:
    usual: dict[str, object] = {
        "version": 1,
        "label": "legitimate",
        "low": 0.0,
        "high": 0.1,
        "n_sharing": 2,
        "tolerated": 0.1,
        "cut_day": 0.0,
        "review_probability": 0.05,
    }
    return Slice(**(usual | changes))


def payments(n: int, *, n_past: int, days: float, seed: int = 3) -> Stream:
    """Return payments of which large ones without the card are fraud, mostly."""
    rng = np.random.default_rng(seed)
    amounts = rng.gamma(2.0, 150.0, n + n_past)
    present = rng.random(n + n_past) < 0.7
    noise = rng.random(n + n_past) < 0.01
    step = timedelta(days=days) / n
    rows = [
        Row(
            external_id=f"tx-{i}",
            occurred_at=START + (i - n_past) * step,
            features=_features(i, float(amounts[i]), present=bool(present[i])),
            label="fraud"
            if (amounts[i] > 400 and not present[i]) != noise[i]
            else "legitimate",
        )
        for i in range(n + n_past)
    ]
    return Stream("generated", "cards", rows[:n_past], rows[n_past:], n)


def _features(number: int, amount: float, *, present: bool) -> dict[str, object]:
    return {
        "amount": amount,
        "card_present": "yes" if present else "no",
        "night": False,
        "customer": f"c-{number}",
    }
