"""On which rows a version is judged, by what is known of what it learnt from."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lifecycle.services.gate_figures import in_slice
from lifecycle.services.gate_rows import read_rows, unseen
from predictions.declaration_life import Slice
from predictions.models import ModelVersion, Workflow
from tests.factories.predictions import make_model, make_workflow
from tests.factories.snapshots import Row, make_snapshot
from tests.factories.trained import register
from tests.lifecycle.gate_world import (
    FIRST,
    declare_gates,
    make_payments,
    payments,
    trained,
)
from tests.lifecycle.training_steps import ask, labelled_snapshot, worked

pytestmark = pytest.mark.django_db


@pytest.fixture
def gated(workflow: Workflow, now: datetime) -> Workflow:
    return declare_gates(workflow, now=now)


def test_a_version_of_this_snapshot_is_judged_on_its_test_part(
    gated: Workflow, now: datetime
) -> None:
    snapshot = make_payments(gated, now=now)
    version = register(gated, trained(), now=now, snapshot=snapshot)

    found = unseen(version, read_rows(snapshot), snapshot)

    assert np.flatnonzero(found.rows).tolist() == list(range(2400, 3000))


def test_on_a_later_snapshot_new_rows_count_and_learnt_ones_do_not(
    gated: Workflow, now: datetime
) -> None:
    own = make_payments(gated, now=now)
    version = register(gated, trained(), now=now, snapshot=own)
    more = [*payments(), *(_later(minute) for minute in range(3000, 3010))]
    later = make_snapshot(gated, more, now=now, first=FIRST)

    found = unseen(version, read_rows(later), later)

    assert np.flatnonzero(found.rows).tolist() == list(range(2400, 3010))


def _later(minute: int) -> Row:
    return Row({"amount": 1.0}, "legitimate", minute, subject="c-1")


def test_a_report_that_does_not_fit_its_snapshot_is_believed_by_its_dates(
    gated: Workflow, now: datetime
) -> None:
    snapshot = make_payments(gated, now=now)
    version = register(gated, trained(), now=now, snapshot=snapshot)
    version.report["split"]["train"]["n"] = 17

    found = unseen(version, read_rows(snapshot), snapshot)

    # It learnt up to minute 2,399, decided half an hour later.
    assert np.flatnonzero(found.rows).tolist() == list(range(2430, 3000))
    assert "up to which its report says it learnt" in found.says


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"split": 3},
        {"split": {"train": {"to": "soon"}, "calibrate": {"to": "later"}}},
        {"split": {"train": {"n": 1800, "to": "2026-01-02T00:00:00+00:00"}}},
    ],
)
def test_a_version_that_says_nothing_is_judged_on_what_came_after_it(
    gated: Workflow, now: datetime, report: dict[str, object]
) -> None:
    snapshot = make_payments(gated, now=now)
    version = register(gated, trained(), now=FIRST + timedelta(minutes=2990))
    version.report = report

    found = unseen(version, read_rows(snapshot), snapshot)

    assert np.flatnonzero(found.rows).tolist() == list(range(2991, 3000))
    assert "when it was registered" in found.says


def test_a_version_of_a_training_run_is_known_by_its_split(db: None) -> None:
    now = datetime.now(UTC)
    live = make_workflow(now=now, slug="live")
    snapshot = labelled_snapshot(live, 600, now=now)
    run = worked(ask(live, snapshot, now=now))
    version = ModelVersion.objects.get(report__training_run=str(run.pk))

    found = unseen(version, read_rows(snapshot), snapshot)

    assert "of its snapshot that it learnt from" in found.says
    n_test = version.report["split"]["test"]["n"]
    assert int(found.rows.sum()) == n_test


def test_slices_hold_values_and_ranges_and_nothing_that_is_missing() -> None:
    rows = [{"a": 1}, {"a": 2.0}, {"a": 3}, {"a": True}, {"a": "2"}, {}]

    at_least = Slice(name="x", feature="a", minimum=2)
    between = Slice(name="x", feature="a", minimum=1, maximum=3)
    named = Slice(name="x", feature="a", values=("2",))

    assert np.flatnonzero(in_slice(at_least, rows)).tolist() == [1, 2]
    assert np.flatnonzero(in_slice(between, rows)).tolist() == [0, 1]
    assert np.flatnonzero(in_slice(named, rows)).tolist() == [4]


def test_no_snapshot_has_no_rows(workflow: Workflow, now: datetime) -> None:
    rows = read_rows(None)

    assert rows.n == 0
    assert unseen(make_model(workflow, now=now), rows, None).rows.size == 0
