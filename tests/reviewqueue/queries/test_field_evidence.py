"""What is observed of fields is what the rows say, whatever happened in any order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from accounts.enums import Role
from accounts.models import User
from predictions.fields.comparing import same_value
from predictions.models import Workflow
from reviewqueue.enums import CaseKind, LabelSource, Queue, RouteKind
from reviewqueue.models import (
    Case,
    Decision,
    FieldObservation,
    Label,
    Observation,
    Route,
    Segment,
)
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.claims import TooManyLeases
from reviewqueue.services.decisions import (
    AmendRefused,
    UndoRefused,
    amend_decision,
    undo_decision,
)
from reviewqueue.services.judging import Judgement
from reviewqueue.services.observations import rebuild_observations
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.accounts import MembershipFactory
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.parts_steps import SURE, TWO_FIELDS, trusted
from tests.reviewqueue.services.steps import maybe_claim, record
from tests.reviewqueue.services.trust_steps import route

pytestmark = pytest.mark.django_db
# The tool is asked for with one label alone.
FIELDS = TWO_FIELDS + 'labels = ["legitimate"]\n'
TORQUES = (12.5, 12.54, 40.0, 99.0)
TOOLS = ("hand", "robot")
RECOMMENDED = {name: one["value"] for name, one in SURE.items()}


def said(random: Random, label: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if random.random() < 0.8:
        found["torque"] = random.choice(TORQUES)
    if label == "legitimate" and random.random() < 0.8:
        found["tool"] = random.choice(TOOLS)
    return found


def go_on(
    random: Random, workflow: Workflow, people: Sequence[User], *, now: datetime
) -> None:
    step = random.choice(("decide", "decide", "decide", "undo", "amend", "outcome"))
    label = random.choice(("legitimate", "legitimate", "fraud"))
    fields, person = said(random, label), random.choice(people)
    judgement = Judgement(label=label, fields=fields)
    past = list(Decision.objects.filter(workflow=workflow).order_by("id"))
    try:
        if step == "decide":
            queue = random.choice((Queue.REVIEW, Queue.ADJUDICATION))
            case = maybe_claim(workflow, person, now=now, queues=[queue])
            if case is not None:
                record(case, person, judgement, now=now)
        elif step == "outcome":
            routes = Route.objects.exclude(parts=None).order_by("pk")
            item = random.choice(list(routes)).item
            row = OutcomeRow(item.external_id, label, now, fields or None)
            record_outcomes(workflow=workflow, rows=[row], by=None, now=now)
        elif past and step == "undo":
            one = random.choice(past)
            undo_decision(decision_id=one.pk, by=one.reviewer, now=now)
        elif past:
            one = random.choice(past)
            amend_decision(
                decision_id=one.pk,
                by=one.reviewer,
                may_amend_others=False,
                judgement=judgement,
                reason="looked again",
                now=now,
            )
    except (AmendRefused, UndoRefused, FollowUpTaken, TooManyLeases):
        pass


def observed() -> dict[tuple[UUID, str], bool | None]:
    return {
        (one.item_id, one.segment.field): one.is_error
        for one in FieldObservation.objects.select_related("segment")
    }


def is_error(name: str, route: Route, workflow: Workflow) -> bool | None:
    """Read from the rows whether a field turned out to be wrong."""
    spec = next(one for one in workflow.declaration.fields if one.name == name)
    known: bool | None = None
    source = ""
    versions = Label.objects.filter(item=route.pk).order_by("version")
    for one in versions.select_related("decision", "outcome"):
        source = one.source
        if one.source == LabelSource.RETRACTED:
            known = None
        elif one.source != LabelSource.OUTCOME:
            assert one.decision is not None
            known = name in one.decision.corrected
        else:
            assert one.outcome is not None
            told = one.outcome.fields or {}
            if not spec.is_asked_with(one.label):
                known = False
            elif name in told:
                known = not same_value(spec, RECOMMENDED[name], told[name])
    blind = Decision.objects.filter(
        item=route.pk, case_kind=CaseKind.REVIEW, blind=True, corrected__contains=[name]
    )
    if source == LabelSource.DECISION and route.blind and blind.exists():
        return True
    return known


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_observations_are_what_the_rows_say(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    bob: User,
    carol: User,
    now: datetime,
    seed: int,
) -> None:
    random = Random(seed)
    for person in (alice, bob):
        MembershipFactory.create(
            user=person, scope_id=workflow.pk, role=Role.ADJUDICATOR
        )
    with trusted(workflow, settings, now=now, fields=FIELDS) as fields:
        half = {"level": 1, "review_probability": 0.5}
        Segment.objects.filter(field="torque", without_confidence=False).update(**half)
        set_policy(
            fields, mode="earned", now=now, blind_share=0.5, second_opinion_share=0.3
        )
        later = now + timedelta(minutes=1)
        route(fields, 16, start=900, now=later)
        # Which items are sent depends on their ids: go on until all three were met.
        for at in range(400):
            moment = later + timedelta(seconds=at)
            go_on(random, fields, (alice, bob, carol), now=moment)
            found = observed()
            if at >= 40 and {*found.values()} == {True, False, None}:
                break

        expected = {}
        for one in Route.objects.exclude(parts=None).filter(kind=RouteKind.REVIEW):
            assert one.parts is not None
            assert one.part_probabilities is not None
            asked = zip(one.parts, one.part_probabilities, strict=True)
            for pk, share in asked:
                name = Segment.objects.get(pk=pk).field
                if name and one.draw < share:
                    expected[one.pk, name] = is_error(name, one, fields)
        assert found == expected
        assert {*found.values()} == {True, False, None}
        n = Case.objects.filter(kind=CaseKind.REVIEW, route__parts__isnull=False)
        assert Observation.objects.count() == n.count()
        assert len(found) < 2 * n.count()
        assert rebuild_observations()
