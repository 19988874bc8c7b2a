"""Readings in files: brought as items with late truth, or learnt from."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from predictions.models import Item, Machine, ModelVersion, SeriesReading, Workflow
from reviewqueue.models import Label
from tests.factories.series import make_series_workflow

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=5)


@pytest.fixture
def mills(db: None, now: datetime) -> Workflow:
    return make_series_workflow(now=now)


def said(*arguments: object, **options: object) -> str:
    output = StringIO()
    call_command("import_readings", *map(str, arguments), stdout=output, **options)
    return output.getvalue().strip()


def written(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def files(folder: Path, n: int) -> tuple[Path, Path]:
    """Write readings of two mills, and a failure an hour after too much torque."""
    rng = np.random.default_rng(2)
    readings, failures = [], []
    for machine in ("mill-1", "mill-2"):
        for at in range(n):
            is_high = rng.random() < 0.02
            torque = 90.0 if is_high else 40 + rng.normal()
            readings.append([machine, (T0 + at * STEP).isoformat(), torque, "x"])
            if is_high:
                failures.append([machine, (T0 + (at + 12) * STEP).isoformat(), "load"])
    return (
        written(folder / "r.csv", ["Mill", "When", "Torque [Nm]", "spare"], readings),
        written(folder / "f.csv", ["machine", "at", "kind"], failures),
    )


COLUMNS = {"machine": "Mill", "at": "When"}


def test_readings_and_failures_become_items_with_late_truth(
    mills: Workflow, tmp_path: Path
) -> None:
    readings, failures = files(tmp_path, 100)
    until = (T0 + 100 * STEP).isoformat()

    first = said("mills", readings, failures=failures, complete_until=until, **COLUMNS)
    again = said("mills", readings, **COLUMNS)

    assert "200 readings, 0 duplicates, 0 late, 0 refused" in first
    assert "columns left out: spare" in first
    assert "64 items" in first
    assert "0 readings, 200 duplicates" in again
    assert SeriesReading.objects.count() == 200
    assert Item.objects.filter(source="readings").count() == 64
    labels = Label.objects.values_list("label", flat=True)
    assert set(labels) == {"failure", "running"}
    assert {one.complete_until for one in Machine.objects.all()} == {T0 + 100 * STEP}


def test_what_followed_is_learnt_without_storing_anything(
    mills: Workflow, tmp_path: Path
) -> None:
    readings, failures = files(tmp_path, 1500)

    words = said(
        "mills",
        readings,
        failures=failures,
        learn=True,
        algorithm="logistic",
        promote="first",
        **COLUMNS,
    )

    version = ModelVersion.objects.get()
    assert (version.stage, version.workflow) == ("champion", mills)
    assert "mills v1 (champion)" in words
    assert "windows of readings (3,000 readings" in words
    assert version.report["test"]["roc_auc"] > 0.8
    assert not SeriesReading.objects.exists()
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mill-1,soon,", "line 2: at: 'soon' is no moment"),
        (",2026-01-05,", "line 2: machine: is missing"),
    ],
)
def test_a_file_of_failures_that_cannot_be_read_is_refused(
    mills: Workflow, tmp_path: Path, line: str, words: str
) -> None:
    readings, failures = files(tmp_path, 3)
    failures.write_text(f"machine,at,kind\n{line}\n")

    with pytest.raises(CommandError, match=words):
        said("mills", readings, failures=failures, **COLUMNS)

    assert not SeriesReading.objects.exists()


def test_a_moment_to_come_or_a_workflow_without_series_is_refused(
    mills: Workflow, workflow: Workflow, tmp_path: Path
) -> None:
    readings, _ = files(tmp_path, 3)

    with pytest.raises(CommandError, match="is no moment that is past"):
        said("mills", readings, complete_until="2999-01-01", **COLUMNS)
    with pytest.raises(CommandError, match="declares no series"):
        said("cards", readings, **COLUMNS)
