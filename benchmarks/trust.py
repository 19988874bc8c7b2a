"""What stands on the evidence of a champion, with a million routed items.

Pages over HTTP on loopback, as `dashboard`; the watch, a grant and a what-if as the
services that a worker or a request calls, by processor time: that of this process and
of its connection's, which does not depend on what else the machine does. The plans of
the statements behind them go to standard error.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from accounts.enums import Role
from accounts.services import create_service_account, grant_role
from benchmarks.dashboard import static_files, time_requests, web_cookie
from benchmarks.results import Result, timed
from benchmarks.trust_world import earned
from benchmarks.wait_score import web_server
from predictions.models import Workflow
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.autonomy import grant
from reviewqueue.services.drift import watch_drift
from reviewqueue.services.trust_plans import terms_of
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.services.what_if import what_if

PAGE_AIM: Final = "< 300 ms"
PAGES: Final = {
    "trust page": ("trust/", PAGE_AIM),
    "reliance page": ("reliance/", PAGE_AIM),
    "repair page": ("repair/", PAGE_AIM),
    "gold page": ("gold/", PAGE_AIM),
    "what-if page": ("trust/what-if/", "< 2 s"),
}
TICKS: Final = 100  # a second of processor time, as the kernel counts it
N_CALLS: Final = 10
_AS_THEY_ARE: Final = {  # static files, for pages of this process
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}

type Call = Callable[[Workflow, datetime], object]


def run(*, quick: bool = False) -> list[Result]:
    """Fill a workflow with items, a fifth of them reviewed, and time it."""
    # With fewer there is no evidence for a grant.
    n, n_requests = (100_000, 20) if quick else (1_000_000, 100)
    now = timezone.now()
    workflow = earned(n, until=now)
    person = create_service_account(username=f"sup-{uuid4().hex[:8]}", now=now)
    grant_role(
        user=person, scope=workflow.scope, role=Role.SUPERVISOR, actor=None, now=now
    )
    cookie, results = web_cookie(person), []
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    for name, (path, _) in PAGES.items():
        with override_settings(STORAGES=settings.STORAGES | _AS_THEY_ARE):
            _explain(name, partial(_look, browser, f"/w/{workflow.slug}/{path}"))
    for name, (call, aim) in CALLS.items():
        _explain(name, partial(call, workflow, now))
        took = [_processor_seconds(call, workflow, now=now) for _ in range(N_CALLS)]
        results.append(timed(f"{name}, {n:,} items, CPU", ours=took, aim=aim))
    with static_files(), web_server() as port:
        for name, (path, aim) in PAGES.items():
            where = f"/w/{workflow.slug}/{path}"
            title = f"{name}, {n:,} items"
            results.append(
                time_requests(title, port, where, cookie, n_requests, aim=aim)
            )
    return results


def _look(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == HTTPStatus.OK


def _watch(workflow: Workflow, now: datetime) -> None:
    assert not watch_trust(workflow=workflow, now=now)


def _watch_drift(workflow: Workflow, now: datetime) -> None:
    assert not watch_drift(workflow=workflow, now=now)


def _grant(workflow: Workflow, now: datetime) -> None:
    """Grant the last step that is left, and take it back."""
    floor = len(plan_in_force(workflow).ladder) - 1
    segment = next(one for one in segments_in_force(workflow) if one.level < floor)
    with transaction.atomic():
        grant(
            workflow=workflow,
            segment_id=segment.pk,
            seen_level=segment.level,
            by=None,
            reason="benchmark",
            now=now,
        )
        transaction.set_rollback(True)


def _what_if(workflow: Workflow, now: datetime) -> None:
    terms = terms_of(plan_in_force(workflow))
    what_if(workflow=workflow, terms=terms, costs=workflow.declaration.costs, now=now)


CALLS: Final[Mapping[str, tuple[Call, str]]] = {
    "watch of trust, a workflow": (_watch, "< 1 s"),
    "watch of drift, a workflow": (_watch_drift, "< 1 s"),
    "a grant": (_grant, ""),
    "what-if": (_what_if, "< 2 s"),
}


def _processor_seconds(call: Call, workflow: Workflow, *, now: datetime) -> float:
    """Measure a call in this process and in the database's, which works alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    ours, theirs = time.process_time(), _used(backend)
    call(workflow, now)
    return time.process_time() - ours + _used(backend) - theirs


def _used(process: int) -> float:
    text = Path(f"/proc/{process}/stat").read_text()
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def _explain(name: str, call: Callable[[], object]) -> None:
    """Make a call, and write the plans of what it reads that takes 10 ms or more."""
    with _plans() as plans:
        call()
    for seconds, plan in plans:
        sys.stderr.write(f"bench: {name}: {seconds * 1000:.0f} ms\n{plan}\n")


@contextmanager
def _plans() -> Iterator[list[tuple[float, str]]]:
    found: list[tuple[float, str]] = []

    def explain(
        execute: Callable[..., Any],
        sql: str,
        params: object,
        many: bool,
        context: Mapping[str, Any],
    ) -> object:
        began = time.perf_counter()
        answer = execute(sql, params, many, context)
        seconds = time.perf_counter() - began
        if seconds >= 0.01 and sql.lstrip().startswith(("SELECT", "WITH")):
            found.append((seconds, _plan(sql, params)))
        return answer

    with connection.execute_wrapper(explain):
        yield found


def _plan(sql: str, params: Any) -> str:  # noqa: ANN401 -- as Django has it
    raw = connection.connection.cursor()
    raw.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
    return "\n".join(row[0] for row in raw.fetchall())
