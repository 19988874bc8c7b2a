"""Let a demo workflow earn autonomy while its history is lived through."""

from dataclasses import replace
from datetime import datetime

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import EvidenceKind, PolicyMode
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.assessment import assess
from reviewqueue.services.autonomy import grant
from reviewqueue.services.policies import TERMS, PolicyTerms, put_policy
from reviewqueue.services.trust_plans import put_plan, terms_of
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.trust.ladder import Verdict

TOLERATED = 0.15
REASON = (
    "Demo: the simulated reviewers err in 3 to 6 of 100 cases, and the model is held "
    "against them; a rate below that could never be met."
)


def follow_trust(*, workflow: Workflow, by: User, now: datetime) -> None:
    """Put a policy in force that follows the ladders, and a plan for them."""
    policy = policy_in_force(workflow)
    terms = {name: getattr(policy, name) for name in TERMS}
    put_policy(
        workflow=workflow,
        terms=PolicyTerms(**(terms | {"mode": PolicyMode.EARNED})),
        by=by,
        reason="Demo: people see less where the model has earned it.",
        now=now,
    )
    negative = set(workflow.declaration.label_keys) - set(
        workflow.declaration.positive_labels
    )
    plan = replace(
        terms_of(plan_in_force(workflow)),
        evidence=EvidenceKind.ALL,
        edges=[0.03],
        tolerated=dict.fromkeys(sorted(negative), TOLERATED),
    )
    put_plan(workflow=workflow, terms=plan, by=by, reason=REASON, now=now)


def grant_what_may(*, workflow: Workflow, by: User, now: datetime) -> None:
    """Do at the end of a day what a supervisor would: look, and grant."""
    watch_trust(workflow=workflow, now=now)
    for found in assess(
        workflow=workflow,
        plan=plan_in_force(workflow),
        segments=segments_in_force(workflow),
        now=now,
    ):
        if found.standing.verdict == Verdict.MAY_STEP_DOWN:
            grant(
                workflow=workflow,
                segment_id=found.segment.pk,
                seen_level=found.segment.level,
                by=by,
                reason="The bound is below what we tolerate.",
                now=now,
            )
