"""Reviewers below the gold floor are told of once, wherever gold was placed."""

import time
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import GoldItem, Notice, Segment
from reviewqueue.services import gold_floor
from reviewqueue.services.gold_floor import tell_of_reviewers
from reviewqueue.services.notices import notify
from reviewqueue.tasks_gold import watch_gold
from tests.reviewqueue.services.gold_steps import (
    gold_items,
    put_gold_plan,
    write_answers,
)
from tests.reviewqueue.services.test_races import at_once


@pytest.fixture
def gold(
    workflow: Workflow, champion: ModelVersion, sam: User, now: datetime
) -> list[GoldItem]:
    put_gold_plan(workflow, now=now, floor=0.8)
    return gold_items(workflow, sam, now=now, n=30)


def told_of() -> list[tuple[str, int]]:
    rows = Notice.objects.filter(kind="reviewer.below_floor").order_by("id")
    return [(one.data["reviewer"], one.data["plan_version"]) for one in rows]


@pytest.mark.django_db
def test_watch_tells_where_nothing_is_cut_into_segments(
    workflow: Workflow, gold: list[GoldItem], alice: User, bob: User, now: datetime
) -> None:
    write_answers(gold, alice, n_wrong=30, now=now)
    write_answers(gold, bob, n_wrong=0, now=now)
    assert not Segment.objects.exists()

    assert watch_gold() == 1
    assert watch_gold() == 0

    assert told_of() == [(str(alice.pk), 1)]


@pytest.mark.django_db
def test_it_is_told_again_under_another_plan(
    workflow: Workflow, gold: list[GoldItem], alice: User, now: datetime
) -> None:
    write_answers(gold, alice, n_wrong=30, now=now)
    tell_of_reviewers(workflow=workflow, now=now)
    put_gold_plan(workflow, now=now, floor=0.9)

    tell_of_reviewers(workflow=workflow, now=now)

    assert told_of() == [(str(alice.pk), 1), (str(alice.pk), 2)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_watches_that_overlap_tell_once(
    workflow: Workflow,
    gold: list[GoldItem],
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_answers(gold, alice, n_wrong=30, now=now)

    def notify_slowly(**said: Any) -> Notice:  # noqa: ANN401 -- as the real one
        time.sleep(0.3)  # so that every watch has looked before one commits
        return notify(**said)

    monkeypatch.setattr(gold_floor, "notify", notify_slowly)

    at_once(*[lambda: tell_of_reviewers(workflow=workflow, now=now)] * 6)

    assert told_of() == [(str(alice.pk), 1)]
