"""Training in the background."""

from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from lifecycle.services.retraining import consider_retraining
from lifecycle.services.training_work import sweep_runs, train_run
from predictions.models import Workflow
from predictions.services.wake_ups import wake

log = structlog.get_logger(__name__)

# What comes before and after the training itself: reading, registering.
MORE_SECONDS = 1800


@shared_task(
    name="lifecycle.train",
    time_limit=settings.TRAINING_LIMIT_SECONDS + MORE_SECONDS,
    soft_time_limit=settings.TRAINING_LIMIT_SECONDS + MORE_SECONDS - 10,
)
def train(*, run_id: str, **kwargs: object) -> bool:
    """Train what one run asks for."""
    return train_run(run_id=UUID(run_id), clock=timezone.now)


@shared_task(name="lifecycle.sweep_training")
def sweep_training(**kwargs: object) -> None:
    """Wake a worker for the run that is next; end those that nobody finishes."""
    sweep_runs(now=timezone.now())


@shared_task(name="lifecycle.retrain")
def retrain(**kwargs: object) -> None:
    """Wake the look at every workflow that trains by itself."""
    for workflow in Workflow.objects.order_by("pk"):
        rules = workflow.declaration.retraining
        if rules.every_days or rules.after_labels or rules.on_drift:
            wake("lifecycle.retrain_workflow", workflow_id=str(workflow.pk))


@shared_task(name="lifecycle.retrain_workflow")
def retrain_workflow(*, workflow_id: str, **kwargs: object) -> None:
    """Ask for a run where one is due in a workflow."""
    workflow = Workflow.objects.get(pk=UUID(workflow_id))
    run = consider_retraining(workflow=workflow, now=timezone.now())
    if run is not None:
        log.info("retraining", training_run_id=str(run.pk), trigger=run.trigger)
