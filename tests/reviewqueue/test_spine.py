"""The thinnest path through every layer: from an item to its label."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, PendingScore, Prediction, Workflow
from reviewqueue.enums import CaseStatus, Verdict
from reviewqueue.models import Case, Label, Route
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_items
from tests.reviewqueue.services.steps import claim, record

pytestmark = pytest.mark.django_db


def test_item_becomes_label(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    make_items(workflow, 3, now=now)
    assert PendingScore.objects.count() == 3

    routed = process_batch(workflow=workflow, limit=100, now=now)

    assert len(routed) == 3
    assert PendingScore.objects.count() == 0
    assert Prediction.objects.count() == 3
    assert Route.objects.filter(review_probability=1, kind="review").count() == 3
    case = claim(workflow, alice, now=now)
    recorded = record(
        case, alice, Judgement(verdict="confirm"), now=now + timedelta(seconds=20)
    )
    assert recorded.decision.verdict == Verdict.CONFIRM
    label = Label.objects.get(item=case.item)
    assert (label.label, label.version, label.source) == (
        case.route.label,
        1,
        "decision",
    )
    undone = undo_decision(
        decision_id=recorded.decision.pk, by=alice, now=now + timedelta(seconds=30)
    )
    assert undone.status == CaseStatus.LEASED
    assert Label.objects.get(item=case.item, version=2).label == ""
    assert Case.objects.get(pk=case.pk).round == 2


def test_item_without_champion_goes_to_people(
    workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, 1, now=now)

    process_batch(workflow=workflow, limit=100, now=now)

    route = Route.objects.get()
    assert (route.kind, route.reason, route.review_probability) == (
        "review",
        "no_champion",
        1.0,
    )
