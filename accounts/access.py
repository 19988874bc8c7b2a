"""What every page of this app asks first: may this person be here?"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.models import Scope, User
from accounts.permissions import Actor, Permission, actor_of
from accounts.queries import known_scopes
from ui.context import WorkflowLike

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class AuthenticatedRequest(HttpRequest):
    """A request of somebody who is signed in, as the middleware leaves it."""

    user: User
    actor: Actor
    htmx: "HtmxDetails"
    workflow: WorkflowLike
    workflows: Iterable[WorkflowLike]


def scope_for(
    request: AuthenticatedRequest,
    slug: str,
    permission: Permission,
    *,
    by_site: bool = False,
) -> Scope:
    """Return the scope that a page is about, and leave it for the page's header.

    Raises: Http404 without any role in it; PermissionDenied without the permission.
    """
    actor = actor_of(request)
    scope = get_object_or_404(Scope, slug=slug)
    actor.require(permission, scope.id, by_site=by_site)
    request.workflow = scope
    request.workflows = list(known_scopes(actor))
    return scope


def require_site_admin(request: AuthenticatedRequest) -> User:
    """Return the site admin who is asking. Raises: PermissionDenied for others."""
    if not actor_of(request).can(Permission.SITE_ADMIN, None):
        message = "This page is for site admins."
        raise PermissionDenied(message)
    return request.user
