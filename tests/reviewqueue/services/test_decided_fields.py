"""Decisions that hold fields: what stands, what corrects, what becomes true."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from predictions.models import PredictedFields, Workflow
from predictions.services import model_health
from reviewqueue.enums import Queue
from reviewqueue.models import Case, Decision, Label, Route
from reviewqueue.services.decisions import Recorded, amend_decision, undo_decision
from reviewqueue.services.judging import InvalidDecision, Judgement
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.field_steps import (
    BOX,
    HEARD,
    SAID,
    VALUES,
    champion_elsewhere,
    with_fields,
)
from tests.reviewqueue.services.steps import claim, open_cases, record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _breakers_closed() -> Iterator[None]:
    model_health.forget_all()
    yield
    model_health.forget_all()


@pytest.fixture
def entries(workflow: Workflow, settings: Any, now: datetime) -> Iterator[Workflow]:  # noqa: ANN401 -- a fixture
    """A workflow with fields, and a model that fills them in."""
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, now=now):
        yield declared


def judge(
    workflow: Workflow,
    person: User,
    *,
    now: datetime,
    verdict: str = "",
    label: str = "",
    queue: Queue = Queue.REVIEW,
    **fields: object,
) -> Recorded:
    case = claim(workflow, person, now=now, queues=[queue])
    return record(
        case,
        person,
        Judgement(verdict=verdict, label=label, fields=fields or None),
        now=now,
    )


def refused(*args: Any, **kwargs: Any) -> list[tuple[str, str, object]]:  # noqa: ANN401 -- as `judge`
    with pytest.raises(InvalidDecision) as refusal:
        judge(*args, **kwargs)
    return [(one.field, one.rule, one.value) for one in refusal.value.errors]


def test_what_the_model_says_is_stored_with_its_prediction(
    entries: Workflow, now: datetime
) -> None:
    [case] = open_cases(entries, 1, now=now)
    stored = PredictedFields.objects.get(prediction=case.route.prediction)

    assert stored.values == VALUES
    assert stored.confidences == {"torque": 0.95, "batch": 0.6, "defects": 0.8}
    assert stored.evidence == {"batch": HEARD}


def test_confirming_is_all_fields_as_recommended(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    decision = judge(entries, alice, verdict="confirm", now=now).decision

    assert (decision.verdict, decision.label) == ("confirm", "legitimate")
    assert (decision.fields, decision.corrected) == (VALUES, [])
    assert Label.objects.get().fields == VALUES


def test_correcting_touches_only_what_is_wrong(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    decision = judge(
        entries, alice, label="legitimate", batch=48, tool=None, now=now
    ).decision

    assert decision.verdict == "override"
    assert decision.corrected == ["batch", "tool"]
    assert decision.fields == {"torque": 12.5, "batch": 48, "defects": [BOX]}


@pytest.mark.parametrize(
    ("torque", "verdict"), [(12.55, "confirm"), (12.45, "confirm"), (12.56, "override")]
)
def test_what_is_within_tolerance_confirms(
    entries: Workflow, alice: User, now: datetime, torque: float, verdict: str
) -> None:
    open_cases(entries, 1, now=now)
    decision = judge(
        entries, alice, label="legitimate", torque=torque, now=now
    ).decision

    assert decision.verdict == verdict
    assert decision.fields["torque"] == torque


def test_another_label_is_asked_for_its_own_fields(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)

    assert refused(entries, alice, label="fraud", now=now) == [
        ("fields.why", "missing", None)
    ]
    case = Case.objects.get()
    decision = record(
        case, alice, Judgement(label="fraud", fields={"why": "bent"}), now=now
    ).decision
    assert decision.fields == {**VALUES, "why": "bent"}
    assert decision.corrected == ["why"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"torque": 500}, ("fields.torque", "range", 500)),
        ({"torque": "12"}, ("fields.torque", "type", "12")),
        ({"torque": None}, ("fields.torque", "missing", None)),
        ({"why": "bent"}, ("fields.why", "not_asked", "bent")),
        ({"speed": 1}, ("fields.speed", "unknown_field", None)),
        ({"tool": "axe"}, ("fields.tool", "value", "axe")),
        ({"defects": [{**BOX, "w": 0}]}, ("fields.defects.0.w", "range", 0)),
        ({"defects": [BOX] * 5}, ("fields.defects", "too_many", 5)),
    ],
)
def test_refusal_names_field_rule_and_value(
    entries: Workflow,
    alice: User,
    now: datetime,
    fields: dict[str, object],
    expected: tuple[str, str, object],
) -> None:
    open_cases(entries, 1, now=now)

    assert refused(entries, alice, label="legitimate", now=now, **fields) == [expected]
    assert not Decision.objects.exists()


def test_confirmation_with_another_value_is_none(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)

    assert refused(entries, alice, verdict="confirm", batch=48, now=now) == [
        ("fields.batch", "confirm", 48)
    ]


def test_unsure_holds_nothing(entries: Workflow, alice: User, now: datetime) -> None:
    open_cases(entries, 1, now=now)

    assert refused(entries, alice, verdict="unsure", batch=48, now=now) == [
        ("fields", "not_allowed", None)
    ]


def test_blind_case_is_asked_for_everything(
    entries: Workflow, alice: User, now: datetime
) -> None:
    set_policy(entries, now=now, blind_share=1.0)
    open_cases(entries, 1, now=now)

    assert refused(entries, alice, label="legitimate", now=now) == [
        ("fields.torque", "missing", None)
    ]
    case = Case.objects.get()
    decision = record(
        case,
        alice,
        Judgement(label="legitimate", fields={**VALUES, "batch": None}),
        now=now,
    ).decision
    assert (decision.blind, decision.verdict) == (True, "override")
    assert decision.corrected == ["batch"]


def test_blind_case_that_says_the_same_confirms(
    entries: Workflow, alice: User, now: datetime
) -> None:
    set_policy(entries, now=now, blind_share=1.0)
    open_cases(entries, 1, now=now)
    near = {**VALUES, "defects": [{**BOX, "x": 12}]}
    decision = judge(entries, alice, label="legitimate", now=now, **near).decision

    assert (decision.verdict, decision.corrected) == ("confirm", [])


def test_amendment_keeps_what_it_does_not_name(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    first = judge(entries, alice, label="legitimate", batch=48, now=now).decision
    second = amend_decision(
        decision_id=first.pk,
        by=alice,
        may_amend_others=False,
        judgement=Judgement(label="legitimate", fields={"tool": "robot"}),
        reason="looked again",
        now=now,
    ).decision

    assert second.fields == {**VALUES, "batch": 48, "tool": "robot"}
    assert second.corrected == ["batch", "tool"]
    assert Label.objects.get(version=2).fields == second.fields


def test_undo_takes_the_fields_back(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    decision = judge(entries, alice, verdict="confirm", now=now).decision
    undo_decision(decision_id=decision.pk, by=alice, now=now)

    assert Label.objects.get(version=2).fields is None


@pytest.mark.parametrize(("batch", "differ"), [(47, False), (48, True)])
def test_readers_who_differ_in_a_field_need_an_adjudicator(
    entries: Workflow, alice: User, bob: User, now: datetime, batch: int, differ: bool
) -> None:
    set_policy(entries, now=now, second_opinion_share=1.0)
    open_cases(entries, 1, now=now)
    judge(entries, alice, verdict="confirm", now=now)
    second = judge(
        entries, bob, label="legitimate", now=now, **{**VALUES, "batch": batch}
    )

    assert second.resolution.needs_adjudication is differ
    assert Label.objects.exists() is not differ


def test_nothing_recommended_is_nothing_corrected(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    now: datetime,
) -> None:
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, None, now=now):
        open_cases(declared, 1, now=now)
    decision = judge(declared, alice, label="legitimate", torque=3, now=now).decision

    assert not PredictedFields.objects.exists()
    assert (decision.verdict, decision.corrected) == ("confirm", [])
    assert decision.fields == {"torque": 3.0, "defects": []}


@pytest.mark.parametrize(
    "said",
    [
        {"torque": {"value": "12"}},
        {"torque": {"value": 500}},
        {"torque": {"value": 12, "confidence": 1.5}},
        {"torque": {"value": 12, "evidence": []}},
        {"torque": 12},
        {"speed": {"value": 1}},
        {"defects": {"value": [{"x": 1}]}},
        [],
    ],
)
def test_nonsense_goes_to_people_with_the_reason(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
    said: object,
) -> None:
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, said, SAID, now=now):
        open_cases(declared, 2, now=now)

    assert sorted(Route.objects.values_list("reason", flat=True)) == [
        "model_failed",
        "uncalibrated",
    ]
    assert PredictedFields.objects.count() == 1


def test_fields_that_are_not_declared_are_refused(
    workflow: Workflow, champion: object, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)

    assert refused(workflow, alice, label="fraud", torque=1, now=now) == [
        ("fields", "not_declared", None)
    ]


def _outcome(
    workflow: Workflow, now: datetime, label: str = "legitimate", **fields: object
) -> list[tuple[str, str]]:
    row = OutcomeRow("tx-0", label, now, fields or None)
    found = record_outcomes(workflow=workflow, rows=[row], by=None, now=now)
    return [(e.field, e.rule) for one in found.refused for e in one.errors]


def test_late_truth_says_some_of_the_fields(
    entries: Workflow, alice: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    judge(entries, alice, verdict="confirm", now=now)

    assert _outcome(entries, now, batch=50) == []
    assert Label.objects.get(version=2).fields == {**VALUES, "batch": 50}
    assert _outcome(entries, now, batch=50) == []
    assert _outcome(entries, now, batch=51) == [("fields", "said_otherwise_before")]
    assert _outcome(entries, now + timedelta(1), torque=999) == [
        ("fields.torque", "range")
    ]
    assert _outcome(entries, now + timedelta(1), "fraud", why="x") == []
    assert Label.objects.get(version=3).fields == {"why": "x"}


def _decision(case_id: UUID, **changes: object) -> None:
    first = Decision.objects.get(case_id=case_id, round=1)
    first.round, first._state.adding = 2, True
    for name, value in changes.items():
        setattr(first, name, value)
    first.id = Decision._meta.pk.get_default()
    with transaction.atomic():
        first.save(force_insert=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "confirm", "corrected": ["batch"]},
        {"verdict": "override", "corrected": []},
        {"verdict": "unsure", "label": "", "fields": {}},
        {"verdict": "unsure", "label": "", "fields": None, "corrected": ["batch"]},
    ],
)
def test_database_holds_to_what_verdicts_mean(
    entries: Workflow, alice: User, now: datetime, changes: dict[str, object]
) -> None:
    open_cases(entries, 1, now=now)
    decision = judge(entries, alice, verdict="confirm", now=now).decision

    _decision(decision.case_id, verdict="override", corrected=["batch"])
    with pytest.raises(IntegrityError):
        _decision(decision.case_id, **{"round": 3, **changes})
