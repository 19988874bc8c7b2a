from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from predictions.learning.failures import ModelRaised, ModelTimedOut, ScorerBusy
from predictions.models import ModelEvent, ModelVersion
from predictions.services import model_health
from predictions.services.model_health import (
    ModelPaused,
    note_bad_rows,
    note_failure,
    note_success,
    refuse_while_open,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A monotonic clock that stands still until a test moves it."""
    moment = [1000.0]
    monkeypatch.setattr(
        "predictions.services.model_health.time.monotonic", lambda: moment[0]
    )
    model_health.forget_all()
    yield moment
    model_health.forget_all()


def fail(version: ModelVersion, n: int, *, now: datetime) -> None:
    for _ in range(n):
        note_failure(
            version=version, failure=ModelTimedOut("0.4 s"), n_items=1, now=now
        )


def test_breaker_opens_at_the_third_failure_in_a_row(
    champion: ModelVersion, now: datetime
) -> None:
    fail(champion, 2, now=now)
    refuse_while_open(champion)
    fail(champion, 1, now=now)

    with pytest.raises(ModelPaused):
        refuse_while_open(champion)


def test_success_in_between_begins_the_count_again(
    champion: ModelVersion, now: datetime
) -> None:
    fail(champion, 2, now=now)
    note_success(version=champion, n_items=1, now=now)
    fail(champion, 2, now=now)

    refuse_while_open(champion)


def test_breaker_is_tried_again_after_its_pause(
    champion: ModelVersion, now: datetime, clock: list[float]
) -> None:
    fail(champion, 3, now=now)
    clock[0] += model_health.OPEN_SECONDS
    refuse_while_open(champion)

    fail(champion, 1, now=now)
    with pytest.raises(ModelPaused):
        refuse_while_open(champion)


def test_batches_that_were_not_asked_are_not_counted(
    champion: ModelVersion, now: datetime
) -> None:
    for failure in (ScorerBusy("others"), ModelPaused("not yet")):
        for _ in range(5):
            note_failure(version=champion, failure=failure, n_items=1, now=now)

    refuse_while_open(champion)
    assert ModelEvent.objects.filter(kind="failed").count() == 10


def test_bad_rows_close_the_breaker(champion: ModelVersion, now: datetime) -> None:
    fail(champion, 2, now=now)
    note_bad_rows(
        version=champion, failure=ModelRaised("ValueError"), n_items=3, now=now
    )
    fail(champion, 2, now=now)

    refuse_while_open(champion)


def test_recovery_is_noted_once(champion: ModelVersion, now: datetime) -> None:
    note_success(version=champion, n_items=5, now=now)
    fail(champion, 1, now=now)
    for second in (1, 2):
        moment = now + timedelta(seconds=second)
        note_success(version=champion, n_items=5, now=moment)

    kinds = ModelEvent.objects.filter(kind__in=("failed", "recovered"))
    assert list(kinds.order_by("at").values_list("kind", "n_items")) == [
        ("failed", 1),
        ("recovered", 5),
    ]


def test_breakers_are_per_version(
    champion: ModelVersion, workflow: object, now: datetime
) -> None:
    fail(champion, 3, now=now)
    other = ModelVersion.objects.get(pk=champion.pk)
    other.id = type(champion.id)(int=1)

    refuse_while_open(other)
