"""AI4I as readings: lives of tools, what is planted, which windows there must be."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictions.models import ItemWindow, Workflow
from predictions.services.series import store_readings
from predictions.services.windows import IDLE, close_idle_windows
from predictions.services.workflows import declare_workflow
from reviewqueue.proof.machines import (
    CHANGE,
    START,
    Reading,
    as_sent,
    failing_by_file,
    read_machines,
    windows_by_file,
)
from reviewqueue.services.policies import first_policy

WORKFLOW = Path(__file__).parents[3] / "workflows" / "machine-failure.toml"
HEAD = [
    "UDI",
    "Product ID",
    "Type",
    "Air temperature [K]",
    "Process temperature [K]",
    "Rotational speed [rpm]",
    "Torque [Nm]",
    "Tool wear [min]",
    "Machine failure",
    "failure_mode",
]


@pytest.fixture
def readings(tmp_path: Path) -> list[Reading]:
    """Ten lives of 40 rows: two of the machines have two of them."""
    path = tmp_path / "ai4i2020.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for row in range(400):
            wear, mode = 3 * (row % 40), "TWF" if row % 40 == 39 else "none"
            mode = "RNF" if row == 5 else mode
            measured = [300 + row % 3, 310, 1500 + row, 40 + row % 7, wear]
            failed = int(mode == "TWF")
            writer.writerow([row + 1, f"L{row}", "L", *measured, failed, mode])
    return read_machines(path)


def test_lives_go_round_the_machines_and_a_tool_takes_an_hour_to_change(
    readings: list[Reading],
) -> None:
    assert Counter(one.machine for one in readings)["mill-1"] == 80
    assert Counter(one.machine for one in readings)["mill-3"] == 40
    mine = [one for one in readings if one.machine == "mill-1"]
    assert mine[0].at == START
    assert mine[40].at - mine[39].at == CHANGE + timedelta(minutes=5)
    assert [one.failure for one in mine].count("TWF") == 2
    assert all(one.failure in {"", "TWF"} for one in readings)  # RNF is no failure


def test_nothing_is_held_back_where_a_window_hangs_on_it(
    readings: list[Reading],
) -> None:
    begun = START + timedelta(minutes=50)  # within a life
    live = [one for one in readings if one.at >= begun]
    late: set[datetime] = set()
    for seed in range(50):
        sent = as_sent(live, rng=np.random.default_rng(seed))
        held_back = sent.batches[-1][-sent.n_late :]
        late |= {datetime.fromisoformat(str(one["at"])) for one in held_back}

    assert len(late) > 1
    assert min(late) - begun >= timedelta(minutes=90)


@pytest.mark.django_db
def test_what_is_sent_becomes_what_the_file_says(
    readings: list[Reading], now: datetime
) -> None:
    workflow, _ = declare_workflow(
        source_toml=WORKFLOW.read_text(encoding="utf-8"), by=None, now=now
    )
    first_policy(workflow=workflow, by=None, now=now)
    series = workflow.declaration.series
    assert series is not None
    sent = as_sent(readings, rng=np.random.default_rng(4))
    expected = windows_by_file(readings, series)

    result = store_readings(
        workflow=workflow, chunks=sent.batches, now=datetime.now(UTC)
    )

    swept = close_idle_windows(now=datetime.now(UTC) + IDLE)

    assert (result.accepted, result.duplicates) == (400, sent.n_again)
    assert (result.n_refused, result.late) == (sent.n_broken, sent.n_late)
    assert (sent.n_again, sent.n_broken, sent.n_late) == (3, 3, 2)
    names = ItemWindow.objects.values_list("item__external_id", flat=True)
    assert set(names) == set(expected)
    assert result.items + swept == len(expected)
    failing = failing_by_file(readings, expected, series)
    # Before each of ten failures, the windows that end within the horizon before it.
    n = series.horizon_minutes // series.step_minutes
    assert (n - 1) * 10 <= len(failing) <= n * 10
    assert Workflow.objects.count() == 1
