"""One row in each table of trust, with everything about it sound."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from accounts.models import User
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.enums import (
    CaseKind,
    DeliveryStatus,
    EvidenceKind,
    GoldSource,
    MoveCause,
    MoveKind,
    NoticeKind,
)
from reviewqueue.models import (
    Case,
    Delivery,
    GoldItem,
    GoldPlacement,
    Notice,
    NoticeRead,
    Segment,
    TrustMove,
    TrustPlan,
    Webhook,
)


@dataclass(frozen=True, slots=True)
class TrustRows:
    """A plan, a segment once granted, a gold item placed, a notice on its way."""

    plan: TrustPlan
    segment: Segment
    move: TrustMove
    gold: GoldItem
    placement: GoldPlacement
    read: NoticeRead
    delivery: Delivery


def trust_rows(
    workflow: Workflow, *, like: Case, champion: ModelVersion, by: User, now: datetime
) -> TrustRows:
    """Store one row in each table; `like` is a case of the item that becomes gold."""
    # No service writes version 99: the rows keep out of the way of real ones.
    plan = make_plan(workflow, by=by, now=now)
    segment = make_segment(workflow, champion, now=now)
    move = make_move(plan, segment, by=by, now=now)
    gold, placement = place_gold(like, reviewer=by, now=now)
    notice = Notice.objects.create(
        workflow=workflow, kind=NoticeKind.GRANTED, text="granted", data={}, at=now
    )
    read = NoticeRead.objects.create(workflow=workflow, reader=by, upto=notice.pk)
    hook = Webhook.objects.create(
        workflow=workflow,
        url="https://hook.example/trust",
        secret="s",
        created_by=by,
        created_at=now,
    )
    delivery = Delivery.objects.create(
        webhook=hook, notice=notice, status=DeliveryStatus.WAITING, next_at=now
    )
    return TrustRows(plan, segment, move, gold, placement, read, delivery)


def make_plan(workflow: Workflow, *, by: User, now: datetime) -> TrustPlan:
    return TrustPlan.objects.create(
        workflow=workflow,
        version=99,
        delta=0.05,
        alpha=0.001,
        evidence=EvidenceKind.ALL,
        ladder=[1, 0.5, 0.25, 0.1, 0.05],
        review_minutes=2,
        edges=[0.1, 0.5, 0.9],
        min_share=0.05,
        min_reviews=50,
        auto_grant=False,
        gold_share=0.02,
        gold_floor=0.8,
        drift_distance=0.25,
        coaching=False,
        created_by=by,
        created_at=now,
    )


def make_segment(
    workflow: Workflow, champion: ModelVersion, *, now: datetime
) -> Segment:
    return Segment.objects.create(
        workflow=workflow,
        model_version=champion,
        slicing=99,
        label="fraud",
        low=0.5,
        high=1,
        n_sharing=2,
        share=0.3,
        level=1,
        review_probability=0.5,
        evidence_since=now,
        moved_at=now,
        created_at=now,
    )


def make_move(
    plan: TrustPlan, segment: Segment, *, by: User, now: datetime
) -> TrustMove:
    return TrustMove.objects.create(
        workflow=plan.workflow,
        segment=segment,
        plan=plan,
        kind=MoveKind.GRANT,
        cause=MoveCause.EVIDENCE,
        from_level=0,
        to_level=1,
        from_probability=1,
        to_probability=0.5,
        evidence={},
        by=by,
        at=now,
    )


def place_gold(
    like: Case, *, reviewer: User, now: datetime
) -> tuple[GoldItem, GoldPlacement]:
    item: Item = like.item
    gold = GoldItem.objects.create(
        workflow=like.workflow,
        item=item,
        label="fraud",
        source=GoldSource.SETTLED,
        added_by=reviewer,
        added_at=now,
    )
    return gold, GoldPlacement.objects.create(
        case=gold_case(like), gold=gold, reviewer=reviewer, placed_at=now
    )


def gold_case(like: Case) -> Case:
    """Open another case over the same item, as a gold case is."""
    made = Case.objects.get(pk=like.pk)
    made.pk, made.kind, made.status = uuid4(), CaseKind.GOLD, "pending"
    made.leased_by = made.lease_token = made.lease_slot = None
    made.leased_at = made.lease_expires_at = made.closed_at = None
    made._state.adding = True
    made.save(force_insert=True)
    return made
