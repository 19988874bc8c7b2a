"""Create or change workflows from their files."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.declaration import DeclarationError
from predictions.services.workflows import declare_workflow
from reviewqueue.services.policies import first_policy


class Command(BaseCommand):
    """Declare workflows; a new one starts with the policy of its file."""

    help = "Create the workflows that TOML files declare, or bring them in line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE.toml")

    def handle(self, *, files: Sequence[Path], **_: object) -> None:
        now = timezone.now()
        for path in files:
            self.stdout.write(_declare(path, now=now))


def _declare(path: Path, *, now: datetime) -> str:
    try:
        source = path.read_text(encoding="utf-8")
        workflow, changes = declare_workflow(source_toml=source, by=None, now=now)
    except OSError as error:
        raise CommandError(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path.name}: not UTF-8") from error
    except DeclarationError as error:
        lines = "".join(f"\n  {e.field}: {e.rule} ({e.value!r})" for e in error.errors)
        raise CommandError(f"{path.name}:{lines}") from error
    first_policy(workflow=workflow, by=None, now=now)
    said = "; ".join(changes) if changes else "unchanged"
    return f"{workflow.slug} version {workflow.version}: {said}"
