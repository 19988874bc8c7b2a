"""API keys: a person's own, and those of one workflow."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import AuthenticatedRequest, scope_for
from accounts.forms import ApiKeyForm
from accounts.models import ApiKey, Scope
from accounts.permissions import KEY_PERMISSIONS, Permission, actor_of
from accounts.queries import keys_of_owner, known_scopes, visible_keys
from accounts.services import AccessError
from accounts.services_keys import create_api_key, revoke_api_key


@require_GET
def my_keys(request: AuthenticatedRequest) -> HttpResponse:
    """List a person's keys in every workflow, and where they may make more."""
    actor = actor_of(request)
    context = {
        "keys_shown": keys_of_owner(request.user),
        "now": timezone.now(),
        "scopes": [
            scope
            for scope in known_scopes(actor)
            if actor.can(Permission.KEYS_MANAGE, scope.id)
        ],
    }
    return render(request, "accounts/my_keys.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def key_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """List the keys of a workflow; a POST makes one and shows it this once."""
    if request.method != "POST":
        scope = scope_for(request, slug, Permission.KEYS_VIEW, by_site=True)
        return _page(request, scope, _form(request, scope))
    scope = scope_for(request, slug, Permission.KEYS_MANAGE, by_site=True)
    form = _form(request, scope, data=True)
    plaintext = _created(request, scope, form) if form.is_valid() else None
    if plaintext is None:
        return _page(request, scope, form, status=422)
    # Not redirected: the plain text would have to be stored somewhere on the way.
    return _page(request, scope, _form(request, scope), plaintext=plaintext)


@require_POST
def key_revoke(request: AuthenticatedRequest, key_id: UUID) -> HttpResponse:
    """End a key: one's own, or as a site admin any."""
    key = get_object_or_404(_revocable(request), id=key_id)
    revoke_api_key(key=key, actor=request.user, now=timezone.now())
    messages.success(request, f"The key {key.prefix} is revoked.")
    if request.POST.get("from") == "workflow":
        return redirect("accounts:key-list", slug=key.scope.slug)
    return redirect("accounts:my-keys")


def _revocable(request: AuthenticatedRequest) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.select_related("scope", "owner")
    if request.user.is_superuser:
        return keys
    return keys.filter(owner=request.user)


def _form(
    request: AuthenticatedRequest, scope: Scope, *, data: bool = False
) -> ApiKeyForm:
    actor = actor_of(request)
    verbs = [
        verb
        for verb in Permission
        if verb in KEY_PERMISSIONS and actor.can(verb, scope.id)
    ]
    return ApiKeyForm(
        request.POST if data else None,
        verbs=verbs,
        for_others=request.user.is_superuser,
    )


def _created(
    request: AuthenticatedRequest, scope: Scope, form: ApiKeyForm
) -> str | None:
    now = timezone.now()
    try:
        _, plaintext = create_api_key(
            owner=form.cleaned_data.get("owner") or request.user,
            scope=scope,
            name=form.cleaned_data["name"],
            verbs=[Permission(verb) for verb in form.cleaned_data["verbs"]],
            expires_at=_expiry(form.cleaned_data["lifetime"], now),
            actor=request.user,
            now=now,
        )
    except AccessError as error:
        form.add_error(None, str(error))
        return None
    return plaintext


def _expiry(days: str, now: datetime) -> datetime | None:
    return now + timedelta(days=int(days)) if days else None


def _page(
    request: AuthenticatedRequest,
    scope: Scope,
    form: ApiKeyForm,
    *,
    plaintext: str = "",
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "scope": scope,
        "form": form,
        "plaintext": plaintext,
        "keys_shown": visible_keys(actor, scope),
        "now": timezone.now(),
        "may_manage": actor.can(Permission.KEYS_MANAGE, scope.id),
        "may_see_members": actor.can(Permission.MEMBERS_VIEW, scope.id),
    }
    return render(request, "accounts/keys.html", context, status=status)
