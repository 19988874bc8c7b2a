"""Have workers look at what was granted; the beat finds what no wake-up reached."""

from uuid import UUID

from predictions.services.wake_ups import wake


def wake_watch(workflow_pk: UUID) -> None:
    """Wake the watch over a workflow's autonomy."""
    wake("reviewqueue.watch_workflow_trust", workflow_id=str(workflow_pk))


def wake_drift_watch(workflow_pk: UUID) -> None:
    """Wake the watch over drift in a workflow."""
    wake("reviewqueue.watch_workflow_drift", workflow_id=str(workflow_pk))
