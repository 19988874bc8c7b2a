"""Write made-up notes to a file, to fill the workflow of case notes with."""

import csv
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.demo.notes import Note, draw_notes

COLUMNS: Final = (
    "external_id",
    "occurred_at",
    "note",
    "channel",
    "days_since",
    "label",
)
BEGIN: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
APART: Final = timedelta(minutes=17)


class Command(BaseCommand):
    help = "Write a CSV of made-up notes with labels. Needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--notes", type=int, default=2000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--first", type=int, default=1, help="number of the first")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        notes = draw_notes(options["notes"], seed=options["seed"])
        try:
            with options["file"].open("w", newline="", encoding="utf-8") as target:
                writer = csv.writer(target)
                writer.writerow(COLUMNS)
                for number, note in enumerate(notes, start=options["first"]):
                    writer.writerow(_row(number, note))
        except OSError as error:
            raise CommandError(f"{error.strerror}: {options['file'].name}") from error
        n_urgent = sum(one.label == "urgent" for one in notes)
        self.stdout.write(f"{len(notes):,} made-up notes, {n_urgent:,} urgent")


def _row(number: int, note: Note) -> list[object]:
    moment = BEGIN + number * APART
    shown = [note.text, note.channel, note.days, note.label]
    return [f"note-{number:05}", moment.isoformat(), *shown]
