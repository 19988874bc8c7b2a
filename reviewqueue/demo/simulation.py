"""Simulated reviewers: they work through the real services, at moments in the past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import CaseKind, Queue
from reviewqueue.models import Case
from reviewqueue.services.adjudication import Resolution
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Recorded, escalate_case, record_decision
from reviewqueue.services.judging import Judgement

type Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SimulatedReviewer:
    """A reviewer with habits; shares in 0..1.

    `accuracy`: how often they see the truth. `follows`: how often they go along with
    a recommendation that they see, without looking (automation bias).
    """

    user: User
    accuracy: float
    follows: float
    seconds: float
    queues: tuple[Queue, ...] = (Queue.REVIEW,)


def work_through(
    *,
    workflow: Workflow,
    reviewers: Sequence[SimulatedReviewer],
    truth: Mapping[str, str],
    fields: Mapping[str, Fields],
    rng: np.random.Generator,
    start: datetime,
    max_cases: int,
) -> int:
    """Let reviewers decide in turn until nothing is left for them; count decisions.

    `truth` maps external ids to labels, and `fields` to what else is true. Each
    reviewer's clock begins at `start`.
    """
    clocks = dict.fromkeys(range(len(reviewers)), start)
    busy = set(clocks)
    n_decided = 0
    while busy and n_decided < max_cases:
        turn = min(busy, key=lambda i: clocks[i])
        seconds = float(rng.lognormal(np.log(reviewers[turn].seconds), 0.5))
        recorded = _decide_one(
            workflow=workflow,
            reviewer=reviewers[turn],
            truth=truth,
            fields=fields,
            rng=rng,
            now=clocks[turn],
            seconds=seconds,
        )
        if recorded is None:
            busy.discard(turn)
            continue
        n_decided += 1
        clocks[turn] += timedelta(seconds=seconds + 2)
        for other in _wanted_next(recorded.resolution, reviewers):
            busy.add(other)
            clocks[other] = max(clocks[other], clocks[turn])
    return n_decided


def _wanted_next(
    resolution: Resolution, reviewers: Sequence[SimulatedReviewer]
) -> list[int]:
    """Name those for whom a decision may have opened a case."""
    opened = {
        Queue.REVIEW: resolution.needs_second,
        Queue.ADJUDICATION: resolution.needs_adjudication,
    }
    return [
        index
        for index, reviewer in enumerate(reviewers)
        if any(opened[queue] for queue in reviewer.queues)
    ]


def pass_upwards(
    *, workflow: Workflow, reviewer: SimulatedReviewer, n: int, now: datetime
) -> None:
    """Let a reviewer escalate the next cases, so that an adjudicator has work."""
    for minutes in range(n):
        moment = now + timedelta(minutes=minutes)
        case = claim_next_case(
            workflow=workflow,
            reviewer=reviewer.user,
            queues=reviewer.queues,
            now=moment,
        )
        if case is None or case.lease_token is None:
            return
        escalate_case(
            case_id=case.pk,
            holder=reviewer.user,
            lease_token=case.lease_token,
            reason="The values point both ways: please have a look.",
            now=moment + timedelta(seconds=reviewer.seconds),
        )


def _decide_one(
    *,
    workflow: Workflow,
    reviewer: SimulatedReviewer,
    truth: Mapping[str, str],
    fields: Mapping[str, Fields],
    rng: np.random.Generator,
    now: datetime,
    seconds: float,
) -> Recorded | None:
    case = claim_next_case(
        workflow=workflow, reviewer=reviewer.user, queues=reviewer.queues, now=now
    )
    if case is None or case.lease_token is None:
        return None
    external_id = case.item.external_id
    seen = fields.get(external_id, {})
    return record_decision(
        case_id=case.pk,
        reviewer=reviewer.user,
        lease_token=case.lease_token,
        judgement=_judge(case, reviewer, truth[external_id], seen, rng),
        now=now + timedelta(seconds=seconds),
    )


def _judge(
    case: Case,
    reviewer: SimulatedReviewer,
    truth: str,
    fields: Fields,
    rng: np.random.Generator,
) -> Judgement:
    declaration = case.workflow.declaration
    if case.kind != CaseKind.ADJUDICATION and rng.random() < 0.01:
        return Judgement(verdict="unsure")
    recommended = "" if case.blind else case.route.label
    if recommended and rng.random() < reviewer.follows:
        return Judgement(label=recommended)
    label = truth
    if rng.random() > reviewer.accuracy:
        others = [key for key in declaration.label_keys if key != truth]
        label = str(rng.choice(others))
    codes = [code.key for code in declaration.reason_codes]
    overrides = bool(recommended) and label != recommended
    reason = str(rng.choice(codes)) if overrides and codes else ""
    drawn = fields if fields and label == truth else None
    return Judgement(label=label, reason_code=reason, fields=drawn)
