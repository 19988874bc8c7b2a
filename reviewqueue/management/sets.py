"""What commands on labelled sets share: where rows are, where a report goes."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

from reviewqueue.replay.goals import Goal
from reviewqueue.replay.streams import Source

DATA: Final = "COUNTERSIGN_PROOF_DATA"


def folder_of(source: Source, given: Path | None) -> Path:
    """Return the folder of a set, below the one given or the one that `DATA` names.

    Raises: CommandError naming what is not there.
    """
    named = os.environ.get(DATA)
    if given is None and not named:
        raise CommandError(f"Where is the data? Give --data, or set {DATA}.")
    data = given or Path(str(named))
    if missing := source.missing(data):
        raise CommandError(f"{source.name}: no {', '.join(missing)}")
    return data / source.name


def write_report(out: Path, name: str, *, figures: str, page: str) -> None:
    """Write the figures as NAME.json and the page as NAME.html into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / name
    path.with_suffix(".json").write_text(figures, encoding="utf-8")
    path.with_suffix(".html").write_text(page, encoding="utf-8")


def goal_lines(goals: Iterable[Goal], *, words: tuple[str, str]) -> Iterator[str]:
    """Say each goal after one of two words, for reached and not, with its figures."""
    for goal in goals:
        yield f"{words[not goal.is_reached]}: {goal.name}"
        yield from (f"  {one}" for one in goal.figures)
