"""Looks at a version beside the champion: what is kept, and what people are told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from unittest.mock import patch

import pytest
from django.db import connection

from accounts.models import User
from lifecycle.models import ComparisonLook
from lifecycle.queries.comparison import Report, judge
from lifecycle.queries.paired import Basis, Pair
from lifecycle.services import comparisons
from lifecycle.services.comparisons import look_at
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Delivery, Notice, Webhook
from tests.factories.predictions import make_champion, make_model, make_workflow
from tests.lifecycle.comparing import FRAUD, LEGITIMATE

MINUTE = timedelta(minutes=1)


def pairs(n_better: int, n_worse: int, n_same: int) -> list[Pair]:
    """Audited payments of which the challenger alone is right, the champion, both."""
    said = [
        (FRAUD, LEGITIMATE, LEGITIMATE, n_better),
        (LEGITIMATE, FRAUD, LEGITIMATE, n_worse),
        (FRAUD, FRAUD, FRAUD, n_same),
    ]
    day = date(2026, 3, 2)
    return [
        Pair(day, one, other, truth, "blind", 1.0, None, "", n)
        for one, other, truth, n in said
        if n
    ]


BETTER = pairs(60, 0, 340)
WORSE = pairs(0, 80, 320)
ALIKE = pairs(0, 0, 4_000)
FEW = pairs(3, 0, 20)


@contextmanager
def finding(found: Sequence[Pair]) -> Iterator[None]:
    """Judge these pairs, whatever was audited."""

    def report_of(basis: Basis) -> Report:
        return judge(basis, found, basis.challenger.workflow.declaration)

    with patch.object(comparisons, "report_of", report_of):
        yield


@pytest.fixture
def beside(workflow: Workflow, champion: ModelVersion, now: datetime) -> ModelVersion:
    return make_model(workflow, now=now, stage=Stage.SHADOW)


def told() -> list[str]:
    rows = Notice.objects.filter(kind=NoticeKind.COMPARISON_DECIDED).order_by("pk")
    return [notice.data["verdict"] for notice in rows]


@pytest.mark.django_db
def test_a_verdict_is_told_once_with_its_figures(
    beside: ModelVersion, champion: ModelVersion, erin: User, now: datetime
) -> None:
    hook = Webhook.objects.create(
        workflow=beside.workflow,
        url="https://hooks.example.com/",
        secret="whsec_eA==",
        kinds=["comparison.decided"],
        created_by=erin,
        created_at=now,
    )
    with finding(FEW):
        assert look_at(version=beside, now=now) is not None
    assert told() == []
    with finding(BETTER):
        for minutes in range(3):
            look_at(version=beside, now=now + minutes * MINUTE)

    notice = Notice.objects.get()
    assert notice.text.startswith("v2 against v1: The challenger is better, on 400")
    assert notice.data["challenger_id"] == str(beside.pk)
    assert (notice.data["champion"], notice.data["n"]) == (champion.number, 400)
    assert notice.data["difference"] == pytest.approx(-20 * 60 / 400)
    assert Delivery.objects.get().webhook == hook


@pytest.mark.django_db
def test_another_verdict_is_told_and_none_twice(
    beside: ModelVersion, now: datetime
) -> None:
    for at, found in enumerate([ALIKE, FEW, BETTER, ALIKE, BETTER, WORSE]):
        with finding(found):
            look_at(version=beside, now=now + at * MINUTE)

    assert told() == ["no_worse", "better", "worse"]
    assert ComparisonLook.objects.get().report["overall"]["verdict"] == "worse"


@pytest.mark.django_db
def test_a_comparison_that_begins_again_is_told_again(
    beside: ModelVersion, now: datetime
) -> None:
    with finding(WORSE):
        look_at(version=beside, now=now + MINUTE)
        change_stage(
            version=beside, to=Stage.RETIRED, by=None, reason="r", now=now + 2 * MINUTE
        )
        again = change_stage(
            version=beside, to=Stage.SHADOW, by=None, reason="r", now=now + 3 * MINUTE
        )
        look_at(version=again, now=now + 4 * MINUTE)

    assert told() == ["worse", "worse"]


@pytest.mark.django_db
def test_a_worker_that_was_late_changes_nothing(
    beside: ModelVersion, now: datetime
) -> None:
    with finding(BETTER):
        look_at(version=beside, now=now + MINUTE)
    with finding(WORSE):
        look = look_at(version=beside, now=now)

    assert look is not None
    assert look.report["overall"]["verdict"] == "better"
    assert told() == ["better"]


@pytest.mark.django_db
def test_a_version_that_was_moved_while_it_was_counted_is_not_told_of(
    beside: ModelVersion, now: datetime
) -> None:
    def moved(basis: Basis) -> Report:
        change_stage(
            version=beside, to=Stage.RETIRED, by=None, reason="r", now=now + MINUTE
        )
        return judge(basis, BETTER, basis.challenger.workflow.declaration)

    with patch.object(comparisons, "report_of", moved):
        assert look_at(version=beside, now=now) is None

    assert told() == []
    assert not ComparisonLook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_look_at_once_tell_it_once(now: datetime) -> None:
    workflow = make_workflow(now=now)
    make_champion(workflow, now=now)
    beside = make_model(workflow, now=now, stage=Stage.SHADOW)
    barrier = Barrier(2)

    def run(moment: datetime) -> None:
        try:
            barrier.wait()
            look_at(version=beside, now=moment)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(now + at * MINUTE,)) for at in range(2)]
    with finding(BETTER):
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    assert told() == ["better"]
    assert ComparisonLook.objects.count() == 1
