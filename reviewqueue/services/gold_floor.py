"""Tell of reviewers whose decisions stopped counting: each once under a plan."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Notice, TrustPlan
from reviewqueue.queries.gold import reviewers_below_floor
from reviewqueue.queries.trust import plan_in_force
from reviewqueue.services.notices import notify


def tell_of_reviewers(*, workflow: Workflow, now: datetime) -> list[Notice]:
    """Tell once of everyone below the gold floor of the plan in force.

    Where there is somebody to tell of, locks the workflow and looks again at whom was
    told of: two watches at once tell once. Writes notices.
    """
    plan = plan_in_force(workflow)
    below = reviewers_below_floor(workflow, plan)
    if not _untold(workflow, plan, below):
        return []
    with transaction.atomic():
        # No key lock: items and cases refer to the workflow, and do not wait.
        Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
        people = User.objects.filter(pk__in=_untold(workflow, plan, below))
        return [
            _tell(one, workflow=workflow, plan=plan, now=now)
            for one in people.order_by("pk")
        ]


def _untold(workflow: Workflow, plan: TrustPlan, below: Collection[UUID]) -> set[UUID]:
    if not below:
        return set()
    told = Notice.objects.filter(
        workflow=workflow,
        kind=NoticeKind.GOLD_FLOOR,
        data__plan_version=plan.version,
    ).values_list("data__reviewer", flat=True)
    return set(below) - {UUID(one) for one in told}


def _tell(
    reviewer: User, *, workflow: Workflow, plan: TrustPlan, now: datetime
) -> Notice:
    name = reviewer.display_name
    return notify(
        workflow=workflow,
        kind=NoticeKind.GOLD_FLOOR,
        text=f"{name} is below the gold floor: no evidence comes from them now.",
        data={"reviewer": str(reviewer.pk), "plan_version": plan.version},
        now=now,
    )
