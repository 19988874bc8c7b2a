"""Move a model version to another stage."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.enums import Stage
from predictions.management.lookups import version_by_number, workflow_by_slug
from predictions.services.registry import StageRefused, change_stage


class Command(BaseCommand):
    """Move a version to another stage, champion unless said otherwise."""

    help = "Make a model version the champion, or move it to another stage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("number", type=int)
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--stage", choices=Stage.values, default=Stage.CHAMPION.value
        )

    def handle(
        self, *, workflow: str, number: int, reason: str, stage: str, **_: object
    ) -> None:
        found = workflow_by_slug(workflow)
        version = version_by_number(found, number)
        before = version.stage
        try:
            moved = change_stage(
                version=version,
                to=Stage(stage),
                by=None,
                reason=reason,
                now=timezone.now(),
            )
        except StageRefused as error:
            raise CommandError(f"{error.gate}: {error}") from error
        self.stdout.write(f"{found.slug} {moved.short_name}: {before} → {moved.stage}")
