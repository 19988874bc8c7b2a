"""The evidence as it is read from the rows."""

from datetime import datetime, timedelta

import pytest

from accounts.enums import Role
from accounts.models import User
from lifecycle.enums import MonitorKind, ReadingVerdict, RunStatus, Trigger
from lifecycle.models import Reading, TrainingRun
from lifecycle.queries import readiness
from lifecycle.queries.rights import fingerprint, n_changed, rights_in
from predictions.enums import GateVerdict
from predictions.models import GateReport, ModelVersion, Workflow
from reviewqueue.models import Snapshot
from tests.factories.accounts import ApiKeyFactory, MembershipFactory
from tests.reviewqueue.services.steps import claim, decide, decide_unsure, open_cases

pytestmark = pytest.mark.django_db
LATE = timedelta(hours=26)


def read(
    workflow: Workflow, low: float, high: float, *, value: float, now: datetime
) -> None:
    """Leave a reading of the metric with a change around a promotion."""
    figure = {"value": value, "low": value, "high": value, "n": 90}
    Reading.objects.create(
        workflow=workflow,
        monitor="business",
        kind=MonitorKind.BUSINESS,
        verdict=ReadingVerdict.FINE,
        value=value,
        n=90,
        says="Cost per item: 0.40 EUR, n = 90.",
        data={
            "measure": "cost_per_item",
            "figure": figure,
            "aim": 0.5,
            "promotions": [
                {
                    "version": 3,
                    "before": {**figure, "value": 0.6},
                    "after": figure,
                    "change": {"value": value - 0.6, "low": low, "high": high},
                }
            ],
        },
        at=now,
    )


@pytest.mark.parametrize(
    ("low", "high", "is_better", "words"),
    [
        (-0.3, -0.1, True, "surely better"),
        (0.1, 0.3, False, "surely worse"),
        (-0.3, 0.1, None, "may be chance"),
    ],
)
def test_change_around_a_promotion_is_judged_by_its_interval(
    workflow: Workflow,
    now: datetime,
    low: float,
    high: float,
    is_better: bool | None,
    words: str,
) -> None:
    read(workflow, low, high, value=0.4, now=now)

    found = readiness.improving(workflow, late_after=LATE, now=now)

    assert found is not None
    assert found.is_better is is_better
    assert found.meets_aim is True
    assert words in found.says
    assert "v3" in found.says


def test_metric_above_the_aim_does_not_meet_it(
    workflow: Workflow, now: datetime
) -> None:
    read(workflow, -0.1, 0.1, value=0.55, now=now)

    found = readiness.improving(workflow, late_after=LATE, now=now + 2 * LATE)

    assert found is not None
    assert found.meets_aim is False
    assert found.is_late


def test_what_people_said_is_counted_and_found_again(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 3, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now, label="fraud")
    decide_unsure(claim(workflow, alice, now=now), alice, now=now)
    assert readiness.judged(workflow, now=now).fed_back_at is None
    run = _run(workflow, {"decision": 2, "outcome": 5}, now=now)

    found = readiness.judged(workflow, now=now)

    assert found.n == 3
    assert found.n_unsure == 1
    assert (found.run, found.n_labels) == (run.pk, 2)
    assert found.last_at == now


def test_labels_from_outside_alone_are_nothing_that_people_said(
    workflow: Workflow, now: datetime
) -> None:
    _run(workflow, {"outcome": 5}, now=now)

    assert readiness.judged(workflow, now=now).fed_back_at is None


def test_last_run_is_found_with_the_gates_of_its_versions(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    run = _run(workflow, {}, now=now)
    ModelVersion.objects.filter(pk=champion.pk).update(
        report={"training_run": str(run.pk)}
    )
    for verdict in (GateVerdict.TOO_FEW, GateVerdict.FAILED):
        GateReport.objects.create(
            model_version=champion, gates=[], results=[], verdict=verdict, at=now
        )

    found = readiness.trained(workflow)

    assert found is not None
    assert (found.pk, found.status) == (run.pk, "done")
    assert list(found.gates) == [("v1", "failed")]


def _run(workflow: Workflow, sources: dict[str, int], *, now: datetime) -> TrainingRun:
    snapshot = Snapshot.objects.create(
        workflow=workflow,
        as_of=now,
        filters={},
        status="ready",
        sha256="0" * 64,
        datasheet={"label_sources": sources},
        created_at=now,
        finished_at=now,
    )
    return TrainingRun.objects.create(
        workflow=workflow,
        snapshot=snapshot,
        trigger=Trigger.HAND,
        seed=1,
        fingerprint="f",
        status=RunStatus.DONE,
        created_at=now,
        ended_at=now,
    )


def test_rights_are_roles_live_keys_and_site_admins(
    workflow: Workflow, alice: User, root: User, now: datetime
) -> None:
    ApiKeyFactory.create(owner=alice, scope_id=workflow.pk)
    ApiKeyFactory.create(owner=alice, scope_id=workflow.pk, revoked_at=now)

    found = rights_in(workflow, now=now)

    assert [one["kind"] for one in found] == ["role", "key", "admin"]
    assert {one["holder"] for one in found} == {str(alice.pk), str(root.pk)}


def test_what_was_given_or_taken_since_is_counted(
    workflow: Workflow, alice: User, mallory: User, now: datetime
) -> None:
    then = rights_in(workflow, now=now)
    MembershipFactory.create(user=mallory, scope_id=workflow.pk, role=Role.ENGINEER)
    User.objects.filter(pk=alice.pk).update(name="Alice B.")
    after = rights_in(workflow, now=now)

    assert n_changed(then, then) == 0
    assert n_changed(then, after) == n_changed(after, then) == 1
    assert fingerprint(then) != fingerprint(after)
