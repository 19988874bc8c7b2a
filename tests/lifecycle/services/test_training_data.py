"""What a run learns from a snapshot's file."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from accounts.models import User
from lifecycle.services.training_data import SnapshotRows, read_rows
from predictions.models import ModelVersion, Workflow
from predictions.services.workflows import declare_workflow
from reviewqueue.models import Snapshot
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import DECLARATION, raw_item, set_policy, store
from tests.reviewqueue.services.snapshot_steps import built, label_next

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_rows_are_in_the_order_of_their_decisions(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    # occurred in the order 0, 1, 2; decided in the order of the queue, then told of 2
    rows = [raw_item(n, now=now + n * MINUTE) for n in range(3)]
    store(workflow, list(reversed(rows)), now=now + 3 * MINUTE)
    process_batch(workflow=workflow, limit=9, now=now + 3 * MINUTE)
    first = label_next(workflow, alice, "fraud", now=now + 9 * MINUTE)
    second = label_next(workflow, alice, "legitimate", now=now + 6 * MINUTE)
    decided = {first.case.item.external_id, second.case.item.external_id}
    (late,) = {"tx-0", "tx-1", "tx-2"} - decided
    news = [OutcomeRow(late, "fraud", now + 8 * MINUTE)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now + 8 * MINUTE)

    found = read(built(workflow, now=now + 10 * MINUTE, as_of=now + 10 * MINUTE))

    assert [name for _, name in found.items] == [
        late,
        second.case.item.external_id,
        first.case.item.external_id,
    ]
    assert found.data.labels == ["fraud", "legitimate", "fraud"]
    moments = [(now + n * MINUTE).timestamp() for n in (3, 6, 9)]
    assert found.data.times.tolist() == moments
    assert found.reviewers == (None, alice.pseudonym, alice.pseudonym)
    assert found.data.subjects is not None
    assert set(found.data.subjects) == {"c-0", "c-1", "c-2"}


def test_late_truth_wins_over_the_decision(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    store(workflow, [raw_item(0, now=now)], now=now)
    process_batch(workflow=workflow, limit=9, now=now)
    label_next(workflow, alice, "legitimate", now=now + MINUTE)
    before = read(built(workflow, now=now + MINUTE, as_of=now + MINUTE))
    late = now + 2 * MINUTE
    news = [OutcomeRow("tx-0", "fraud", late)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=late)

    after = read(built(workflow, now=late, as_of=late))

    assert (before.data.labels, before.reviewers) == (
        ["legitimate"],
        (alice.pseudonym,),
    )
    assert (after.data.labels, after.reviewers) == (["fraud"], (None,))
    # it was decided when the reviewer decided it, whatever came to light since
    assert after.data.times.tolist() == before.data.times.tolist()


def test_rows_weigh_what_they_stand_for(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, mode="above", low=0.9, audit_share=0.25)
    rows = [raw_item(n, now=now, amount=5.0) for n in range(60)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=99, now=now)
    label_next(workflow, alice, "legitimate", now=now + MINUTE)
    told = {"tx-0", "tx-1"}
    news = [OutcomeRow(name, "fraud", now) for name in sorted(told)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)

    found = read(built(workflow, now=now + MINUTE, as_of=now + MINUTE))

    weights = dict(zip((n for _, n in found.items), found.data.weights, strict=True))
    assert {weights[name] for name in told} == {1.0}
    assert {w for name, w in weights.items() if name not in told} <= {4.0}


def test_what_was_declared_then_holds(workflow: Workflow, now: datetime) -> None:
    store(workflow, [raw_item(0, now=now)], now=now)
    process_batch(workflow=workflow, limit=9, now=now)
    news = [OutcomeRow("tx-0", "fraud", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    snapshot = built(workflow, now=now, as_of=now)
    text = DECLARATION.format(slug="cards", name="Cards")
    without = text.replace('name = "night"', 'name = "evening"')
    declare_workflow(source_toml=without, by=None, now=now + MINUTE)

    found = read(snapshot)

    assert [one.name for one in found.data.columns] == [
        "amount",
        "card_present",
        "night",
    ]
    assert not np.isnan(found.data.matrix).any()


def test_empty_snapshot_has_no_rows(workflow: Workflow, now: datetime) -> None:
    found = read(built(workflow, now=now, as_of=now))

    assert found.data.matrix.shape == (0, 3)
    assert found.counts() == (0, 0)


def read(snapshot: Snapshot) -> SnapshotRows:
    return read_rows(snapshot, on_group=lambda: None)
