"""Store the items of a file."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.enums import IntakeSource
from predictions.intake.columns import Arrivals, ColumnMap
from predictions.intake.files import FORMATS, kind_of, read_file
from predictions.intake.readers import PayloadStopped
from predictions.management.lookups import workflow_by_slug
from predictions.services.intake import IntakeResult, store_items

MAX_BYTES = 2**40


class Command(BaseCommand):
    """Ingest a CSV, Parquet, NDJSON or JSON file, plain or gzip, chunk by chunk."""

    help = (
        "Store the items of a file (csv, parquet, ndjson, json; .gz). Running it again "
        "is safe: what is stored already counts as duplicate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=FORMATS, default="")
        parser.add_argument("--external-id", default="external_id", metavar="COLUMN")
        parser.add_argument("--occurred-at", default="occurred_at", metavar="COLUMN")
        parser.add_argument(
            "--start", type=_moment, help="arrival of the first row, if no column tells"
        )
        parser.add_argument(
            "--interval", type=_seconds, default="60", help="seconds between rows"
        )
        parser.add_argument(
            "--rename", action="append", default=[], metavar="COLUMN=FEATURE"
        )
        parser.add_argument(
            "--ignore",
            action="append",
            default=[],
            metavar="COLUMN",
            help="leave a column out: the truth, for one, is no feature",
        )
        parser.add_argument(
            "--source", choices=IntakeSource.values, default=IntakeSource.COMMAND
        )

    def handle(self, *, workflow: str, file: Path, **options: object) -> None:
        found = workflow_by_slug(workflow)
        columns = _columns(options)
        try:
            kind = kind_of(file.name, told=str(options["format"]))
            with file.open("rb") as opened:
                result = store_items(
                    workflow=found,
                    chunks=read_file(
                        opened, kind, found.declaration, columns, max_bytes=MAX_BYTES
                    ),
                    source=IntakeSource(str(options["source"])),
                    now=timezone.now(),
                )
        except OSError as error:
            raise CommandError(f"{file.name}: {error.strerror}") from error
        except PayloadStopped as error:
            raise CommandError(f"{file.name}: {error}") from error
        self.stdout.write(f"{found.slug}: {_summary(result)}")


def _columns(options: dict[str, object]) -> ColumnMap:
    start, interval = options["start"], options["interval"]
    occurred_at: str | Arrivals = str(options["occurred_at"])
    if isinstance(start, datetime) and isinstance(interval, timedelta):
        occurred_at = Arrivals(start, interval)
    renames, ignored = options["rename"], options["ignore"]
    return ColumnMap(
        external_id=str(options["external_id"]),
        occurred_at=occurred_at,
        rename=_renames(renames if isinstance(renames, list) else []),
        ignore=frozenset(ignored if isinstance(ignored, list) else []),
    )


def _renames(pairs: Sequence[str]) -> dict[str, str]:
    renames = {}
    for pair in pairs:
        column, equals, feature = pair.rpartition("=")
        if not (equals and column and feature):
            raise CommandError(f"--rename {pair}: COLUMN=FEATURE is expected")
        renames[column] = feature
    return renames


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no ISO 8601 moment") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(text: str) -> timedelta:
    try:
        return timedelta(seconds=float(text))
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text} is no number of seconds") from error


def _summary(result: IntakeResult) -> str:
    counts = (
        f"{result.accepted:,} accepted, {result.duplicates:,} duplicates, "
        f"{result.n_quarantined:,} refused"
    )
    if not result.quarantined:
        return counts
    first = result.quarantined[0]
    why = "; ".join(f"{error.field}: {error.rule}" for error in first.errors[:3])
    return f"{counts} (the first, item {first.index + 1}, for {why})"
