"""Have the monitors of a workflow look, at a moment of one's choice."""

from argparse import ArgumentParser
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from lifecycle.services.monitors.registry import MONITORS, REPLAYED
from lifecycle.services.monitors.watch import watch
from predictions.models import Workflow


class Command(BaseCommand):
    """Make every look that is due at a moment; for replays, and to see one now.

    With `--at` only those that can be made of a moment that is over: workers, and the
    watch itself, are of now.
    """

    help = "Have the monitors of a workflow look: every look that is due at a moment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow", help="slug of the workflow")
        parser.add_argument("--at", default="", help="ISO 8601 with zone; else now")

    def handle(self, *, workflow: str, at: str, **_: object) -> None:
        found = Workflow.objects.filter(slug=workflow).first()
        if found is None:
            raise CommandError(f"No workflow is named {workflow}.")
        monitors = REPLAYED if at else MONITORS
        readings = watch(workflow=found, now=_moment(at), monitors=monitors)
        for one in readings:
            self.stdout.write(f"{one.monitor}: {one.verdict}. {one.says}")
        self.stdout.write(f"{len(readings)} looks were due.")


def _moment(text: str) -> datetime:
    if not text:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError as error:
        raise CommandError(f"--at: {error}") from error
    if moment is None or timezone.is_naive(moment):
        raise CommandError("--at: a moment with its zone, as 2026-03-02T09:00:00Z")
    return moment
