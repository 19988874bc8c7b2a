"""The policy in force."""

from predictions.models import Workflow
from reviewqueue.models import Policy


def policy_in_force(workflow: Workflow) -> Policy:
    """Return the highest version. Raises: Policy.DoesNotExist without any."""
    return Policy.objects.filter(workflow=workflow).latest("version")
