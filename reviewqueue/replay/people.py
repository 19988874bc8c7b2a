"""Simulated reviewers: they claim and decide through the services, at moments given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from accounts.enums import Role
from accounts.models import User
from accounts.services import create_service_account, grant_role
from predictions.models import Workflow
from reviewqueue.enums import Queue
from reviewqueue.models import Case
from reviewqueue.replay.options import Habits
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import record_decision
from reviewqueue.services.judging import Judgement

# Of the lease: who takes longer renews it, which is not what is replayed here.
LONGEST: Final = 0.9


@dataclass(slots=True)
class Worked:
    """What the reviewers did in one go, and when the last of them was through."""

    until: datetime
    n_decided: int = 0
    seconds: float = 0.0


def people_of(workflow: Workflow, *, n: int, now: datetime) -> list[User]:
    """Make the reviewers' accounts, with their role in the workflow."""
    people = []
    for number in range(1, n + 1):
        name = f"replay-{number}"
        user = User.objects.filter(username=name).first() or create_service_account(
            username=name, name=f"{name} (simulated)", actor=None, now=now
        )
        grant_role(
            user=user, scope=workflow.scope, role=Role.REVIEWER, actor=None, now=now
        )
        people.append(user)
    return people


def review_all(
    *,
    workflow: Workflow,
    people: Sequence[User],
    habits: Habits,
    truth: Mapping[str, str],
    rng: np.random.Generator,
    now: datetime,
) -> Worked:
    """Let everyone decide in turn until no case is left; all clocks begin at `now`."""
    done = Worked(until=now)
    clocks = [now] * len(people)
    longest = workflow.declaration.queue.lease_seconds * LONGEST
    while True:
        turn = min(range(len(people)), key=clocks.__getitem__)
        case = claim_next_case(
            workflow=workflow,
            reviewer=people[turn],
            queues=[Queue.REVIEW],
            now=clocks[turn],
        )
        if case is None:
            return done
        seconds = min(float(rng.lognormal(np.log(habits.seconds), 0.4)), longest)
        clocks[turn] += timedelta(seconds=seconds)
        done.until = max(done.until, clocks[turn])
        done.n_decided += 1
        done.seconds += seconds
        _decide(case, people[turn], habits, truth, rng, now=clocks[turn])


def _decide(
    case: Case,
    person: User,
    habits: Habits,
    truth: Mapping[str, str],
    rng: np.random.Generator,
    *,
    now: datetime,
) -> None:
    declaration = case.workflow.declaration
    shown = "" if case.blind else case.route.label
    label = judged(
        truth[case.item.external_id],
        shown=shown,
        label_keys=declaration.label_keys,
        habits=habits,
        rng=rng,
    )
    if case.lease_token is None:
        msg = f"case {case.pk} was claimed without a lease"
        raise ValueError(msg)
    codes = [code.key for code in declaration.reason_codes]
    overrides = bool(shown) and label != shown
    record_decision(
        case_id=case.pk,
        reviewer=person,
        lease_token=case.lease_token,
        judgement=Judgement(
            label=label, reason_code=codes[0] if overrides and codes else ""
        ),
        now=now,
    )


def judged(
    truth: str,
    *,
    shown: str,
    label_keys: Sequence[str],
    habits: Habits,
    rng: np.random.Generator,
) -> str:
    """Return the label that a person gives: their habits, and what they are shown."""
    if shown and shown != truth and rng.random() < habits.follows:
        return shown
    if rng.random() < habits.accuracy:
        return truth
    return str(rng.choice([key for key in label_keys if key != truth]))
