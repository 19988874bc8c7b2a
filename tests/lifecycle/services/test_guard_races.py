"""What meets at once: promotions, approvals, waivers, gates that change."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from accounts.models import User
from predictions.enums import Stage
from predictions.models import Approval, ModelEvent, ModelVersion, Workflow
from predictions.services.promotion import (
    GateWordTooLate,
    StageRefused,
    approve,
    waive,
)
from tests.factories.predictions import make_model
from tests.lifecycle.guards import (
    NO_WORSE,
    RECALL,
    SCHEMA,
    TWO,
    declare,
    move,
    refusal,
    report_of,
)


def at_once(*steps: Callable[[], object]) -> list[str]:
    """Do steps in threads that begin together; return the names of what they raise."""
    barrier, raised = threading.Barrier(len(steps)), []

    def run(step: Callable[[], object]) -> None:
        barrier.wait()
        try:
            step()
        except (StageRefused, GateWordTooLate) as error:
            raised.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_two_people_who_promote_at_once_make_one_champion(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    first, second = make_model(workflow, now=now), make_model(workflow, now=now)
    declare(workflow, now, NO_WORSE)
    report_of(first, now)
    report_of(second, now)

    raised = at_once(
        lambda: move(first, Stage.CHAMPION, now, erin),
        lambda: move(second, Stage.CHAMPION, now, sam),
    )

    # Whoever came second was held against no champion, and there is one now.
    assert raised == ["StageRefused"]
    assert ModelVersion.objects.filter(stage=Stage.CHAMPION).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_person_who_approves_twice_at_once_is_one(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)

    def say() -> None:
        approve(version=version, report=report, reason="yes", by=erin, now=now)

    assert at_once(say, say, say) == []
    assert Approval.objects.count() == 1
    assert refusal(version, Stage.CHAMPION, now, erin)[0] == "approvals"


@pytest.mark.django_db(transaction=True)
def test_a_waiver_and_a_promotion_at_once_are_one_after_the_other(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    report = report_of(version, now, schema_match="failed")

    raised = at_once(
        lambda: waive(
            report=report, gate="schema_match", reason="known", by=sam, now=now
        ),
        lambda: move(version, Stage.CHAMPION, now, erin),
    )

    version.refresh_from_db()
    promoted = version.stage == Stage.CHAMPION
    assert raised == ([] if promoted else ["StageRefused"])
    if promoted:
        event = ModelEvent.objects.filter(model_version=version).latest("id")
        assert "(waived: schema_match by" in event.reason


@pytest.mark.django_db(transaction=True)
def test_gates_that_change_while_somebody_promotes_are_before_or_after(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.8))
    report_of(version, now)

    raised = at_once(
        lambda: declare(workflow, now, RECALL.format(0.9)),
        lambda: move(version, Stage.CHAMPION, now, erin),
    )

    version.refresh_from_db()
    assert (version.stage == Stage.CHAMPION) == (raised == [])
