"""Claims of people who are limited to sites, beside those of people who are not.

One million cases (a tenth in the quick run) over 200 sites. One claim of each kind in
turn, so that all meet the same queue and the same machine; what was claimed is closed.
The first hundred of each kind are not counted: plans and pages are warm after.
"""

import time
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import Scope, Site, User
from accounts.services_sites import declare_sites
from accounts.sites import Sites
from benchmarks.claims import TABLES, make_backlog
from benchmarks.results import Result, timed
from benchmarks.world import reviewers
from predictions.models import Workflow
from reviewqueue.enums import Queue
from reviewqueue.services.claims import claim_next_case

N_CASES = 1_000_000
N_SITES = 200
N_WARM = 100
N_CLAIMS = 2_000
KINDS = (1, 20, 200)

_SPREAD = """
UPDATE {table} SET site_id = (%(sites)s::uuid[])[1 + (hashtext({key}::text) & 127)
    + (hashtext({key}::text || 'x') & 63) + (hashtext({key}::text || 'y') & 7)]
WHERE workflow_id = %(workflow)s
"""
_KEYS = {
    "predictions_item": "id",
    "reviewqueue_route": "item_id",
    "reviewqueue_case": "item_id",
}
_CLOSE = """
UPDATE reviewqueue_case SET status = 'decided', closed_at = %(now)s,
    leased_by_id = NULL, lease_token = NULL, lease_slot = NULL, leased_at = NULL,
    lease_expires_at = NULL
WHERE id = %(case)s
"""


def run(*, quick: bool = False) -> list[Result]:
    """Time claims of people with 1, 20 and 200 sites, and without a limit."""
    n = N_CASES // 10 if quick else N_CASES
    workflow = make_backlog(n, now=timezone.now())
    sites = spread(workflow, now=timezone.now())
    people = reviewers(workflow, len(KINDS) + 1, now=timezone.now())
    limits: list[Sites] = [None]
    # The middle ones are the large ones.
    limits += [frozenset(one.pk for one in _middle(sites, k)) for k in KINDS]
    times: list[list[float]] = [[] for _ in limits]
    for place in range(N_WARM + (N_CLAIMS // 4 if quick else N_CLAIMS)):
        for found, person, limit in zip(times, people, limits, strict=True):
            seconds = _claim(workflow, person, limit)
            if place >= N_WARM:
                found.append(seconds)
    return [
        timed(
            f"claim at {k} of {N_SITES} sites, {n:,} behind",
            ours=found,
            raw=times[0],
            aim="as fast as without a limit",
        )
        for k, found in zip(KINDS, times[1:], strict=True)
    ]


def _middle(sites: list[Site], k: int) -> list[Site]:
    first = (len(sites) - k) // 2
    return sites[first : first + k]


def spread(workflow: Workflow, *, now: datetime) -> list[Site]:
    """Give every item of the workflow one of 200 sites, the middle ones the largest."""
    scope = Scope.objects.get(pk=workflow.pk)
    names = {f"s{number:03}": "" for number in range(N_SITES)}
    sites = declare_sites(scope=scope, names=names, actor=None, now=now)
    values = {"sites": [one.pk for one in sites], "workflow": workflow.pk}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in TABLES:
            cursor.execute(_SPREAD.format(table=table, key=_KEYS[table]), values)
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("CHECKPOINT")
    return sites


def _claim(workflow: Workflow, person: User, sites: Sites) -> float:
    began = time.perf_counter()
    case = claim_next_case(
        workflow=workflow,
        reviewer=person,
        queues=[Queue.REVIEW],
        now=timezone.now(),
        sites=sites,
    )
    seconds = time.perf_counter() - began
    assert case is not None
    _close(case.pk)
    return seconds


def _close(case_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, {"case": case_id, "now": timezone.now()})
