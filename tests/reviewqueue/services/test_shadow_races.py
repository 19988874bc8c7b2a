"""Shadow evidence in real threads: looked at once, granted once, for one champion."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import roll_back
from reviewqueue.models import Notice, Segment, TrustMove
from reviewqueue.queries.trust import segments_of
from reviewqueue.services.autonomy import MoveRefused
from reviewqueue.services.trust_watch import watch_trust
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.shadow_steps import (
    DAY,
    cut_new,
    main_segment,
    promote,
    review_all,
    route,
    run_beside,
    start,
)
from tests.reviewqueue.services.test_races import at_once
from tests.reviewqueue.services.trust_steps import plan

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Threads that end leave their connection to the pool, which may warn of it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def beside(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> ModelVersion:
    version = run_beside(workflow, now=now)
    review_all(workflow, alice, now=now)
    return version


def starter(
    workflow: Workflow, segment: Segment, by: User, *, now: datetime
) -> Callable[[], object]:
    def act() -> object:
        try:
            return start(workflow, segment, by, now=now)
        except (MoveRefused, Segment.DoesNotExist) as refusal:
            return refusal

    return act


def test_of_two_clicks_one_grants(
    workflow: Workflow, beside: ModelVersion, sam: User, now: datetime
) -> None:
    later = now + DAY
    cut_new(workflow, beside, now=later)
    watch_trust(workflow=workflow, now=later)
    segment = main_segment(workflow)

    found = at_once(*[starter(workflow, segment, sam, now=later)] * 2)

    assert sorted(type(one).__name__ for one in found) == ["MoveRefused", "TrustMove"]
    assert TrustMove.objects.count() == 1
    assert Notice.objects.count() == 1


def test_of_two_watchers_one_looks_and_one_grants(
    workflow: Workflow, beside: ModelVersion, now: datetime
) -> None:
    later = now + DAY
    cut_new(workflow, beside, now=later, auto_grant=True)

    def watcher(after: int) -> Callable[[], object]:
        at = later + timedelta(seconds=after)
        return lambda: watch_trust(workflow=workflow, now=at)

    at_once(watcher(0), watcher(1))

    segment = main_segment(workflow)
    [move] = TrustMove.objects.filter(segment=segment)
    assert (move.cause, move.to_level, segment.level) == ("shadow", 3, 3)
    assert segment.shadow_share == 0.5
    assert Notice.objects.count() == TrustMove.objects.count()


def test_of_two_batches_at_the_switch_one_cuts(
    workflow: Workflow, beside: ModelVersion, now: datetime
) -> None:
    later = now + DAY
    plan(workflow, now=later)
    set_policy(workflow, mode="earned", now=later)

    def router(first: int) -> Callable[[], object]:
        return lambda: route(workflow, 5, start=first, now=later)

    at_once(
        lambda: promote(beside, now=later), router(5000), router(6000), router(7000)
    )
    route(workflow, 1, start=8000, now=later)

    segments = segments_of(beside)
    assert {one.slicing for one in segments} == {1}
    assert {one.shadow_share for one in segments} == {0.5}
    assert {one.label for one in segments} == set(workflow.declaration.label_keys)


def test_click_as_the_version_is_rolled_back_grants_before_or_never(
    workflow: Workflow, beside: ModelVersion, sam: User, now: datetime
) -> None:
    later = now + DAY
    cut_new(workflow, beside, now=later)
    watch_trust(workflow=workflow, now=later)
    segment = main_segment(workflow)

    clicked, _ = at_once(
        starter(workflow, segment, sam, now=later),
        lambda: roll_back(workflow=workflow, by=sam, reason="slow", now=later),
    )

    segment.refresh_from_db()
    granted = isinstance(clicked, TrustMove)
    assert granted or isinstance(clicked, Segment.DoesNotExist)
    assert TrustMove.objects.count() == int(granted)
    assert segment.level == (3 if granted else 0)
