"""Gold in tests: a plan that places it in every claim it may, items, answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Item, Workflow
from reviewqueue.enums import CaseKind, EvidenceKind
from reviewqueue.models import Case, Decision, GoldItem, GoldPlacement, TrustPlan
from reviewqueue.services import gold_placement
from reviewqueue.services.decisions import Recorded
from reviewqueue.services.gold import GoldRow, add_gold_rows
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.steps import claim, decide


def put_gold_plan(
    workflow: Workflow,
    *,
    now: datetime,
    share: float = 0.5,
    floor: float = 0.8,
    coaching: bool = False,
) -> TrustPlan:
    """Put a plan in force with these terms of gold."""
    version = TrustPlan.objects.filter(workflow=workflow).count() + 1
    return TrustPlan.objects.create(
        workflow=workflow,
        version=version,
        delta=0.05,
        alpha=0.001,
        evidence=EvidenceKind.BLIND,
        ladder=[1, 0.5, 0.25, 0.1, 0.05],
        review_minutes=1,
        edges=[0.5],
        min_share=0.05,
        min_reviews=20,
        auto_grant=False,
        gold_share=share,
        gold_floor=floor,
        drift_distance=0.25,
        coaching=coaching,
        created_at=now,
    )


@contextmanager
def every_claim_drawn(is_drawn: bool = True) -> Iterator[None]:
    """Draw gold at every claim that may get it, or at none."""
    with pytest.MonkeyPatch.context() as patch:
        value = 0.0 if is_drawn else 0.99
        patch.setattr(gold_placement, "draw", lambda *_, **__: value)
        yield


def gold_items(
    workflow: Workflow,
    by: User,
    *,
    now: datetime,
    n: int = 1,
    label: str = "fraud",
) -> list[GoldItem]:
    """Store items that nobody has to look at any more, and make them gold."""
    rows = [
        {**raw_item(number, now=now), "external_id": f"gold-{number}"}
        for number in range(n)
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)
    items = Item.objects.filter(workflow=workflow, external_id__startswith="gold-")
    Case.objects.filter(item__in=items).update(status="withdrawn", closed_at=now)
    added = add_gold_rows(
        workflow=workflow,
        rows=[GoldRow(i, one.external_id, label) for i, one in enumerate(items)],
        by=by,
        now=now,
    )
    return added.added


def claim_gold(workflow: Workflow, person: User, *, now: datetime) -> Case:
    """Claim with the draw on gold's side, and insist that it is gold."""
    with every_claim_drawn():
        case = claim(workflow, person, now=now)
    assert case.kind == CaseKind.GOLD
    return case


def answer_gold(
    workflow: Workflow, person: User, *, label: str, now: datetime
) -> Recorded:
    """Meet the next gold item and give it a label."""
    return decide(claim_gold(workflow, person, now=now), person, now=now, label=label)


def write_answers(
    gold: list[GoldItem], person: User, *, n_wrong: int, now: datetime
) -> None:
    """Answer every item, the first `n_wrong` of them wrongly."""
    for i, one in enumerate(gold):
        route = one.item.route
        case = Case.objects.create(
            workflow=one.workflow,
            item=one.item,
            route=route,
            kind="gold",
            queue="review",
            status="decided",
            blind=False,
            priority=1,
            due_at=now,
            created_at=now,
            closed_at=now,
            assigned_to=person,
        )
        GoldPlacement.objects.create(
            case=case, gold=one, reviewer=person, placed_at=now
        )
        label = "legitimate" if i < n_wrong else "fraud"
        Decision.objects.create(
            workflow=one.workflow,
            case=case,
            round=1,
            item=one.item,
            case_kind="gold",
            reviewer=person,
            verdict="confirm" if label == route.label else "override",
            label=label,
            recommended_label=route.label,
            blind=False,
            claimed_at=now,
            opened_at=now,
            decided_at=now + timedelta(seconds=i),
        )
