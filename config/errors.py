"""Answers to what no view could answer: pages, and problem details below `/api/`."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from reviewqueue.api.problems import CONTENT_TYPE, problem_of


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 400) or defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 403) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _problem(request, 500) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int) -> HttpResponse | None:
    if not request.path_info.startswith("/api/"):
        return None
    body = problem_of(status)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
