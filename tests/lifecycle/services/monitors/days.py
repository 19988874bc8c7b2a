"""Days of payments like those that the tests' model learnt from."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np

from predictions.models import Item, Workflow
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import store

type Features = dict[str, object]
DAY = timedelta(days=1)


def payments(n: int, *, seed: int) -> list[Features]:
    """Draw features as the factory does for training."""
    rng = np.random.default_rng(seed)
    return [
        {
            "amount": float(amount),
            "card_present": "yes" if present else "no",
            "night": bool(night),
            "customer": f"c-{number}",
        }
        for number, (amount, present, night) in enumerate(
            zip(
                rng.gamma(2.0, 200.0, n),
                rng.random(n) < 0.6,
                rng.random(n) < 0.3,
                strict=True,
            )
        )
    ]


def truth_of(features: Mapping[str, object]) -> str:
    amount = float(str(features["amount"]))
    is_fraud = amount > 500 and features["card_present"] == "no"
    return "fraud" if is_fraud else "legitimate"


def same(features: Features) -> Features:
    return features


def arrive(
    workflow: Workflow,
    day: datetime,
    n: int,
    *,
    change: Callable[[Features], Features] = same,
    with_truth: bool = False,
    site: str = "",
) -> None:
    """Let n payments arrive at noon of a day, each changed; perhaps with late truth."""
    noon = day + timedelta(hours=12)
    rows = payments(n, seed=day.toordinal())
    raw = [
        {
            "external_id": f"{day:%m%d}-{site}{number}",
            "occurred_at": noon.isoformat(),
            "features": change(dict(features)),
            "site": site,
        }
        for number, features in enumerate(rows)
    ]
    store(workflow, raw, now=noon)
    while process_batch(workflow=workflow, limit=1000, now=noon):
        pass
    if with_truth:
        outcomes = [
            OutcomeRow(f"{day:%m%d}-{site}{number}", truth_of(features), noon)
            for number, features in enumerate(rows)
        ]
        record_outcomes(workflow=workflow, rows=outcomes, by=None, now=noon)


def n_items(workflow: Workflow) -> int:
    return Item.objects.filter(workflow=workflow).count()
