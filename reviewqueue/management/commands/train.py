"""Train a model version from labelled rows: those of a file, or of a snapshot."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.management.lookups import workflow_by_slug
from predictions.management.tables import add_table_options, pairs, table_columns
from predictions.models import Workflow
from predictions.services.labelled_files import UnreadableTable, read_labelled_file
from predictions.services.labelled_rows import LabelledRows, joined_rows
from reviewqueue.enums import SnapshotStatus
from reviewqueue.management.training import add_training_options, trained_on
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import read_labelled_rows


class Command(BaseCommand):
    """Train on the past, report on what came after, register as a candidate."""

    help = (
        "Train the next model version of a workflow from a table with labels "
        "(--file), from a snapshot (--snapshot), or from both together."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("--file", type=Path, help="CSV or Parquet")
        parser.add_argument("--snapshot", type=UUID, metavar="ID")
        add_table_options(parser)
        parser.add_argument("--name", default="", help="what to call the version")
        add_training_options(parser)

    def handle(self, *, workflow: str, **options: Any) -> None:  # noqa: ANN401 -- Django's
        now = timezone.now()
        found = workflow_by_slug(workflow)
        rows, source = _rows(found, options, now=now)
        self.stdout.write(trained_on(found, rows, options, source=source, now=now))


def _rows(
    workflow: Workflow, options: Mapping[str, Any], *, now: datetime
) -> tuple[LabelledRows, str]:
    """Return the rows to learn from, and where they come from in words."""
    parts: list[tuple[LabelledRows, str]] = []
    if options["file"] is not None:
        parts.append(_file_rows(workflow, options, now=now))
    if options["snapshot"] is not None:
        snapshot = _ready_snapshot(workflow, options["snapshot"])
        rows = read_labelled_rows(snapshot)
        parts.append((rows, f"{len(rows.labels):,} rows of snapshot {snapshot.pk}"))
    if not parts:
        raise CommandError("--file or --snapshot is needed: what to learn from?")
    together = joined_rows([rows for rows, _ in parts])
    return together, " and ".join(source for _, source in parts)


def _file_rows(
    workflow: Workflow, options: Mapping[str, Any], *, now: datetime
) -> tuple[LabelledRows, str]:
    named = ("label", "external_id", "occurred_at", "in_order", "rename", "ignore")
    columns = table_columns(**{name: options[name] for name in named})
    try:
        read = read_labelled_file(
            options["file"],
            declaration=workflow.declaration,
            columns=columns,
            label_names=pairs("--label-name", options["label_name"]),
            now=now,
        )
    except UnreadableTable as error:
        raise CommandError(str(error)) from error
    left_out = f"{read.n_refused:,} refused, {read.n_unlabelled:,} without a label"
    return read.rows, f"{read.n_rows:,} rows of {options['file'].name} ({left_out})"


def _ready_snapshot(workflow: Workflow, snapshot_id: UUID) -> Snapshot:
    snapshot = Snapshot.objects.filter(workflow=workflow, pk=snapshot_id).first()
    if snapshot is None:
        raise CommandError(f"{workflow.slug} has no snapshot {snapshot_id}.")
    if snapshot.status != SnapshotStatus.READY:
        raise CommandError(f"Snapshot {snapshot_id} is {snapshot.status}, not ready.")
    if snapshot.is_unmasked:
        raise CommandError(f"Snapshot {snapshot_id} is not masked: nothing learns it.")
    return snapshot
