"""Bring readings of machines from a file: as items, or to learn from."""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.intake.columns import ColumnMap
from predictions.intake.files import FORMATS, kind_of, read_file
from predictions.intake.readers import PayloadStopped
from predictions.intake.readings import reading_declaration
from predictions.intake.values import parse_moment
from predictions.management.lookups import workflow_by_slug
from predictions.management.tables import pairs
from predictions.models import Workflow
from predictions.services.reading_files import (
    BadFailures,
    KnownFailure,
    read_failures,
    windowed_rows,
)
from predictions.services.series import NoSeries, ReadingsStored, store_readings
from reviewqueue.management.training import add_training_options, trained_on
from reviewqueue.services.machine_failures import FailureRow, record_failures

MAX_BYTES = 2**40


class Command(BaseCommand):
    help = (
        "Bring readings of machines (csv, parquet, ndjson, json; .gz) with the columns "
        "machine, at and the workflow's channels; running it again is safe."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=FORMATS, default="")
        parser.add_argument("--machine", default="machine", metavar="COLUMN")
        parser.add_argument("--at", default="at", metavar="COLUMN")
        parser.add_argument(
            "--rename", action="append", default=[], metavar="COLUMN=CHANNEL"
        )
        parser.add_argument("--ignore", action="append", default=[], metavar="COLUMN")
        parser.add_argument(
            "--failures", type=Path, help="a CSV with machine, at and, if known, kind"
        )
        parser.add_argument(
            "--complete-until",
            metavar="MOMENT",
            help="all failures until then are in the file",
        )
        parser.add_argument(
            "--learn",
            action="store_true",
            help="train on the windows and what followed, without storing anything",
        )
        add_training_options(parser)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        now = timezone.now()
        workflow = workflow_by_slug(str(options["workflow"]))
        path: Path = options["file"]
        try:
            failures = read_failures(options["failures"]) if options["failures"] else []
            bring = _learn if options["learn"] else _store
            self.stdout.write(bring(workflow, options, failures, now=now))
        except OSError as error:
            raise CommandError(f"{path.name}: {error.strerror}") from error
        except PayloadStopped as error:
            raise CommandError(f"{path.name}: {error}") from error
        except (NoSeries, BadFailures) as error:
            raise CommandError(str(error)) from error


def _chunks(
    workflow: Workflow, options: Mapping[str, Any]
) -> Iterator[Sequence[object]]:
    """Read the file, chunk by chunk. Raises: NoSeries; PayloadStopped; OSError."""
    series = workflow.declaration.series
    if series is None:
        raise NoSeries
    path: Path = options["file"]
    columns = ColumnMap(
        external_id=options["machine"],
        occurred_at=options["at"],
        rename=pairs("--rename", options["rename"]),
        ignore=frozenset(options["ignore"]),
    )
    declaration = reading_declaration(workflow.declaration, series)
    kind = kind_of(path.name, told=options["format"])
    with path.open("rb") as opened:
        yield from read_file(opened, kind, declaration, columns, max_bytes=MAX_BYTES)


def _store(
    workflow: Workflow,
    options: Mapping[str, Any],
    failures: Sequence[KnownFailure],
    *,
    now: datetime,
) -> str:
    until = _complete_until(options, now)
    result = store_readings(
        workflow=workflow, chunks=_chunks(workflow, options), now=now
    )
    words = f"{workflow.slug}: {_counts(result)}, {result.items:,} items"
    if not failures and until is None:
        return words
    rows = [FailureRow(*one) for one in failures]
    told = record_failures(
        workflow=workflow, rows=rows, complete_until=until, by=None, now=now
    )
    words += (
        f"; {told.accepted:,} failures, {told.duplicates:,} known, "
        f"{len(told.refused):,} refused; {told.labelled:,} items with late truth"
    )
    if told.refused:
        words += f" (the first refused: {told.refused[0].errors[0].detail})"
    return words


def _learn(
    workflow: Workflow,
    options: Mapping[str, Any],
    failures: Sequence[KnownFailure],
    *,
    now: datetime,
) -> str:
    rows, result = windowed_rows(
        workflow,
        _chunks(workflow, options),
        failures,
        complete_until=_complete_until(options, now),
        now=now,
    )
    source = f"{len(rows.labels):,} windows of readings ({_counts(result)})"
    return trained_on(workflow, rows, options, source=source, now=now)


def _complete_until(options: Mapping[str, Any], now: datetime) -> datetime | None:
    given = options["complete_until"]
    moment = parse_moment(given)
    if given and (moment is None or moment > now):
        raise CommandError(f"--complete-until: {given!r} is no moment that is past")
    return moment


def _counts(result: ReadingsStored) -> str:
    counts = (
        f"{result.accepted:,} readings, {result.duplicates:,} duplicates, "
        f"{result.late:,} late, {result.n_refused:,} refused"
    )
    if result.ignored:
        counts += f", columns left out: {', '.join(result.ignored)}"
    if not result.refused:
        return counts
    first = result.refused[0]
    return f"{counts} (the first, {first.index + 1}: {first.errors[0].detail})"
