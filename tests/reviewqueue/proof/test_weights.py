"""How rows of a snapshot weigh when a model is trained on them."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Route, Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.snapshots import (
    build_snapshot,
    read_labelled_rows,
    request_snapshot,
)
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import claim, decide, open_cases

pytestmark = pytest.mark.django_db


def test_audited_row_stands_for_those_passed_and_an_outcome_for_itself(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    set_policy(workflow, now=now, mode="above", low=1.0, audit_share=0.25)
    open_cases(workflow, 40, now=now)
    passed = Item.objects.filter(route__kind=RouteKind.AUTO).first()
    audited = Route.objects.filter(kind=RouteKind.REVIEW).count()
    assert passed is not None
    for _ in range(audited):
        decide(claim(workflow, alice, now=now), alice, now=now, label="legitimate")
    news = OutcomeRow(passed.external_id, "fraud", observed_at=now)
    record_outcomes(workflow=workflow, rows=[news], by=None, now=now)

    rows = read_labelled_rows(snapshot_of(workflow, now=now + timedelta(minutes=1)))

    assert rows.weights is not None
    weights = sorted(zip(rows.labels, rows.weights, strict=True))
    assert weights == [("fraud", 1.0), *[("legitimate", 4.0)] * audited]


def snapshot_of(workflow: Workflow, *, now: datetime) -> Snapshot:
    asked = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now
    )
    assert build_snapshot(snapshot_id=asked.pk, clock=lambda: now)
    return Snapshot.objects.get(pk=asked.pk)
