"""Snapshots: the same query as of the same moment gives the same rows."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    read_labelled_rows,
    stream_snapshot,
)
from tests.factories.predictions import (
    make_items,
)
from tests.reviewqueue.services.snapshot_steps import built, label_next

pytestmark = pytest.mark.django_db


def test_what_came_later_changes_nothing(
    decided: Workflow, alice: User, now: datetime
) -> None:
    moment = now + timedelta(minutes=1)
    first = built(decided, now=moment, as_of=moment)
    later = moment + timedelta(seconds=5)
    decision = label_next(decided, alice, "fraud", now=later)
    undo_decision(decision_id=decision.pk, by=alice, now=later)
    label_next(decided, alice, "legitimate", now=later + timedelta(seconds=1))

    again = built(decided, now=later + timedelta(seconds=9), as_of=moment)
    newer = built(
        decided,
        now=later + timedelta(seconds=9),
        as_of=later + timedelta(seconds=9),
    )

    assert (first.n_rows, again.n_rows, newer.n_rows) == (3, 3, 4)
    assert first.sha256 == again.sha256
    assert newer.sha256 != first.sha256


def test_datasheet_counts_the_rows(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    sheet = built(decided, now=moment, as_of=moment).datasheet

    assert sheet is not None
    assert sheet["n_rows"] == 3
    assert sheet["labels"] == {"fraud": 2, "legitimate": 1}
    assert sheet["label_sources"] == {"decision": 3}
    assert sheet["model_versions"] == {"v1": 3}


def test_sheet_says_how_many_were_routed_at_all(
    decided: Workflow, now: datetime
) -> None:
    moment = now + timedelta(minutes=1)
    sheet = built(decided, now=moment, as_of=moment).datasheet

    assert sheet is not None
    assert sheet["routed"] == {"policy": 5}
    assert sheet["route_reasons"] == {"policy": 3}


def test_rows_are_weighted_for_training(decided: Workflow, now: datetime) -> None:
    moment = now + timedelta(minutes=1)
    rows = read_labelled_rows(built(decided, now=moment, as_of=moment))

    assert sorted(rows.labels) == ["fraud", "fraud", "legitimate"]
    assert rows.weights == [1.0, 1.0, 1.0]


def test_empty_snapshot_has_no_rows(workflow: Workflow, now: datetime) -> None:
    snapshot = built(workflow, now=now, as_of=now)

    assert (snapshot.n_rows, snapshot.n_rows_expected) == (0, 0)
    assert b"".join(stream_snapshot(snapshot, "jsonl")) == b""


def test_truth_that_came_before_the_route_counts_once_it_is_routed(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 1, now=now)
    news = [OutcomeRow("tx-0", "fraud", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    early = now + timedelta(seconds=1)
    before = built(workflow, now=early, as_of=early)
    routed = now + timedelta(seconds=2)
    process_batch(workflow=workflow, limit=10, now=routed)

    again = built(workflow, now=routed, as_of=early)
    after = built(workflow, now=routed, as_of=routed)

    assert (before.n_rows, again.n_rows, after.n_rows) == (0, 0, 1)
    assert again.sha256 == before.sha256
