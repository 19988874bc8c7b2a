"""The theme switch, and the page that shows every shape."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from ui.style_guide import style_guide_context
from ui.theme import COOKIE, COOKIE_SECONDS, THEMES


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie and go back to where it was chosen."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        return HttpResponseBadRequest(f"theme: must be one of {', '.join(THEMES)}")
    response = HttpResponseRedirect(_way_back(request))
    response.set_cookie(
        COOKIE,
        theme,
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else "/"


@require_GET
def style_guide(request: HttpRequest) -> HttpResponse:
    """Show every shape, for site admins."""
    if not getattr(request.user, "is_superuser", False):
        message = "The style guide is for site administrators."
        raise PermissionDenied(message)
    return render(request, "ui/style_guide.html", style_guide_context())
