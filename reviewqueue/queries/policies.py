"""The policy in force."""

from predictions.models import Workflow
from reviewqueue.models import Policy


def policy_in_force(workflow: Workflow) -> Policy:
    """Return the highest version; before the first item, what the declaration says."""
    known = Policy.objects.filter(workflow=workflow).order_by("-version").first()
    return known or declared_policy(workflow)


def declared_policy(workflow: Workflow) -> Policy:
    """Return the policy that a new workflow starts with, not stored yet."""
    spec = workflow.declaration.policy
    return Policy(
        workflow=workflow,
        version=0,
        mode=spec.mode,
        low=spec.low,
        high=spec.high,
        audit_share=spec.audit_share,
        blind_share=spec.blind_share,
        second_opinion_share=spec.second_opinion_share,
        reason="as declared",
        created_at=workflow.created_at,
    )
