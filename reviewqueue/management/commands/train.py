"""Train a model version from labelled rows: those of a file, or of a snapshot."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.enums import Stage
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TooFewLabels
from predictions.management.lookups import workflow_by_slug
from predictions.management.tables import add_table_options, pairs, table_columns
from predictions.models import ModelVersion, Workflow
from predictions.services.labelled_files import UnreadableTable, read_labelled_file
from predictions.services.labelled_rows import LabelledRows, joined_rows
from predictions.services.promotion import StageRefused
from predictions.services.registry import RegistrationRefused
from predictions.services.training import train_version
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import read_labelled_rows
from reviewqueue.services.stages import move_version

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm.__value__)


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
        parser.add_argument(
            "--algorithm", choices=ALGORITHMS, default="gradient_boosting"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--name", default="", help="what to call the version")
        parser.add_argument(
            "--promote",
            metavar="REASON",
            help="make it the champion at once, and why",
        )

    def handle(self, *, workflow: str, **options: Any) -> None:  # noqa: ANN401 -- Django's
        now = timezone.now()
        found = workflow_by_slug(workflow)
        rows, source = _rows(found, options, now=now)
        try:
            version = train_version(
                workflow=found,
                rows=rows,
                algorithm=options["algorithm"],
                seed=options["seed"],
                name=options["name"],
                by=None,
                now=now,
            )
            if options["promote"]:
                version = move_version(
                    version=version,
                    to=Stage.CHAMPION,
                    by=None,
                    reason=options["promote"],
                    now=now,
                )
        except TooFewLabels as error:
            raise CommandError(f"Too few labels to train on: {error}.") from error
        except StageRefused as error:
            raise CommandError(f"{error.gate}: {error}") from error
        except RegistrationRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(summary(version, workflow=found, source=source))


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


def summary(version: ModelVersion, *, workflow: Workflow, source: str) -> str:
    """Say in one line what was trained and how it did on the newest rows."""
    report: Mapping[str, Any] = version.report
    split, test = report["split"], report["test"]
    sizes = ", ".join(f"{name} {split[name]['n']:,}" for name in PARTS)
    left_out = ", ".join(report["labels_left_out"])
    return (
        f"{workflow.slug} {version.short_name} ({version.stage}): {version.name} on "
        f"{source}; {sizes}; on the test part (n = {test['n']:,}, "
        f"{test['n_positive']:,} positive): ROC AUC {test['roc_auc']:.3f}, "
        f"average precision {test['average_precision']:.3f}"
        + (f"; labels left out: {left_out}" if left_out else "")
    )


PARTS = ("train", "calibrate", "test")
