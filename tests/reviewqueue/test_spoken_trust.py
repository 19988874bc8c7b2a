"""Spoken entries earn trust part by part, from the recording to the withdrawal."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import MoveCause, PolicyMode, RouteKind
from reviewqueue.models import Route, Segment, TrustMove
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services import segment_cuts
from reviewqueue.services.autonomy import grant
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.policies import TERMS, PolicyTerms, put_policy
from reviewqueue.services.trust_plans import put_plan, terms_of
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.trust.bounds import reviews_needed
from tests.factories.speech import (
    make_speech_champion,
    make_speech_workflow,
    said,
    store_recording,
)
from tests.reviewqueue.services.steps import maybe_claim, record

pytestmark = pytest.mark.django_db
N_CUT = 4
ENOUGH_TO_TELL = 10  # errors in a row that raise the alarm
TOLERATED = 0.5
RATES = {"batch": TOLERATED, "torque": TOLERATED}


@pytest.fixture
def workflow(db: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    monkeypatch.setattr(segment_cuts, "MIN_PREDICTIONS", N_CUT)
    return make_speech_workflow(
        now=now, changes={"blind_share = 0.02": "blind_share = 0"}
    )


@pytest.fixture
def champion(workflow: Workflow, alice: User, now: datetime) -> ModelVersion:
    return make_speech_champion(workflow, by=alice, now=now - timedelta(hours=1))


def follow(workflow: Workflow, by: User, *, now: datetime) -> None:
    """Follow what is earned: half of all tolerated as errors, one band a part."""
    policy = policy_in_force(workflow)
    terms = {name: getattr(policy, name) for name in TERMS}
    put_policy(
        workflow=workflow,
        terms=PolicyTerms(**(terms | {"mode": PolicyMode.EARNED})),
        by=by,
        reason="as earned",
        now=now,
    )
    asked = replace(
        terms_of(plan_in_force(workflow)),
        evidence="all",
        edges=[],
        delta=0.5,
        alpha=0.05,
        tolerated=dict.fromkeys(workflow.declaration.label_keys, TOLERATED),
        # nobody said a count in these recordings: it holds nothing back
        tolerated_fields={**RATES, "count": 1.0},
        min_reviews=3,
    )
    put_plan(workflow=workflow, terms=asked, by=by, reason="for the test", now=now)


numbers = count()


def speak(workflow: Workflow, by: User, n: int, *, now: datetime) -> None:
    """Store and route `n` recordings: batch four seven, torque one two point five."""
    for _ in range(n):
        name = f"spoken-{next(numbers)}"
        store_recording(workflow, said(), external_id=name, by=by, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def confirm(
    workflow: Workflow, person: User, *, now: datetime, **fields: object
) -> int:
    """Decide every case that waits; with `fields`, correct these."""
    n = 0
    while case := maybe_claim(workflow, person, now=now):
        record(case, person, Judgement(label="entry", fields=fields), now=now)
        n += 1
    return n


def part(workflow: Workflow, field: str) -> Segment:
    label = "" if field else "entry"
    return next(
        one
        for one in segments_in_force(workflow)
        if (one.field, one.label, one.without_confidence) == (field, label, False)
    )


def step_down(workflow: Workflow, field: str, by: User, *, now: datetime) -> TrustMove:
    segment = part(workflow, field)
    return grant(
        workflow=workflow,
        segment_id=segment.pk,
        seen_level=segment.level,
        by=by,
        reason="clean",
        now=now,
    )


def test_entries_pass_when_label_and_fields_have_earned_it_and_one_field_loses_it(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    begin = now - timedelta(minutes=5)
    follow(workflow, alice, now=begin)
    speak(workflow, alice, N_CUT, now=begin)
    names = ("", "batch", "torque")
    enough = max(
        reviews_needed(0, rate=TOLERATED, delta=0.5 * part(workflow, name).own_share)
        or 0
        for name in names
    )
    speak(workflow, alice, enough, now=now)
    assert confirm(workflow, alice, now=now) == N_CUT + enough
    for name in ("", "batch"):
        step_down(workflow, name, alice, now=now)

    # the torque has not been granted yet: people see everything
    later = now + timedelta(minutes=1)
    speak(workflow, alice, 4, now=later)
    assert confirm(workflow, alice, now=later) == 4
    step_down(workflow, "torque", alice, now=later)
    end = later + timedelta(minutes=1)
    sent = Route.objects.filter(routed_at=end)
    while sent.filter(kind=RouteKind.REVIEW).count() < ENOUGH_TO_TELL:
        speak(workflow, alice, 8, now=end)
    kinds = list(sent.values_list("kind", flat=True))
    assert kinds.count(RouteKind.AUTO) > 0

    # every torque that people meet now was misheard
    assert confirm(workflow, alice, now=end, torque=1.5) == kinds.count(
        RouteKind.REVIEW
    )
    moves = watch_trust(workflow=workflow, now=end)

    assert [(one.segment.field, one.cause) for one in moves] == [
        ("torque", MoveCause.ALARM)
    ]
    assert {name: part(workflow, name).level for name in names} == {
        "": 1,
        "batch": 1,
        "torque": 0,
    }
    after = end + timedelta(minutes=1)
    speak(workflow, alice, 3, now=after)
    last = Route.objects.filter(routed_at=after)
    assert {tuple(one.part_probabilities or ()) for one in last} == {(0.5, 0.5, 1.0)}
    assert {one.kind for one in last} == {RouteKind.REVIEW}
