"""The dashboard, lists behind it, figures over the API and metrics, at a million items.

Over HTTP on loopback from one reader on a kept connection, after one request of each
kind to every web process: what a supervisor meets who looks again.
"""

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from uuid import uuid4

from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from accounts.permissions import KEY_PERMISSIONS
from accounts.services import create_service_account, grant_role
from accounts.services_keys import create_api_key
from benchmarks.million import three_months
from benchmarks.results import Result, timed
from benchmarks.wait_score import web_server
from predictions.models import Workflow

AIM = "< 300 ms"
N_WARM = 6


def run(*, n: int = 1_000_000, n_requests: int = 100) -> list[Result]:
    """Fill a workflow with `n` items and time what a supervisor opens."""
    now = timezone.now()
    workflow = three_months(n, until=now)
    person = create_service_account(username=f"sup-{uuid4().hex[:8]}", now=now)
    grant_role(
        user=person, scope=workflow.scope, role=Role.SUPERVISOR, actor=None, now=now
    )
    cookie, bearer = web_cookie(person), _bearer(person, workflow)
    page, api = f"/w/{workflow.slug}", f"/api/v1/workflows/{workflow.slug}"
    asked = {
        "dashboard, 30 days": (f"{page}/dashboard/", cookie),
        "dashboard, 90 days": (f"{page}/dashboard/?days=90", cookie),
        "dashboard, 90 days, one label": (
            f"{page}/dashboard/?days=90&label=fraud",
            cookie,
        ),
        "figures over the API, 30 days": (f"{api}/metrics", bearer),
        "decisions behind a rate, 90 days": (
            f"{page}/decisions/?readings=1&blind=0&judged=1&band=3",
            cookie,
        ),
        "a scrape of /metrics": ("/metrics", {}),
    }
    with static_files(), web_server() as port:
        return [
            time_requests(f"{name}, {n:,} items", port, path, headers, n_requests)
            for name, (path, headers) in asked.items()
        ]


@contextlib.contextmanager
def static_files() -> Iterator[None]:
    """Collect the static files for as long as the web server needs them."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_STATIC_ROOT"] = folder
        words = ["manage.py", "collectstatic", "--no-input", "--verbosity=0"]
        subprocess.run([sys.executable, *words], check=True)  # noqa: S603 -- ours
        yield
        del os.environ["COUNTERSIGN_STATIC_ROOT"]


def web_cookie(person: User) -> Mapping[str, str]:
    """Sign a person in, and return what the browser then sends."""
    client = Client()
    client.force_login(person)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}


def _bearer(person: User, workflow: Workflow) -> Mapping[str, str]:
    _, plain = create_api_key(
        owner=person,
        scope=workflow.scope,
        name="benchmark",
        verbs=KEY_PERMISSIONS,
        actor=None,
        now=timezone.now(),
    )
    return {"Authorization": f"Bearer {plain}"}


def time_requests(
    name: str,
    port: int,
    path: str,
    headers: Mapping[str, str],
    n: int,
    *,
    aim: str = AIM,
) -> Result:
    """Time `n` requests, after some that warm every process."""
    for _ in range(N_WARM):
        _ask_many(port, path, headers, 1)
    took = _ask_many(port, path, headers, n)
    return timed(name, ours=took, aim=aim)


def _ask_many(port: int, path: str, headers: Mapping[str, str], n: int) -> list[float]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as line:
        return [_ask(line, path, headers) for _ in range(n)]


def _ask(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
) -> float:
    started = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        msg = f"{path} answered {answer.status}"
        raise RuntimeError(msg)
    return time.perf_counter() - started
