"""Register a model that runs elsewhere."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils import timezone

from predictions.management.commands.register import read_description
from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.registry import RegistrationRefused, register_external


class Command(BaseCommand):
    """Register an address with its description as a candidate."""

    help = "Register a model that answers over HTTP as the next model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("endpoint", metavar="URL")
        parser.add_argument("description", type=Path, metavar="DESCRIPTION.json")

    def handle(
        self, *, workflow: str, endpoint: str, description: Path, **_: object
    ) -> None:
        found = workflow_by_slug(workflow)
        with refusals_in_words(RegistrationRefused):
            version = register_external(
                workflow=found,
                endpoint=endpoint,
                description=read_description(description),
                by=None,
                now=timezone.now(),
            )
        self.stdout.write(
            f"{found.slug} {version.short_name} (candidate): {version.endpoint}"
        )
