"""Play weeks of spoken entries, made of recorded words, against a workflow's fields."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from predictions.learning.evaluation import rate
from predictions.learning.speech.replay import Bank, Terms, Week, replay_weeks
from predictions.learning.speech.terms import Samples
from predictions.learning.speech.training import TooFewWords
from predictions.management.lookups import refusals_in_words, workflow_by_slug
from predictions.services.spoken_words import FolderRefused, read_words

HEADER = (
    "| Week | Entries | People confirm | of new speakers | "
    "Passed and wrong | Words learnt from |\n|---|---|---|---|---|---|"
)


class Command(BaseCommand):
    """Print by week the share that people confirm, and the errors that got through."""

    help = "Play weeks of entries put together from recorded words; writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--weeks", type=int, default=6)
        parser.add_argument(
            "--least", type=float, help="instead of the workflow's field_confidence"
        )
        parser.add_argument("--entries", type=int, default=200, help="a week")

    def handle(
        self,
        *,
        workflow: str,
        folder: Path,
        seed: int,
        weeks: int,
        entries: int,
        least: float | None,
        **_: object,
    ) -> None:
        declaration = workflow_by_slug(workflow).declaration
        spoken = [one for one in declaration.fields if one.spoken and one.spoken.digits]
        sure = declaration.model.field_confidence if least is None else least
        if not spoken or not sure:
            raise CommandError(
                "the workflow needs fields with `spoken` digits and `field_confidence`"
            )
        terms = Terms(
            spoken,
            sure,
            weeks=weeks,
            entries=entries,
            seed=seed,
        )
        with refusals_in_words(FolderRefused, TooFewWords):
            found = replay_weeks(_bank(folder), terms)
        self.stdout.write(HEADER)
        for week in found:
            self.stdout.write(_row(week))


def _bank(folder: Path) -> Bank:
    read = read_words(folder)
    takes: dict[tuple[str, str], list[Samples]] = {}
    for sound, word, who in zip(read.sounds, read.words, read.speakers, strict=True):
        takes.setdefault((who, word), []).append(sound)
    return Bank(takes)


def _row(week: Week) -> str:
    new = _share(week.n_new_confirmed, week.n_new) if week.n_new else ""
    return (
        f"| {week.number} | {week.n} | {_share(week.n_confirmed, week.n)} | {new} | "
        f"{_share(week.n_wrong, week.n_passed)} | {week.n_lessons:,} |"
    )


def _share(n: int, of: int) -> str:
    if not of:
        return "none passed"
    found = rate(n, of)
    return f"{n} of {of} ({found.low:.1%} to {found.high:.1%})"
