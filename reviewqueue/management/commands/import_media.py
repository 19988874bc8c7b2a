"""Bring a folder of images or sound: as items with labels, or to learn from."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.declaration_media import MediaSlot
from predictions.management.lookups import workflow_by_slug
from predictions.models import Workflow
from predictions.services.media_folders import (
    BadFolder,
    Listed,
    measured_rows,
    read_folder,
    store_listed,
)
from reviewqueue.management.training import add_training_options, trained_on
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch

N_SHOWN = 5


class Command(BaseCommand):
    help = "Bring a folder of images or sound with a table: file,label and features."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow")
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--labels", type=Path, help="the table; labels.csv in the folder by default"
        )
        parser.add_argument("--slot", default="", help="needed where there are several")
        parser.add_argument(
            "--learn",
            action="store_true",
            help="train on the labelled files, without storing items",
        )
        add_training_options(parser)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        now = timezone.now()
        workflow = workflow_by_slug(str(options["workflow"]))
        slot = _slot(workflow, str(options["slot"]))
        folder = Path(str(options["folder"]))
        table = Path(str(options["labels"] or folder / "labels.csv"))
        try:
            listed = read_folder(folder, table, workflow.declaration)
            if options["learn"]:
                words = _learn(workflow, slot, listed, options, now=now)
            else:
                words = _store(workflow, slot, listed, now=now)
        except BadFolder as error:
            raise CommandError(str(error)) from error
        self.stdout.write(words)


def _slot(workflow: Workflow, name: str) -> MediaSlot:
    slots = [one for one in workflow.declaration.media if name in ("", one.name)]
    if len(slots) != 1:
        known = ", ".join(one.name for one in workflow.declaration.media) or "none"
        raise CommandError(f"--slot: one of the workflow's slots is needed: {known}")
    return slots[0]


def _learn(
    workflow: Workflow,
    slot: MediaSlot,
    listed: Sequence[Listed],
    options: Mapping[str, Any],
    *,
    now: datetime,
) -> str:
    rows, refused = measured_rows(slot, listed, now=now)
    source = f"{len(rows.labels):,} files ({_left_out(refused)})"
    return trained_on(workflow, rows, options, source=source, now=now)


def _store(
    workflow: Workflow, slot: MediaSlot, listed: Sequence[Listed], *, now: datetime
) -> str:
    """Store items, score them here and now, and record their labels as late truth."""
    brought = store_listed(workflow=workflow, slot=slot, listed=listed, now=now)
    while process_batch(workflow=workflow, limit=1000, now=timezone.now()):
        pass
    news = [
        OutcomeRow(one.external_id, one.label, one.written_at)
        for one in listed
        if one.label
    ]
    recorded = record_outcomes(
        workflow=workflow, rows=news, by=None, now=now, clock=timezone.now
    )
    return (
        f"{workflow.slug}: {brought.n_stored:,} items stored, "
        f"{brought.n_known:,} known already, {recorded.accepted:,} labels "
        f"({_left_out(brought.refused)})"
    )


def _left_out(refused: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:N_SHOWN])
    return f"{len(refused):,} refused" + (f", such as {shown}" if shown else "")
