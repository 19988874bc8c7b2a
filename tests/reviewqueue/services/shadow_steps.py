"""A version beside a champion, and then in its place; through the real services."""

from datetime import datetime, timedelta

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage
from reviewqueue.models import Case, Segment, TrustMove
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.autonomy import start_lower
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_model, raw_item, set_policy, store
from tests.reviewqueue.services.trust_steps import plan, review

AUDIT_SHARE = 0.25
N_ITEMS = 320  # so many that chance never sends people too few
AMOUNT = 30.0
DAY = timedelta(days=1)


def route(workflow: Workflow, n: int, *, now: datetime, start: int) -> None:
    """Store, score and route `n` items, all of which look legitimate to the models."""
    rows = [raw_item(start + at, now=now, amount=AMOUNT) for at in range(n)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def run_beside(
    workflow: Workflow,
    *,
    now: datetime,
    audit_share: float = AUDIT_SHARE,
    blind_share: float = 0.0,
) -> ModelVersion:
    """Let a second version score items of which people are sent a quarter."""
    set_policy(
        workflow,
        mode="above",
        low=0.5,
        audit_share=audit_share,
        blind_share=blind_share,
        now=now,
    )
    beside = make_model(workflow, now=now, stage=Stage.SHADOW)
    route(workflow, N_ITEMS, start=0, now=now)
    return beside


def review_all(
    workflow: Workflow, person: User, *, now: datetime, n_wrong: int = 0
) -> int:
    """Decide everything that waits; return how many that were."""
    n = Case.objects.filter(workflow=workflow, status="pending").count()
    review(workflow, person, n, n_wrong=n_wrong, now=now)
    return n


def promote(version: ModelVersion, *, now: datetime) -> None:
    change_stage(version=version, to=Stage.CHAMPION, by=None, reason="test", now=now)


def cut_new(
    workflow: Workflow, version: ModelVersion, *, now: datetime, **terms: object
) -> Segment:
    """Promote a version under a policy that follows trust; return its main segment."""
    set_policy(workflow, mode="earned", now=now)
    plan(workflow, now=now, **terms)
    promote(version, now=now)
    route(workflow, 1, start=5000, now=now)
    return main_segment(workflow)


def main_segment(workflow: Workflow) -> Segment:
    """Return the segment in force of what looks legitimate."""
    return next(one for one in segments_in_force(workflow) if one.label == "legitimate")


def start(
    workflow: Workflow,
    segment: Segment,
    by: User,
    *,
    now: datetime,
    seen_level: int = 0,
) -> TrustMove:
    return start_lower(
        workflow=workflow,
        segment_id=segment.pk,
        seen_level=seen_level,
        by=by,
        reason="as good as the last",
        now=now,
    )
