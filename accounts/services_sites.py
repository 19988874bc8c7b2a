"""The only writers of sites and of who is limited to which."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.enums import AccessEventKind
from accounts.models import AccessEvent, Membership, Scope, Site, User
from accounts.services import AccessError, lock_user, refuse_line_end


class UnknownSitesError(AccessError):
    """A site is none of the workflow's."""


class NotAMemberError(AccessError):
    """Who has no role in the workflow cannot be limited there."""


@transaction.atomic
def declare_sites(
    *, scope: Scope, names: Mapping[str, str], actor: User | None, now: datetime
) -> list[Site]:
    """Add sites by key and name; a key that is there already is left as it is.

    Returns those that are new. Writes one event for each.
    Raises: django.core.exceptions.ValidationError for a malformed key or name.
    """
    wanted = [
        Site(scope=scope, key=key, name=name or key, created_at=now)
        for key, name in sorted(names.items())
    ]
    for site in wanted:
        site.clean_fields(exclude=["scope"])
        refuse_line_end(key=site.key)
    there = Site.objects.filter(scope=scope, key__in=names)
    known = set(there.values_list("key", flat=True))
    # Somebody else may just be adding the same one.
    Site.objects.bulk_create(wanted, ignore_conflicts=True)
    added = [site for site in wanted if site.key not in known]
    AccessEvent.objects.bulk_create(
        _event(AccessEventKind.SITE_DECLARED, scope, actor, now, site=site.key)
        for site in added
    )
    return added


@transaction.atomic
def change_site(
    *, site: Site, name: str, archived: bool, actor: User | None, now: datetime
) -> Site:
    """Rename, archive or restore a site; items that it has stay its own.

    Locks the site; writes an event where anything changes.
    Raises: django.core.exceptions.ValidationError for an empty or long name.
    """
    locked = Site.objects.select_for_update().get(pk=site.pk)
    if (locked.name, locked.archived_at is not None) == (name, archived):
        return locked
    locked.name = name
    if archived != (locked.archived_at is not None):
        locked.archived_at = now if archived else None
    locked.clean_fields(exclude=["scope"])
    locked.save(update_fields=["name", "archived_at"])
    _event(
        AccessEventKind.SITE_CHANGED,
        locked.scope,
        actor,
        now,
        site=locked.key,
        name=name,
        archived=archived,
    ).save(force_insert=True)
    return locked


@transaction.atomic
def limit_to_sites(
    *,
    user: User,
    scope: Scope,
    sites: Collection[Site] | None,
    actor: User | None,
    now: datetime,
) -> None:
    """Limit all roles of a user in a scope to these sites; None lifts the limit.

    Locks the user and their roles there; counts from their next request on. What they
    hold of another site they cannot decide any more. Writes an event where anything
    changes.
    Raises: NotAMemberError, UnknownSitesError.
    """
    if any(one.scope_id != scope.pk for one in sites or ()):
        message = f"A site is none of {scope.slug}."
        raise UnknownSitesError(message)
    lock_user(user)
    held = Membership.objects.select_for_update().filter(user=user, scope=scope)
    before = list(held.order_by("id").values_list("site_ids", flat=True))
    if not before:
        message = f"{user.username} has no role in {scope.slug}."
        raise NotAMemberError(message)
    limit: list[UUID] | None = None
    if sites is not None:
        limit = sorted(one.pk for one in sites)
    if all(one == limit for one in before):
        return
    held.update(site_ids=limit)
    keys = None if sites is None else sorted(one.key for one in sites)
    _event(
        AccessEventKind.SITES_LIMITED, scope, actor, now, subject=user, sites=keys
    ).save(force_insert=True)


def _event(
    kind: AccessEventKind,
    scope: Scope,
    actor: User | None,
    now: datetime,
    *,
    subject: User | None = None,
    **data: object,
) -> AccessEvent:
    return AccessEvent(
        kind=kind, actor=actor, subject=subject, scope=scope, data=data, at=now
    )
