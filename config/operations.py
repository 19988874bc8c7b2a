"""Liveness, readiness and Prometheus metrics: for machines, without a sign-in."""

import os

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from redis.exceptions import RedisError

from config.gauges import Backlogs, Workers
from config.metrics_access import refusal
from config.telemetry import COLLECTORS


@login_not_required
@require_GET
def live(request: HttpRequest) -> JsonResponse:
    """Answer that the process serves requests; touches nothing else."""
    return JsonResponse({"status": "live"})


@login_not_required
@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and Valkey answer, else 503 naming the part."""
    parts = {"database": _database_answers(), "valkey": _valkey_answers()}
    is_ready = all(parts.values())
    body = {
        "status": "ready" if is_ready else "not ready",
        "parts": {name: "ok" if ok else "down" for name, ok in parts.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


@login_not_required
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Serve Prometheus metrics: what waits, and what processes registered."""
    if refused := refusal(request):
        return refused
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    state = CollectorRegistry()
    for collector in (Backlogs(), Workers(), *(one() for one in COLLECTORS)):
        state.register(collector)
    body = generate_latest(registry) + generate_latest(state)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _valkey_answers() -> bool:
    try:
        cache.get("health")
    except (RedisError, OSError):
        return False
    return True
