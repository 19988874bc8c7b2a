"""A promotion, a rollback and a retirement are told; other moves are not."""

from datetime import datetime

import pytest

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.promotion import StageRefused
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Notice
from reviewqueue.services.stages import move_version, roll_back_champion
from tests.factories.predictions import make_model

pytestmark = pytest.mark.django_db


def told() -> list[str]:
    notices = Notice.objects.filter(kind=NoticeKind.STAGE_CHANGED)
    return list(notices.order_by("id").values_list("text", flat=True))


def test_promotion_says_who_took_whose_place(
    workflow: Workflow, champion: ModelVersion, erin: User, now: datetime
) -> None:
    second = make_model(workflow, now=now)

    move_version(version=second, to=Stage.CHAMPION, by=erin, reason="better", now=now)

    assert told() == [f"v2 is champion in place of v1 by {erin.display_name}: better"]
    assert Notice.objects.get().data == {
        "model_version": 2,
        "model_version_id": str(second.pk),
        "stage": "champion",
        "former": 1,
    }


def test_rollback_says_who_is_champion_again(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    second = make_model(workflow, now=now)
    move_version(version=second, to=Stage.CHAMPION, by=None, reason="new", now=now)

    roll_back_champion(workflow=workflow, by=None, reason="worse", now=now)

    assert told()[1:] == [
        "Rolled back: v1 is champion again, v2 is retired: worse",
    ]


def test_retirement_is_told_and_a_shadow_is_not(
    workflow: Workflow, now: datetime
) -> None:
    version = make_model(workflow, now=now)

    move_version(version=version, to=Stage.SHADOW, by=None, reason="try", now=now)
    assert told() == []

    challenger = Stage.CHALLENGER
    move_version(
        version=version, to=challenger, by=None, reason="a", share=0.2, now=now
    )
    assert told() == ["v1 is challenger and recommends for 20 % of the items: a"]

    move_version(version=version, to=Stage.RETIRED, by=None, reason="old", now=now)
    assert "v1 was retired: old" in told()


def test_what_is_refused_is_not_told(champion: ModelVersion, now: datetime) -> None:
    with pytest.raises(StageRefused):
        move_version(version=champion, to=Stage.SHADOW, by=None, reason="try", now=now)

    assert told() == []
