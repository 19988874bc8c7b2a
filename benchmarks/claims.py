"""Claim and decide with many items behind, beside one raw statement each.

Twenty reviewers, threads of two processes, each with its own connection. Paced: each
claims and decides twice a second, far faster than people do, so that what is measured
is the time of a call and not of waiting for a processor. Flat out: as fast as it goes.
The raw peer claims by `UPDATE … SKIP LOCKED` and decides by `UPDATE` and `INSERT`, on
the same rows in the same run.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from benchmarks.results import Result, timed
from benchmarks.world import bench_workflow, reviewers
from predictions.models import Workflow
from reviewqueue.enums import Queue
from reviewqueue.models import Policy
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import record_decision
from reviewqueue.services.judging import Judgement

SIZES = (10_000, 100_000, 1_000_000)
N_REVIEWERS = 20
N_PROCESSES = 2
PAUSE_SECONDS = 0.5


@dataclass
class Times:
    """Seconds of every claim and every decision, and of the whole."""

    claims: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """What one process does: its reviewers, how, how often, how fast."""

    workflow_pk: UUID
    people: tuple[UUID, ...]
    is_raw: bool
    n_rounds: int
    pause_seconds: float


def run(*, quick: bool = False) -> list[Result]:
    """Time claims and decisions behind 10,000, 100,000 and 1,000,000 cases."""
    results = []
    for size in SIZES[:2] if quick else SIZES:
        workflow = make_backlog(size, now=timezone.now())
        results += _measure(workflow, size=size, n_rounds=10 if quick else 30)
    return results


def _measure(workflow: Workflow, *, size: int, n_rounds: int) -> list[Result]:
    people = reviewers(workflow, N_REVIEWERS, now=timezone.now())
    context = get_context("spawn")
    with ProcessPoolExecutor(N_PROCESSES, mp_context=context) as pool:
        jobs = _Jobs(workflow, [person.pk for person in people], n_rounds, pool)
        jobs.run(is_raw=False, pause_seconds=0.0)  # pools and pages are warm after
        ours = jobs.run(is_raw=False, pause_seconds=PAUSE_SECONDS)
        raw = jobs.run(is_raw=True, pause_seconds=PAUSE_SECONDS)
        flat = jobs.run(is_raw=False, pause_seconds=0.0)
        flat_raw = jobs.run(is_raw=True, pause_seconds=0.0)
    rate = len(flat.claims) / flat.seconds
    raw_rate = len(flat_raw.claims) / flat_raw.seconds
    aim = "p99 ≤ 10 ms"
    return [
        timed(f"claim, {size:,} behind", ours=ours.claims, raw=raw.claims, aim=aim),
        timed(
            f"decide, {size:,} behind", ours=ours.decisions, raw=raw.decisions, aim=aim
        ),
        Result(
            f"claim and decide flat out, {size:,} behind",
            n=len(flat.claims),
            ours=rate,
            raw=raw_rate,
            ratio=rate / raw_rate,
            unit="pairs/s",
        ),
    ]


@dataclass(frozen=True)
class _Jobs:
    workflow: Workflow
    people: list[UUID]
    n_rounds: int
    pool: ProcessPoolExecutor

    def run(self, *, is_raw: bool, pause_seconds: float) -> Times:
        """Let all reviewers work in both processes; gather their times."""
        share = len(self.people) // N_PROCESSES
        jobs = [
            Job(
                self.workflow.pk,
                tuple(self.people[i * share : (i + 1) * share]),
                is_raw,
                self.n_rounds,
                pause_seconds,
            )
            for i in range(N_PROCESSES)
        ]
        total = Times()
        for one in self.pool.map(work, jobs):
            total.claims += one.claims
            total.decisions += one.decisions
            total.seconds = max(total.seconds, one.seconds)
        return total


def work(job: Job) -> Times:
    """Run one process's reviewers, each in a thread."""
    workflow = Workflow.objects.get(pk=job.workflow_pk)
    people = list(User.objects.filter(pk__in=job.people))
    times = Times()
    barrier = threading.Barrier(len(people) + 1)

    def review(person: User, place: int) -> None:
        step = _raw_step if job.is_raw else _service_step
        step(workflow, person)  # connects, prepares
        barrier.wait(timeout=60)
        time.sleep(job.pause_seconds * place / len(people))
        for _ in range(job.n_rounds):
            began = time.perf_counter()
            claimed, decided = step(workflow, person)
            times.claims.append(claimed)
            times.decisions.append(decided)
            left = job.pause_seconds - (time.perf_counter() - began)
            time.sleep(max(left, 0.0))
        connection.close()

    threads = [
        threading.Thread(target=review, args=(person, place))
        for place, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    barrier.wait(timeout=60)
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    times.seconds = time.perf_counter() - began
    return times


type Step = Callable[[Workflow, User], tuple[float, float]]


def _service_step(workflow: Workflow, person: User) -> tuple[float, float]:
    began = time.perf_counter()
    case = claim_next_case(
        workflow=workflow, reviewer=person, queues=[Queue.REVIEW], now=timezone.now()
    )
    claimed = time.perf_counter()
    assert case is not None
    assert case.lease_token is not None
    record_decision(
        case_id=case.pk,
        reviewer=person,
        lease_token=case.lease_token,
        judgement=Judgement(label="fraud"),
        now=timezone.now(),
    )
    return claimed - began, time.perf_counter() - claimed


_RAW_CLAIM = """
UPDATE reviewqueue_case SET status = 'leased', leased_by_id = %(person)s,
    lease_token = %(token)s, lease_slot = 1, leased_at = %(now)s,
    lease_expires_at = %(expires)s
WHERE id = (SELECT id FROM reviewqueue_case
            WHERE workflow_id = %(workflow)s AND queue = 'review'
              AND status IN ('pending', 'leased')
              AND (status = 'pending' OR lease_expires_at <= %(now)s)
            ORDER BY priority DESC, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, item_id
"""
_RAW_DECIDE = """
UPDATE reviewqueue_case SET status = 'decided', closed_at = %(now)s,
    leased_by_id = NULL, lease_token = NULL, lease_slot = NULL, leased_at = NULL,
    lease_expires_at = NULL
WHERE id = %(case)s AND lease_token = %(token)s
"""
_RAW_INSERT = """
INSERT INTO reviewqueue_decision (id, workflow_id, case_id, round, item_id, case_kind,
    reviewer_id, verdict, label, reason_code, note, blind, recommended_label,
    claimed_at, opened_at, decided_at)
VALUES (%(id)s, %(workflow)s, %(case)s, 1, %(item)s, 'review', %(person)s, 'override',
    'fraud', '', '', false, '', %(now)s, %(now)s, %(now)s)
"""


def _raw_step(workflow: Workflow, person: User) -> tuple[float, float]:
    now = timezone.now()
    values = {
        "workflow": workflow.pk,
        "person": person.pk,
        "token": uuid4(),
        "now": now,
        "expires": now + timedelta(minutes=5),
        "id": uuid7(),
    }
    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(_RAW_CLAIM, values)
        case, item = cursor.fetchone()
        claimed = time.perf_counter()
        with transaction.atomic():
            cursor.execute(_RAW_DECIDE, {**values, "case": case})
            cursor.execute(_RAW_INSERT, {**values, "case": case, "item": item})
        return claimed - began, time.perf_counter() - claimed


_ITEMS = """
INSERT INTO predictions_item (id, workflow_id, external_id, subject, features,
    warnings, occurred_at, received_at, content_hash, source, workflow_version)
SELECT uuidv7(), %(workflow)s, 'tx-' || g, '', '{"amount": 10}', '[]', %(now)s,
    %(now)s, '\\x00', 'api', 1 FROM generate_series(1, %(n)s) g
"""
_ROUTES = """
INSERT INTO reviewqueue_route (item_id, workflow_id, kind, reason, label, policy_id,
    review_probability, draw, blind, second_opinion, routed_at)
SELECT id, workflow_id, 'review', 'no_champion', '', %(policy)s, 1, 0.5, false, false,
    %(now)s FROM predictions_item WHERE workflow_id = %(workflow)s
"""
_CASES = """
INSERT INTO reviewqueue_case (id, workflow_id, item_id, route_id, kind, queue, status,
    round, blind, priority, due_at, created_at)
SELECT uuidv7(), workflow_id, item_id, item_id, 'review', 'review', 'pending', 1,
    false, random() * 100, %(now)s + random() * interval '1 day', %(now)s
FROM reviewqueue_route WHERE workflow_id = %(workflow)s
"""
TABLES = ("predictions_item", "reviewqueue_route", "reviewqueue_case")


def make_backlog(n: int, *, now: datetime) -> Workflow:
    """Make a workflow with `n` waiting cases inside the database, triggers off."""
    workflow = bench_workflow(now=now)
    policy = Policy.objects.get(workflow=workflow)
    values = {"workflow": workflow.pk, "policy": policy.pk, "n": n, "now": now}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_ITEMS, _ROUTES, _CASES):
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"VACUUM ANALYZE {name}")
        cursor.execute("CHECKPOINT")
    return workflow
