"""Train the small recogniser of spoken entries on a folder of recorded words."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from predictions.learning.speech.terms import DIGITS
from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.recognisers import register_recogniser
from predictions.services.registry import RegistrationRefused
from predictions.services.spoken_words import FolderRefused, read_words


class Command(BaseCommand):
    """Train on one word a file, and register the recogniser as a candidate."""

    help = "Train a recogniser on a folder of recorded words; register a candidate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--name", default="")

    def handle(
        self, *, workflow: str, folder: Path, seed: int, name: str, **_: object
    ) -> None:
        from predictions.learning.speech.training import (  # noqa: PLC0415 -- SciPy
            TooFewWords,
            takes_of,
            train_words,
        )

        found = workflow_by_slug(workflow)
        with refusals_in_words(FolderRefused, TooFewWords, RegistrationRefused):
            read = read_words(folder)
            takes = takes_of(read.sounds, read.words, read.speakers, seed=seed)
            model, report = train_words(takes, seed=seed)
            version = register_recogniser(
                workflow=found,
                data=model.to_data(),
                report={"speech": report, "seed": seed},
                name=name or f"words from {folder.name}",
                by=None,
                now=timezone.now(),
            )
        self.stdout.write(
            f"{found.slug} {version.short_name} (candidate): {len(model.vocabulary)} "
            f"words from {report['n_takes']} recordings ({len(read.refused)} refused); "
            f"held-out takes {_told(report['known_voices'])}, "
            f"held-out speakers {_told(report['unknown_voices'])}"
        )
        for line in read.refused[:20]:
            self.stderr.write(line)
        if missing := sorted(set(DIGITS) - set(model.vocabulary)):
            self.stderr.write(f"digits that it does not know: {', '.join(missing)}")


def _told(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "not known (one speaker)"
    return f"{rate['right']:,} of {rate['n']:,} right"
