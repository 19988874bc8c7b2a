"""Bring the former champion back."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.management.lookups import workflow_by_slug
from predictions.queries.model_versions import champion_of
from predictions.services.promotion import StageRefused
from reviewqueue.services.stages import roll_back_champion


class Command(BaseCommand):
    """Retire the champion and bring back the one before it."""

    help = "Retire the champion and bring back the one before it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("--reason", required=True)

    def handle(self, *, workflow: str, reason: str, **_: object) -> None:
        found = workflow_by_slug(workflow)
        before = champion_of(found)
        try:
            version = roll_back_champion(
                workflow=found, by=None, reason=reason, now=timezone.now()
            )
        except StageRefused as error:
            raise CommandError(f"{error.gate}: {error}") from error
        retired = f", {before.short_name} retired" if before else ""
        self.stdout.write(f"{found.slug} {version.short_name}: champion{retired}")
