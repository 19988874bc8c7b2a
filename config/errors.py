"""Answers to what no view could answer: pages, and problem details below `/api/`."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.views import defaults
from redis.exceptions import RedisError

from reviewqueue.api.problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, problem_of

AWAY = (OperationalError, InterfaceError, RedisError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 400) or defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 403) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 when a server behind us was away, else 500."""
    if isinstance(sys.exception(), AWAY):
        answer = _problem(request, 503) or HttpResponse(_page(), status=503)
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer
    return _problem(request, 500) or defaults.server_error(request)


def _page() -> str:
    # without the request: who asks is told by the very server that is away
    return get_template("503.html").render()


def _problem(request: HttpRequest, status: int) -> HttpResponse | None:
    if not request.path_info.startswith("/api/"):
        return None
    body = problem_of(status)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
