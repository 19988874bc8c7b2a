"""A workflow with a real model and people, for benchmarks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np

from accounts.enums import Role
from accounts.models import User
from accounts.services import create_service_account, grant_role
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.labelled_rows import LabelledRows
from predictions.services.registry import change_stage
from predictions.services.training import train_version
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Policy
from reviewqueue.services.policies import PolicyTerms, put_policy

_DECLARATION = """
slug = "{slug}"
name = "Benchmark"
question = "Hold this payment?"
labels = [
  {{ key = "legitimate", name = "Legitimate" }},
  {{ key = "fraud", name = "Fraud", positive = true }},
]
reason_codes = [{reason_codes}]
features = [
  {{ name = "amount", type = "number", minimum = 0, required = true }},
  {{ name = "card", type = "category", values = ["CP", "CNP"] }},
  {{ name = "hour", type = "integer", minimum = 0, maximum = 23 }},
  {features}
]
costs = {{ false_positive = 1, false_negative = 5 }}
"""
HISTORY = """
  { name = "mean_30d", type = "number" },
  { name = "payments_24h", type = "integer" },
  { name = "ratio", type = "number" },
"""

type Raw = dict[str, object]


def declare_payments(
    *, slug: str, features: str, now: datetime, reason_codes: str = ""
) -> Workflow:
    """Declare payments with an amount, a card, an hour and more features, as TOML."""
    source = _DECLARATION.format(
        slug=slug, features=features, reason_codes=reason_codes
    )
    workflow, _ = declare_workflow(source_toml=source, by=None, now=now)
    return workflow


def bench_workflow(*, now: datetime, low: float = 0.5) -> Workflow:
    """Declare a workflow; people see probability ≥ low, and 5 % of the rest."""
    slug = f"bench-{uuid4().hex[:8]}"
    workflow = declare_payments(slug=slug, features=HISTORY, now=now)
    terms = PolicyTerms(
        mode="above",
        low=low,
        high=1.0,
        audit_share=0.05,
        blind_share=0.1,
        second_opinion_share=0.0,
    )
    put_policy(workflow=workflow, terms=terms, by=None, reason="benchmark", now=now)
    return workflow


def bare_policy(
    workflow: Workflow, *, mode: str, audit_share: float, now: datetime
) -> Policy:
    """Store the first policy of a workflow whose rows are made by SQL."""
    return Policy.objects.create(
        workflow=workflow,
        version=1,
        mode=mode,
        audit_share=audit_share,
        blind_share=0.1,
        second_opinion_share=0,
        seed=1,
        created_at=now,
    )


def bench_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    """Train gradient-boosted trees on generated rows and put them in force."""
    n = 3000
    rows = [features(number) for number in range(n)]
    rng = np.random.default_rng(3)
    risk = np.array([0.8 if _is_risky(row) else 0.03 for row in rows])
    labels = np.where(rng.random(n) < risk, "fraud", "legitimate")
    version = train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=rows,
            labels=[str(label) for label in labels],
            occurred_at=[now + timedelta(seconds=i) for i in range(n)],
        ),
        algorithm="gradient_boosting",
        seed=1,
        by=None,
        now=now,
    )
    return change_stage(
        version=version, to=Stage.CHAMPION, by=None, reason="benchmark", now=now
    )


def raw_items(n: int, *, mark: str, now: datetime) -> Iterator[Raw]:
    """Yield items as a sender would write them."""
    at = (now - timedelta(minutes=1)).isoformat()
    for number in range(n):
        yield {
            "external_id": f"{mark}-{number:07}",
            "occurred_at": at,
            "features": features(number),
        }


def features(number: int) -> Mapping[str, object]:
    return {
        "amount": 10.5 + number * 7 % 900,
        "card": "CP" if number % 3 else "CNP",
        "hour": number % 24,
        "mean_30d": 42.25 + number % 77,
        "payments_24h": number % 9,
        "ratio": 0.37 * (number % 31),
    }


def _is_risky(row: Mapping[str, object]) -> bool:
    amount = row["amount"]
    return isinstance(amount, float) and amount > 700 and row["card"] == "CNP"


def reviewers(workflow: Workflow, n: int, *, now: datetime) -> list[User]:
    """Make `n` reviewers of the workflow."""
    people = []
    for _ in range(n):
        name = f"bench-{uuid4().hex[:10]}"
        person = create_service_account(username=name, now=now)
        grant_role(
            user=person,
            scope=workflow.scope,
            role=Role.REVIEWER,
            actor=None,
            now=now,
        )
        people.append(person)
    return people
