"""What share of the items a challenger may have, whoever else has one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from predictions.enums import Stage
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.promotion import StageRefused
from predictions.services.registry import change_stage
from tests.factories.predictions import make_model


def move(
    version: ModelVersion, to: Stage, *, now: datetime, share: float | None = None
) -> ModelVersion:
    return change_stage(
        version=version, to=to, by=None, reason="test", now=now, share=share
    )


@pytest.mark.parametrize(("asked", "given"), [(None, 0.1), (0.25, 0.25), (0.5, 0.5)])
def test_challenger_takes_its_share(
    workflow: Workflow, now: datetime, asked: float | None, given: float
) -> None:
    version = make_model(workflow, now=now, stage=Stage.CHALLENGER, share=asked)

    assert ModelVersion.objects.get().route_share == version.route_share == given
    assert ModelEvent.objects.get(to_stage=Stage.CHALLENGER).route_share == given


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, float("nan"), float("inf")])
def test_share_that_is_none_is_refused(
    workflow: Workflow, now: datetime, share: float
) -> None:
    version = make_model(workflow, now=now, stage=Stage.SHADOW)

    with pytest.raises(StageRefused, match="above 0 and at most 50%") as refused:
        move(version, Stage.CHALLENGER, now=now, share=share)

    assert refused.value.gate == "route_share"
    assert ModelVersion.objects.get().stage == Stage.SHADOW


def test_all_challengers_together_have_half_at_most(
    workflow: Workflow, now: datetime
) -> None:
    for _ in range(4):
        make_model(workflow, now=now, stage=Stage.CHALLENGER, share=0.1)
    fifth = make_model(workflow, now=now, stage=Stage.SHADOW)

    with pytest.raises(StageRefused, match=r"have 0\.4 of the items: 0\.1 is left"):
        move(fifth, Stage.CHALLENGER, now=now, share=0.11)
    move(fifth, Stage.CHALLENGER, now=now, share=0.1)


@pytest.mark.parametrize("to", [Stage.SHADOW, Stage.CHAMPION, Stage.RETIRED])
def test_who_leaves_has_none(workflow: Workflow, now: datetime, to: Stage) -> None:
    version = make_model(workflow, now=now, stage=Stage.CHALLENGER)

    move(version, to, now=now)

    assert ModelVersion.objects.get().route_share == 0


def test_share_goes_with_no_other_stage(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)

    with pytest.raises(StageRefused, match="Only a challenger"):
        move(version, Stage.SHADOW, now=now, share=0.1)


def test_share_changes_and_the_stage_is_as_old_as_it_was(
    workflow: Workflow, now: datetime
) -> None:
    version = make_model(workflow, now=now, stage=Stage.CHALLENGER, share=0.1)
    later = now + timedelta(days=1)

    move(version, Stage.CHALLENGER, now=later, share=0.3)
    with pytest.raises(StageRefused, match=r"challenger with 0\.3 of the items"):
        move(version, Stage.CHALLENGER, now=later, share=0.3)

    found = ModelVersion.objects.get()
    assert (found.route_share, found.stage_changed_at) == (0.3, now)
    shares = ModelEvent.objects.filter(to_stage=Stage.CHALLENGER).order_by("id")
    assert list(shares.values_list("route_share", "at")) == [(0.1, now), (0.3, later)]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_take_the_same_room(
    workflow: Workflow, now: datetime
) -> None:
    versions = [make_model(workflow, now=now, stage=Stage.SHADOW) for _ in range(2)]
    together = Barrier(2)

    def ask(version: ModelVersion) -> Callable[[], str]:
        def run() -> str:
            together.wait()
            try:
                move(version, Stage.CHALLENGER, now=now, share=0.3)
            except StageRefused as refused:
                return refused.gate
            finally:
                connection.close()
            return "moved"

        return run

    with ThreadPoolExecutor(2) as pool:
        said = [one.result() for one in [pool.submit(ask(v)) for v in versions]]

    assert sorted(said) == ["moved", "route_share"]
    assert sorted(ModelVersion.objects.values_list("route_share", flat=True)) == [
        0,
        0.3,
    ]
