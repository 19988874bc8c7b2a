"""Move a model version to another stage."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.enums import Stage
from predictions.management.lookups import version_by_number, workflow_by_slug
from predictions.services.promotion import StageRefused
from reviewqueue.services.stages import move_version


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
        parser.add_argument(
            "--share", type=float, help="of the items, for a challenger: 0.1 or another"
        )

    def handle(
        self,
        *,
        workflow: str,
        number: int,
        reason: str,
        stage: str,
        share: float | None,
        **_: object,
    ) -> None:
        found = workflow_by_slug(workflow)
        version = version_by_number(found, number)
        before = version.stage
        try:
            moved = move_version(
                version=version,
                to=Stage(stage),
                by=None,
                reason=reason,
                share=share,
                now=timezone.now(),
            )
        except StageRefused as error:
            raise CommandError(f"{error.gate}: {error}") from error
        self.stdout.write(f"{found.slug} {moved.short_name}: {before} → {moved.stage}")
