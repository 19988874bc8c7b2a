"""Register PocketSphinx as a recogniser of a workflow's spoken fields."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.utils import timezone

from predictions.learning.speech.entry import spoken_words
from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.recognisers import register_recogniser
from predictions.services.registry import RegistrationRefused

ENGINE = "pocketsphinx"


class Command(BaseCommand):
    """Register the words that the fields need; the package is an optional extra."""

    help = "Register PocketSphinx (extra `speech`) as a candidate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("--name", default="PocketSphinx")

    def handle(self, *, workflow: str, name: str, **_: object) -> None:
        found = workflow_by_slug(workflow)
        words = spoken_words(found.declaration.fields)
        with refusals_in_words(RegistrationRefused):
            version = register_recogniser(
                workflow=found,
                data={"engine": ENGINE, "vocabulary": list(words)},
                report={},
                name=name,
                by=None,
                now=timezone.now(),
            )
        self.stdout.write(f"{found.slug} {version.short_name} (candidate): {name}")
