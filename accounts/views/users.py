"""Accounts, for site admins."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest, require_site_admin
from accounts.forms import NewUserForm
from accounts.models import User
from accounts.queries import find_users
from accounts.services import (
    AccessError,
    EmailTakenError,
    UsernameTakenError,
    create_service_account,
    create_user,
    set_temporary_password,
    set_user_active,
)

USERS_PER_PAGE = 50


@never_cache
@require_http_methods(["GET", "POST"])
def user_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the accounts; a POST makes one and shows its first password once."""
    require_site_admin(request)
    if request.method != "POST":
        return _page(request, NewUserForm())
    form = NewUserForm(request.POST)
    user = _created(request, form) if form.is_valid() else None
    if user is None:
        return _page(request, form, status=422)
    if user.is_service:
        messages.success(request, f"The service account {user.username} is made.")
        return redirect("accounts:user-list")
    password = set_temporary_password(user=user, actor=request.user, now=timezone.now())
    return _page(request, NewUserForm(), shown_for=user, password=password)


@require_POST
def user_active(request: AuthenticatedRequest, user_id: UUID) -> HttpResponse:
    """Keep an account out, or let it in again."""
    admin = require_site_admin(request)
    user = get_object_or_404(User, id=user_id)
    active = request.POST.get("active") == "true"
    try:
        set_user_active(user=user, active=active, actor=admin, now=timezone.now())
    except AccessError as error:
        messages.error(request, str(error))
        return redirect("accounts:user-list")
    state = "may sign in again" if active else "is kept out, with all of its keys"
    messages.success(request, f"{user.username} {state}.")
    return redirect("accounts:user-list")


@never_cache
@require_POST
def user_password(request: AuthenticatedRequest, user_id: UUID) -> HttpResponse:
    """Give an account a new temporary password and show it this once."""
    admin = require_site_admin(request)
    user = get_object_or_404(User, id=user_id)
    try:
        password = set_temporary_password(user=user, actor=admin, now=timezone.now())
    except AccessError as error:
        messages.error(request, str(error))
        return redirect("accounts:user-list")
    return _page(request, NewUserForm(), shown_for=user, password=password)


def _created(request: AuthenticatedRequest, form: NewUserForm) -> User | None:
    wanted = form.cleaned_data
    try:
        if wanted["is_service"]:
            return create_service_account(
                username=wanted["username"],
                name=wanted["name"],
                actor=request.user,
                now=timezone.now(),
            )
        return create_user(
            username=wanted["username"],
            name=wanted["name"],
            email=wanted["email"],
            is_site_admin=wanted["is_site_admin"],
            actor=request.user,
            now=timezone.now(),
        )
    except UsernameTakenError as error:
        form.add_error("username", str(error))
    except EmailTakenError as error:
        form.add_error("email", str(error))
    return None


def _page(
    request: AuthenticatedRequest,
    form: NewUserForm,
    *,
    shown_for: User | None = None,
    password: str = "",
    status: int = 200,
) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    pages = Paginator(find_users(text), USERS_PER_PAGE)
    context = {
        "form": form,
        "text": text,
        "page": pages.get_page(request.GET.get("page")),
        "shown_for": shown_for,
        "password": password,
    }
    return render(request, "accounts/users.html", context, status=status)
