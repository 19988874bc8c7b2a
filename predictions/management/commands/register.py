"""Register a model that was trained elsewhere."""

import json
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.registry import (
    DESCRIPTION_FIELDS,
    ModelDescription,
    RegistrationRefused,
    register_model,
)


class Command(BaseCommand):
    """Register a skops file with its description as a candidate."""

    help = "Register a skops file with its description as the next model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("artifact", type=Path, metavar="ARTIFACT.skops")
        parser.add_argument("description", type=Path, metavar="DESCRIPTION.json")

    def handle(
        self, *, workflow: str, artifact: Path, description: Path, **_: object
    ) -> None:
        found = workflow_by_slug(workflow)
        with refusals_in_words(RegistrationRefused):
            version = register_model(
                workflow=found,
                artifact=artifact.read_bytes(),
                description=read_description(description),
                by=None,
                now=timezone.now(),
            )
        self.stdout.write(
            f"{found.slug} {version.short_name} (candidate): sha256 {version.sha256}"
        )


def read_description(path: Path) -> ModelDescription:
    """Read what comes with an artifact. Raises: CommandError, OSError."""
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise CommandError(f"description: not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CommandError("description: an object is expected")
    if unknown := sorted(data.keys() - set(DESCRIPTION_FIELDS)):
        raise CommandError(f"description: unknown: {', '.join(unknown)}")
    if missing := sorted({"columns", "label_keys"} - data.keys()):
        raise CommandError(f"description: missing: {', '.join(missing)}")
    return ModelDescription(**data)
