"""One line a request: its page, its ids, and who asked; no address, no path, no query.

A path may hold an external id or the key of a link, a query what somebody looked for.
"""

import re
import time
import uuid

import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django_structlog.middlewares import RequestMiddleware
from prometheus_client import Histogram

NOUN = re.compile(r"([\w-]+)/<uuid:pk>")
SINGULARS = {
    "review": "case",
    "trust": "segment",
    "deliveries": "delivery",
    "datasheets": "snapshot",
}
NO_PAGE = "(no page)"
ANSWERS = Histogram(
    "countersign_request_seconds",
    "How long answers took, by what was asked for and the first digit of the status",
    ["area", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def ids_of(match: ResolverMatch | None) -> dict[str, str]:
    """Return what the address of a request is about: `workflow`, `case_id`, …"""
    if match is None:
        return {}
    found = {}
    for name, value in match.kwargs.items():
        if name == "slug":
            found["workflow"] = value
        elif isinstance(value, uuid.UUID):
            found[_name_of_id(name, match.route)] = str(value)
    return found


def _name_of_id(name: str, route: str) -> str:
    noun = NOUN.search(route)
    if name != "pk" or noun is None:
        return name
    return f"{SINGULARS.get(noun[1], noun[1].removesuffix('s'))}_id"


def area_of(request: HttpRequest) -> str:
    """Say who asks: programs (`api`), machines (`operations`) or people (`pages`)."""
    if request.path_info.startswith("/api/"):
        return "api"
    if request.path_info.startswith(("/health/", "/metrics")):
        return "operations"
    return "pages"


class RequestLog(RequestMiddleware):
    """Binds the ids of a request to all that is logged in it, and tells its end."""

    def prepare(self, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(request_id=str(uuid.uuid4()))
        self.bind_user_id(request)
        request.asked_at = time.perf_counter()  # type: ignore[attr-defined] # -- ours

    def process_view(self, request: HttpRequest, *args: object) -> None:
        """Bind what the address names, once it is known which page it is."""
        structlog.contextvars.bind_contextvars(**ids_of(request.resolver_match))

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        # before the end clears it: people who report a fault can name it
        bound = structlog.contextvars.get_contextvars()
        response["X-Request-ID"] = bound["request_id"]
        seconds = time.perf_counter() - request.asked_at  # type: ignore[attr-defined] # -- ours
        status = f"{response.status_code // 100}xx"
        ANSWERS.labels(area_of(request), status).observe(seconds)
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        match = getattr(request, "resolver_match", None)
        return f"{request.method} {match.route if match else NO_PAGE}"
