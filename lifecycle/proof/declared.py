"""The workflow file of the proof: that of card payments, with a trap in it."""

from typing import Final

from predictions.declaration import Declaration
from predictions.learning.features import Column
from predictions.services.columns import model_columns

SLUG: Final = "card-fraud"
NAME: Final = 'name = "Card payments"'
SUBJECT: Final = 'subject = "customer_id"\n'
# Filled in after the fact: what a careless join brings into a table of the past.
LEAK: Final = "recovered_amount"
FLIPPED: Final = "Card not present"
# The machine that proves may be shared: half of what a slow candidate takes.
LATENCY: Final = 'kind = "latency_p99_ms_at_most"\nbound = {}'
LATENCY_MS: Final = 750
FIRST_RULE: Final = "[[slices]]"
RETRAINING: Final = "\n[retraining]"
CALM_MONITORS: Final = (
    "drift_scores",
    "drift_features",
    "missing_values",
    "unknown_values",
    "quarantine",
)

_TRAP: Final = f"""
[[features]]
name = "{LEAK}"
title = "Recovered later"
type = "number"
"""
_LIFE: Final = """
[promotion]
margin = 0.02

[retraining]
every_days = {every_days}
min_positives = 50
min_others = 200

[[retraining.candidates]]
algorithm = "gradient_boosting"
features = [{features}]
"""


def life_source(base: str, *, features: tuple[str, ...], every_days: int) -> str:
    """Return the file with a retraining of its own, and a feature that leaks."""
    named = ", ".join(f'"{one}"' for one in features)
    patient = base.partition(RETRAINING)[0].replace(
        LATENCY.format(250), LATENCY.format(LATENCY_MS), 1
    )
    return patient + _TRAP + _LIFE.format(features=named, every_days=every_days)


def named_source(base: str, *, slug: str, name: str, has_subject: bool = True) -> str:
    """Return the file under another slug and name, without slices and gates."""
    text = base[: base.index(FIRST_RULE)]
    text = text.replace(f'slug = "{SLUG}"', f'slug = "{slug}"', 1)
    text = text.replace(NAME, f'name = "{name}"', 1)
    return text if has_subject else text.replace(SUBJECT, "", 1)


def honest_columns(declaration: Declaration) -> tuple[Column, ...]:
    """Return what a model may learn from: all but what is filled in afterwards."""
    return tuple(one for one in model_columns(declaration) if one.name != LEAK)
