"""Who has which role in a workflow."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest, scope_for
from accounts.enums import Role
from accounts.forms import AddMemberForm, RolesForm
from accounts.models import Scope, Site, User
from accounts.permissions import Permission, actor_of
from accounts.queries import members_of, sites_of
from accounts.services import grant_role, set_roles
from accounts.services_sites import limit_to_sites


@require_http_methods(["GET", "POST"])
def member_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Show the members; a POST gives roles to one more account."""
    if request.method != "POST":
        scope = scope_for(request, slug, Permission.MEMBERS_VIEW)
        return _page(request, scope, AddMemberForm(sites=sites_of(scope)))
    scope = scope_for(request, slug, Permission.MEMBERS_MANAGE)
    form = AddMemberForm(request.POST, sites=sites_of(scope))
    if not form.is_valid():
        return _page(request, scope, form, status=422)
    user: User = form.cleaned_data["username"]
    sites: list[Site] = form.cleaned_data.get("sites", [])
    now = timezone.now()
    with transaction.atomic():  # never a member of all sites on the way to some
        for role in form.cleaned_data["roles"]:
            grant_role(
                user=user, scope=scope, role=Role(role), actor=request.user, now=now
            )
        if sites:
            limit_to_sites(
                user=user, scope=scope, sites=sites, actor=request.user, now=now
            )
    messages.success(request, f"{user.display_name} is a member of {scope.name}.")
    return redirect("accounts:member-list", slug=slug)


@require_POST
def member_roles(
    request: AuthenticatedRequest, slug: str, user_id: UUID
) -> HttpResponse:
    """Make a member's roles those that were ticked; none removes the member."""
    scope = scope_for(request, slug, Permission.MEMBERS_MANAGE)
    user = get_object_or_404(
        User.objects.filter(memberships__scope=scope).distinct(), id=user_id
    )
    form = RolesForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors.as_text())
        return redirect("accounts:member-list", slug=slug)
    roles = {Role(role) for role in form.cleaned_data["roles"]}
    set_roles(
        user=user, scope=scope, roles=roles, actor=request.user, now=timezone.now()
    )
    messages.success(request, _what_changed(user, scope, roles))
    if not actor_of(request).user.is_superuser and user == request.user:
        return redirect("accounts:profile")
    return redirect("accounts:member-list", slug=slug)


def _what_changed(user: User, scope: Scope, roles: set[Role]) -> str:
    if not roles:
        return f"{user.display_name} is no longer a member of {scope.name}."
    named = ", ".join(role.label.lower() for role in Role if role in roles)
    return f"{user.display_name} is now {named} in {scope.name}."


def _page(
    request: AuthenticatedRequest,
    scope: Scope,
    form: AddMemberForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "scope": scope,
        "members": members_of(scope),
        "roles": list(Role),
        "form": form,
        "may_manage": actor_of(request).can(Permission.MEMBERS_MANAGE, scope.id),
        "may_see_sites": actor_of(request).can(Permission.SETTINGS_VIEW, scope.id),
        "has_sites": "sites" in form.fields,
        "may_see_log": actor_of(request).can(Permission.AUDIT_VIEW, scope.id),
        "may_see_keys": actor_of(request).can(Permission.KEYS_VIEW, scope.id),
    }
    return render(request, "accounts/members.html", context, status=status)
