"""Take real rows through everything, and check that the counts add up to the item."""

import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.declaration import DeclarationError, parse_declaration
from predictions.management.tables import add_table_options, pairs, table_columns
from predictions.services.labelled_files import UnreadableTable, read_labelled_file
from reviewqueue.proof.data_sets import DATA_SETS, Row
from reviewqueue.proof.ledger import Run, table
from reviewqueue.proof.run import Job, run
from reviewqueue.proof.serving import served
from reviewqueue.proof.steps import ProofFailed

NAMES = tuple(one.name for one in DATA_SETS)


class Command(BaseCommand):
    """Declare, ingest, train, score, review over HTTP, export, train again; count."""

    help = (
        "Take labelled rows through the whole path with simulated reviewers, print the "
        "counts of every step, and fail unless they add up. Needs an empty database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, help="the folder of the data sets")
        parser.add_argument(
            "--only", choices=NAMES, action="append", default=[], help="(repeatable)"
        )
        parser.add_argument(
            "--allow-missing",
            action="store_true",
            help="succeed although a data set is not there",
        )
        parser.add_argument("--declaration", type=Path, help="for rows of your own")
        parser.add_argument("--file", type=Path, help="for rows of your own: CSV")
        add_table_options(parser)
        parser.add_argument("--seed", type=int, default=20260301)
        parser.add_argument(
            "--limit", type=int, help="of each data set take only so many rows"
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        own = options["declaration"] is not None and options["file"] is not None
        if own == (options["data"] is not None):
            raise CommandError("Give either --data, or --declaration and --file.")
        jobs = [own_job(options)] if own else list(self._jobs(options))
        missing = [] if own else missing_sets(options["data"], options["only"])
        runs, failed = self._run_all(jobs, seed=options["seed"])
        self.stdout.write(table(runs))
        failed += [f"{one.name}: {broken}" for one in runs for broken in one.broken]
        failed += [
            f"NOT RUN: {text}" for text in missing if not options["allow_missing"]
        ]
        if failed:
            raise CommandError("\n".join(failed))

    def _jobs(self, options: dict[str, Any]) -> Iterator[Job]:
        data, wanted = options["data"], options["only"] or NAMES
        for text in missing_sets(data, options["only"]):
            self.stderr.write(f"NOT RUN: {text}")
        for one in DATA_SETS:
            if one.name in wanted and not one.missing(data):
                yield Job(
                    name=one.name,
                    declaration=Path(
                        settings.BASE_DIR, "workflows", f"{one.slug}.toml"
                    ),
                    slug=one.slug,
                    rows=one.read(data / one.name, options["seed"])[: options["limit"]],
                    outcome_share=one.outcome_share,
                )

    def _run_all(
        self, jobs: Sequence[Job], *, seed: int
    ) -> tuple[list[Run], list[str]]:
        """Return what came of each, and which could not be taken to the end."""
        runs: list[Run] = []
        failed: list[str] = []
        if not jobs:
            return runs, failed
        with scratch_folder() as scratch, served(scratch / "servers") as port:
            for job in jobs:
                self.stderr.write(f"{job.name}: {len(job.rows):,} rows")
                say = self.stderr.write
                try:
                    one = run(job, scratch=scratch, port=port, seed=seed, say=say)
                except (ProofFailed, CommandError) as error:
                    failed.append(f"{job.name}: {error}")
                else:
                    runs.append(one)
        return runs, failed


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def missing_sets(data: Path, only: Sequence[str]) -> list[str]:
    """Say of every wanted data set that is not there what is missing."""
    return [
        f"{one.name}: no {', '.join(one.missing(data))}"
        for one in DATA_SETS
        if one.name in (only or NAMES) and one.missing(data)
    ]


def own_job(options: dict[str, Any]) -> Job:
    """Read the caller's own rows. Raises: CommandError."""
    path: Path = options["declaration"]
    named = ("label", "external_id", "occurred_at", "in_order", "rename", "ignore")
    columns = table_columns(**{name: options[name] for name in named})
    try:
        declaration = parse_declaration(path.read_text(encoding="utf-8"))
        read = read_labelled_file(
            options["file"],
            declaration=declaration,
            columns=columns,
            label_names=pairs("--label-name", options["label_name"]),
            now=timezone.now(),
        )
    except OSError as error:
        raise CommandError(f"{error.strerror}: {path.name}") from error
    except (DeclarationError, UnreadableTable) as error:
        raise CommandError(str(error)) from error
    known = read.rows
    together = zip(
        read.external_ids, known.occurred_at, known.features, known.labels, strict=True
    )
    rows = sorted((Row(*one) for one in together), key=lambda row: row.occurred_at)
    return Job(options["file"].stem, path, declaration.slug, rows, outcome_share=0.3)
