"""The triage workflow that ships, a small model for it, and made-up patients."""

from datetime import datetime, timedelta
from functools import cache, partial

import numpy as np

from predictions.declaration import parse_declaration
from predictions.enums import Stage
from predictions.learning.training import TrainedModel
from predictions.models import ModelVersion, Workflow
from tests.factories.shipped import make_shipped, shipped_text
from tests.factories.trained import register, train_on

LEVELS = ("blue", "green", "yellow", "orange", "red")


make_triage = partial(make_shipped, "ed-triage")


def patients(n: int, *, seed: int = 5) -> tuple[list[dict[str, object]], list[str]]:
    """Return features and levels of patients; the quicker the breath, the sicker."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(0, 1, n)
    breath = np.clip(16 + 5 * severity + rng.normal(0, 2, n), 4, 60).round()
    pulse = np.clip(80 + 18 * severity + rng.normal(0, 12, n), 30, 220).round()
    cuts = [-1.3, -0.4, 0.5, 1.2]
    levels = [LEVELS[i] for i in np.digitize(severity + rng.normal(0, 0.3, n), cuts)]
    rows: list[dict[str, object]] = [
        {"age": float(age), "sex": sex, "resp_rate": float(a), "heart_rate": float(b)}
        for age, sex, a, b in zip(
            rng.integers(18, 95, n),
            rng.choice(["female", "male"], n).tolist(),
            breath,
            pulse,
            strict=True,
        )
    ]
    return rows, levels


def visit(number: int, *, now: datetime, **features: object) -> dict[str, object]:
    """Return one item as it is sent; a minute later than the one before."""
    return {
        "external_id": f"visit-{number}",
        "occurred_at": (now - timedelta(minutes=300 - number)).isoformat(),
        "features": {"age": 70, "sex": "female", **features},
    }


@cache
def trained() -> TrainedModel:
    declaration = parse_declaration(shipped_text("ed-triage"))
    return train_on(declaration, *patients(900))


def make_triage_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    return register(workflow, trained(), now=now, stage=Stage.CHAMPION)
