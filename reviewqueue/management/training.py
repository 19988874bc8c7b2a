"""What the commands that train share: their options, the work, what they say of it."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, get_args

from django.core.management.base import CommandError

from predictions.enums import Stage
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TooFewLabels
from predictions.models import ModelVersion, Workflow
from predictions.services.labelled_rows import LabelledRows
from predictions.services.promotion import StageRefused
from predictions.services.registry import RegistrationRefused
from predictions.services.training import train_version
from reviewqueue.services.stages import move_version

ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm.__value__)
PARTS: Final = ("train", "calibrate", "test")


def add_training_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--algorithm", choices=ALGORITHMS, default="gradient_boosting")
    add("--seed", type=int, default=0)
    add(
        "--promote",
        metavar="REASON",
        default="",
        help="make it the champion at once, and why",
    )


def trained_on(
    workflow: Workflow,
    rows: LabelledRows,
    options: Mapping[str, Any],
    *,
    source: str,
    now: datetime,
) -> str:
    """Train a version as the options say, promote it where they do; say how it did.

    `source` says in words what the rows are. Raises: CommandError.
    """
    try:
        version = train_version(
            workflow=workflow,
            rows=rows,
            algorithm=options["algorithm"],
            seed=options["seed"],
            name=options.get("name", ""),
            by=None,
            now=now,
        )
        if reason := options["promote"]:
            version = move_version(
                version=version, to=Stage.CHAMPION, by=None, reason=reason, now=now
            )
    except TooFewLabels as error:
        raise CommandError(f"Too few labels to train on: {error}.") from error
    except StageRefused as error:
        raise CommandError(f"{error.gate}: {error}") from error
    except RegistrationRefused as error:
        raise CommandError(str(error)) from error
    return _summary(version, workflow=workflow, source=source)


def _summary(version: ModelVersion, *, workflow: Workflow, source: str) -> str:
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
