"""The people who must stand behind a champion."""

from datetime import datetime, timedelta

import pytest

from accounts.enums import Role
from accounts.models import User
from accounts.services import set_roles
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.queries.promotion import obstacles
from predictions.services.promotion import (
    GateWordRefused,
    GateWordTooLate,
    approve,
)
from tests.factories.predictions import make_model
from tests.lifecycle.guards import (
    SCHEMA,
    TWO,
    declare,
    move,
    refusal,
    report_of,
)

pytestmark = pytest.mark.django_db


def test_two_people_must_stand_behind_a_champion(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)
    move(version, Stage.SHADOW, now, erin)

    assert refusal(version, Stage.CHAMPION, now, erin) == (
        "approvals",
        "2 people must stand behind it, nobody approved so far.",
    )
    approve(version=version, report=report, reason="yes", by=erin, now=now)
    gate, words = refusal(version, Stage.CHAMPION, now, erin)
    assert gate == "approvals"
    assert words.endswith(f"{erin.display_name} approved so far.")

    move(version, Stage.CHAMPION, now, sam)


def test_approvals_end_with_a_week_and_with_a_newer_report(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)
    approve(version=version, report=report, reason="yes", by=sam, now=now)

    week = now + timedelta(days=7)
    assert _open(version, week, erin) == []
    assert _open(version, week + timedelta(seconds=1), erin) == ["approvals"]
    report_of(version, now + timedelta(hours=1))
    assert _open(version, now + timedelta(hours=1), erin) == ["approvals"]


def _open(version: ModelVersion, at: datetime, mover: User | None) -> list[str]:
    declared = Workflow.objects.get(pk=version.workflow_id).declaration
    found = obstacles(
        version=version, to=Stage.CHAMPION, mover=mover, declaration=declared, now=at
    )
    return [one.gate for one in found]


def test_approvals_count_without_gates_too(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, TWO)

    assert refusal(version, Stage.CHAMPION, now, erin)[0] == "approvals"
    approve(version=version, report=None, reason="yes", by=sam, now=now)
    move(version, Stage.CHAMPION, now, erin)


def test_a_program_is_not_a_person(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)
    approve(version=version, report=report, reason="yes", by=erin, now=now)
    sam.is_service = True

    assert refusal(version, Stage.CHAMPION, now, sam)[0] == "approvals"
    with pytest.raises(GateWordRefused):
        approve(version=version, report=report, reason="yes", by=sam, now=now)


def test_the_same_word_twice_is_one_and_a_champion_needs_none(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    report = report_of(version, now)

    first = approve(version=version, report=report, reason="yes", by=erin, now=now)
    assert first == approve(
        version=version, report=report, reason="yes", by=erin, now=now
    )
    move(version, Stage.CHAMPION, now)
    with pytest.raises(GateWordTooLate, match="champion already"):
        approve(version=version, report=report, reason="yes", by=erin, now=now)


def test_what_was_said_before_it_was_taken_back_puts_nothing_back(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)
    approve(version=version, report=report, reason="yes", by=erin, now=now)
    move(version, Stage.CHAMPION, now, sam)
    later = now + timedelta(hours=1)
    move(version, Stage.RETIRED, later, erin)

    assert refusal(version, Stage.CHAMPION, later, sam)[0] == "approvals"
    approve(version=version, report=report, reason="it was not it", by=erin, now=later)
    move(version, Stage.CHAMPION, later, sam)


def test_word_of_who_may_not_give_it_any_more_does_not_count(
    workflow: Workflow, erin: User, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, TWO)
    report = report_of(version, now)
    approve(version=version, report=report, reason="yes", by=erin, now=now)
    assert _open(version, now, sam) == []

    User.objects.filter(pk=erin.pk).update(is_active=False)
    assert _open(version, now, sam) == ["approvals"]
    User.objects.filter(pk=erin.pk).update(is_active=True)
    set_roles(
        user=erin, scope=workflow.scope, roles=[Role.REVIEWER], actor=None, now=now
    )
    assert _open(version, now, sam) == ["approvals"]
