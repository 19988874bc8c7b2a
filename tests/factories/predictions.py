"""Workflows, items and models for tests, made through the real services."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from predictions.declaration import declaration_from_json
from predictions.enums import IntakeSource, Stage
from predictions.learning.training import TrainedModel
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.intake import IntakeResult, store_items
from predictions.services.workflows import declare_workflow
from reviewqueue.services.policies import PolicyTerms, first_policy, put_policy
from tests.factories.trained import register, train_on

DECLARATION = """
slug = "{slug}"
name = "{name}"
question = "Hold this payment?"
metric = "losses per 1,000 payments"
subject = "customer"
title = "Payment of {{amount}}"

[[labels]]
key = "legitimate"
name = "Legitimate"
positive = false

[[labels]]
key = "fraud"
name = "Fraud"
positive = true

[[reason_codes]]
key = "customer_confirmed"
name = "Customer confirmed"

[[features]]
name = "amount"
title = "Amount"
type = "number"
unit = "€"
minimum = 0
maximum = 100000
required = true

[[features]]
name = "card_present"
title = "Card present"
type = "category"
values = ["yes", "no"]

[[features]]
name = "night"
title = "At night"
type = "boolean"

[[features]]
name = "customer"
title = "Customer"
type = "text"

[costs]
false_positive = 20
false_negative = 80
review_minute = 1
currency = "EUR"

[queue]
sla_minutes = 240
lease_seconds = 300
undo_seconds = 60
max_leases = 3

[policy]
mode = "all"
audit_share = 0.1
blind_share = 0.0
second_opinion_share = 0.0
"""


def make_workflow(
    *, now: datetime, slug: str = "cards", name: str = "Cards"
) -> Workflow:
    workflow, _ = declare_workflow(
        source_toml=DECLARATION.format(slug=slug, name=name), by=None, now=now
    )
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def set_policy(
    workflow: Workflow,
    *,
    now: datetime,
    mode: str = "all",
    low: float = 0.0,
    high: float = 1.0,
    audit_share: float = 0.1,
    blind_share: float = 0.0,
    second_opinion_share: float = 0.0,
) -> None:
    terms = PolicyTerms(
        mode=mode,
        low=low,
        high=high,
        audit_share=audit_share,
        blind_share=blind_share,
        second_opinion_share=second_opinion_share,
    )
    put_policy(workflow=workflow, terms=terms, by=None, reason="test", now=now)


def raw_item(number: int, *, now: datetime, **features: object) -> dict[str, object]:
    return {
        "external_id": f"tx-{number}",
        "occurred_at": (now - timedelta(minutes=1)).isoformat(),
        "features": {
            "amount": 10.0 + number,
            "card_present": "yes",
            "night": False,
            "customer": f"c-{number % 7}",
            **features,
        },
    }


def store(
    workflow: Workflow, raw_items: Sequence[object], *, now: datetime
) -> IntakeResult:
    return store_items(
        workflow=workflow,
        chunks=[raw_items],
        source=IntakeSource.API,
        now=now,
        wake=False,
    )


def make_items(workflow: Workflow, n: int, *, now: datetime) -> list[Item]:
    store(workflow, [raw_item(number, now=now) for number in range(n)], now=now)
    return list(Item.objects.filter(workflow=workflow).order_by("id"))


@lru_cache(maxsize=4)
def _trained(declaration_json: str) -> TrainedModel:
    """Train: amount above 500 without the card is fraud."""
    declaration = declaration_from_json(json.loads(declaration_json))
    rng = np.random.default_rng(7)
    n = 1500
    rows: list[Mapping[str, object]] = [
        {
            "amount": float(amount),
            "card_present": "yes" if present else "no",
            "night": bool(night),
        }
        for amount, present, night in zip(
            rng.gamma(2.0, 200.0, n),
            rng.random(n) < 0.6,
            rng.random(n) < 0.3,
            strict=True,
        )
    ]
    noise = rng.random(n) < 0.05
    labels = [
        "fraud"
        if (row["amount"] > 500 and row["card_present"] == "no") != bool(flip)  # type: ignore[operator]
        else "legitimate"
        for row, flip in zip(rows, noise, strict=True)
    ]
    return train_on(declaration, rows, labels)


def make_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    return make_model(workflow, now=now, stage=Stage.CHAMPION)


def make_model(
    workflow: Workflow,
    *,
    now: datetime,
    stage: Stage = Stage.CANDIDATE,
    threshold: float | None = None,
    share: float | None = None,
) -> ModelVersion:
    """Register the one trained model; with another threshold it errs elsewhere."""
    model = _trained(json.dumps(workflow.declaration_json, sort_keys=True))
    return register(
        workflow, model, now=now, stage=stage, threshold=threshold, share=share
    )
