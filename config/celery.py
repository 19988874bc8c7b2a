"""The Celery application; tasks live in the apps, the schedule in the settings."""

import os

import structlog
from celery import Celery, Task
from celery.signals import (
    setup_logging,
    worker_before_create_process,
    worker_process_init,
    worker_process_shutdown,
)
from django.dispatch import receiver
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.memory import settle
from config.tracing import start_tracing, stop_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**kwargs: object) -> None:
    """Leave logging to Django's settings."""


@receiver(bind_extra_task_metadata)
def bind_ids(task: "Task[..., object]", **kwargs: object) -> None:
    """Have every line of a task say what it was asked about."""
    asked = task.request.kwargs or {}
    ids = {name: value for name, value in asked.items() if name.endswith("_id")}
    structlog.contextvars.bind_contextvars(**ids)


@worker_before_create_process.connect
def share_what_is_loaded(**kwargs: object) -> None:
    """Before the fork: a collection in each child would copy all of it."""
    settle()


@worker_process_init.connect
def trace_this_process(**kwargs: object) -> None:
    """Begin after the fork: what sends spans is a thread, which no fork takes along."""
    start_tracing("worker")


@worker_process_shutdown.connect
def send_the_rest(**kwargs: object) -> None:
    """Send the last spans of a process that ends in order."""
    stop_tracing()
