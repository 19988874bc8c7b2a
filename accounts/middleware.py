"""Pages stay closed to a person whose password somebody else knows."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

# What a person needs to change the password, or to leave.
OPEN = frozenset({"account_change_password", "account_logout"})


class TemporaryPasswordMiddleware:
    """Leads to the change of password until a temporary one is replaced.

    Views that need no sign-in are left alone, the API among them: a key is no password.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        if not getattr(view, "login_required", True):
            return None
        match = request.resolver_match
        if match is not None and match.view_name in OPEN:
            return None
        if not getattr(request.user, "must_change_password", False):
            return None
        target = reverse("account_change_password")
        if request.htmx:  # type: ignore[attr-defined]  # django-htmx's
            return HttpResponseClientRedirect(target)
        if request.method == "GET":
            target += f"?{urlencode({'next': request.get_full_path()})}"
        return redirect(target)
