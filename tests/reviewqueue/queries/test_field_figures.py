"""Figures of fields: what is corrected, and how far two readers agree."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.queries.field_figures import FieldFigures, field_figures
from reviewqueue.services.judging import Judgement
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.field_steps import (
    BOX,
    VALUES,
    champion_elsewhere,
    with_fields,
)
from tests.reviewqueue.services.steps import claim, open_cases, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(workflow: Workflow, settings: Any, now: datetime) -> Iterator[Workflow]:  # noqa: ANN401 -- a fixture
    model_health.forget_all()
    declared = with_fields(workflow, now=now)
    set_policy(declared, now=now, second_opinion_share=1.0)
    with champion_elsewhere(declared, settings, now=now):
        yield declared
    model_health.forget_all()


def judge(workflow: Workflow, person: User, now: datetime, **fields: object) -> None:
    case = claim(workflow, person, now=now)
    record(case, person, Judgement(label="legitimate", fields=fields), now=now)


def figures(workflow: Workflow, now: datetime) -> dict[str, FieldFigures]:
    found = field_figures(workflow, since=now - timedelta(1), until=now + timedelta(1))
    return {one.name: one for one in found}


def test_corrections_are_counted_shown_and_blind(
    entries: Workflow, alice: User, bob: User, now: datetime
) -> None:
    open_cases(entries, 2, now=now)
    judge(entries, alice, now)
    judge(entries, alice, now, batch=48)
    for _ in range(2):
        judge(entries, bob, now, **{**VALUES, "torque": 13.0})
    found = figures(entries, now)

    assert (found["batch"].shown.k, found["batch"].shown.n) == (1, 2)
    assert (found["batch"].blind.k, found["batch"].blind.n) == (0, 2)
    assert (found["torque"].shown.k, found["torque"].blind.k) == (0, 2)
    assert found["why"].shown.n == 0  # it is asked for with the other label


def test_two_readers_agree_field_by_field(
    entries: Workflow, alice: User, bob: User, now: datetime
) -> None:
    open_cases(entries, 2, now=now)
    judge(entries, alice, now, tool="hand", batch=1)
    judge(entries, alice, now, tool="robot", batch=9)
    moved = {**BOX, "x": 20.0}  # a third is common
    judge(entries, bob, now, **{**VALUES, "batch": 1, "tool": "hand"})
    judge(
        entries,
        bob,
        now,
        **{**VALUES, "batch": 9, "tool": "hand", "defects": [moved]},
    )
    found = figures(entries, now)

    assert found["batch"].coefficient.value == pytest.approx(1)
    assert found["batch"].measure == "alpha_interval"
    assert found["tool"].same.value == 0.5
    assert found["tool"].coefficient.value == pytest.approx(0)
    assert found["defects"].coefficient.value == pytest.approx((1 + 1 / 3) / 2)
    assert found["defects"].same.value == 0.5
    assert found["checked"].same.value == 1  # both left it empty
    assert {one.same.n_pairs for one in found.values()} == {0, 2}


def test_workflow_without_fields_has_no_figures(
    workflow: Workflow, now: datetime
) -> None:
    assert figures(workflow, now) == {}
