"""The sites of a workflow, and who is limited to which."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import AuthenticatedRequest, scope_for
from accounts.forms_sites import AddSitesForm, MemberSitesForm, SiteForm
from accounts.models import Scope, Site
from accounts.permissions import Permission, actor_of
from accounts.queries import Member, members_of, n_limited, sites_of
from accounts.services_sites import change_site, declare_sites, limit_to_sites


@require_http_methods(["GET", "POST"])
def site_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """List the sites; a POST adds some."""
    if request.method != "POST":
        scope = scope_for(request, slug, Permission.SETTINGS_VIEW)
        return _page(request, scope, AddSitesForm())
    scope = scope_for(request, slug, Permission.SETTINGS_CHANGE)
    form = AddSitesForm(request.POST)
    if not form.is_valid():
        return _page(request, scope, form, status=422)
    added = declare_sites(
        scope=scope,
        names=form.cleaned_data["lines"],
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, f"{len(added)} added.")
    return redirect("accounts:site-list", slug=slug)


@require_POST
def site_change(
    request: AuthenticatedRequest, slug: str, site_id: UUID
) -> HttpResponse:
    """Rename, archive or restore a site."""
    scope = scope_for(request, slug, Permission.SETTINGS_CHANGE)
    site = get_object_or_404(Site, pk=site_id, scope=scope)
    form = SiteForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"{site.key}: a name of 1 to 200 characters.")
        return redirect("accounts:site-list", slug=slug)
    change_site(
        site=site,
        name=form.cleaned_data["name"],
        archived=form.cleaned_data["archived"],
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, f"{site.key} is saved.")
    return redirect("accounts:site-list", slug=slug)


@require_http_methods(["GET", "POST"])
def member_sites(
    request: AuthenticatedRequest, slug: str, user_id: UUID
) -> HttpResponse:
    """Show and set which sites a member may see."""
    scope = scope_for(request, slug, Permission.MEMBERS_MANAGE)
    member = _member(scope, user_id)
    sites = list(sites_of(scope))
    form = None
    if request.method == "POST":
        form = MemberSitesForm(request.POST, sites=sites)
        if form.is_valid():
            limit_to_sites(
                user=member.user,
                scope=scope,
                sites=form.chosen(),
                actor=request.user,
                now=timezone.now(),
            )
            messages.success(request, f"Saved for {member.user.display_name}.")
            if member.user == request.user:
                return redirect("home")
            return redirect("accounts:member-list", slug=slug)
    return _member_page(request, scope, member, sites, form)


def _member_page(
    request: AuthenticatedRequest,
    scope: Scope,
    member: Member,
    sites: list[Site],
    form: MemberSitesForm | None,
) -> HttpResponse:
    limit = member.sites
    context = {
        "scope": scope,
        "member": member,
        "sites": sites,
        "form": form,
        "is_limited": limit is not None
        if form is None
        else form["limit"].data != "all",
        "chosen": set(form["sites"].data or ())
        if form
        else {one.key for one in limit or ()},
        "may_see_sites": actor_of(request).can(Permission.SETTINGS_VIEW, scope.id),
    }
    status = 422 if form else 200
    return render(request, "accounts/member_sites.html", context, status=status)


def _member(scope: Scope, user_id: UUID) -> Member:
    """Return a member of the scope. Raises: Http404."""
    found = (one for one in members_of(scope) if one.user.pk == user_id)
    if (member := next(found, None)) is None:
        raise Http404
    return member


def _page(
    request: AuthenticatedRequest,
    scope: Scope,
    form: AddSitesForm,
    *,
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    people = n_limited(scope)
    context = {
        "scope": scope,
        "rows": [{"site": one, "n_people": people[one.pk]} for one in sites_of(scope)],
        "form": form,
        "may_change": actor.can(Permission.SETTINGS_CHANGE, scope.id),
        "may_see_members": actor.can(Permission.MEMBERS_VIEW, scope.id),
    }
    return render(request, "accounts/sites.html", context, status=status)
