"""Tie items to the sites that they name, and refuse those that nobody may name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts.models import Site
from accounts.services_sites import declare_sites
from accounts.sites import Sites, is_within
from predictions.declaration import FieldError
from predictions.intake.media_refs import as_payload
from predictions.intake.rows import RejectedItem, ValidItem
from predictions.intake.validation import SITE
from predictions.models import Workflow
from predictions.services.refused_rows import STORED_HASH


def with_their_sites(
    *,
    workflow: Workflow,
    items: Sequence[ValidItem],
    raw: Sequence[object],
    sites: Sites,
    now: datetime,
) -> tuple[list[ValidItem], list[RejectedItem]]:
    """Sort items by whether they may come from the site that they name.

    `sites` is what the sender is limited to: to them another site is unknown. Declares
    new sites where the workflow allows it and the sender is not limited. One statement
    where any item names a site, none else.
    """
    wanted = {item.site for item in items if item.site}
    if not wanted and sites is None:
        return list(items), []
    known = _known(workflow, wanted, sites=sites, now=now)
    taken: list[ValidItem] = []
    refused: list[RejectedItem] = []
    for item in items:
        site = known.get(item.site)
        error = _error(item, site, is_limited=sites is not None)
        if error is None:
            taken.append(item._replace(site_id=site.pk) if site else item)
            continue
        payload = as_payload(raw[item.position])
        refused.append(
            RejectedItem(
                item.position,
                item.external_id,
                payload,
                [error],
                site.pk if site else None,
            )
        )
    return taken, refused


def sited_refusals(
    refused: Sequence[RejectedItem], *, workflow: Workflow, sites: Sites
) -> list[RejectedItem]:
    """Note which site what is refused came from, as far as it names one.

    What a limited sender sends stays in their sight: without a site of its own it is
    of their site where they have but one. Of an item that is stored already, maybe at
    another site, they are not told the content's hash, from which it could be guessed.
    """
    named = {_named(one) for one in refused} - {""}
    if not named and sites is None:
        return list(refused)
    known = _stored(workflow, named, sites=sites)
    own = next(iter(sites)) if sites and len(sites) == 1 else None
    return [
        replace(
            one,
            site_id=one.site_id or _id_of(known.get(_named(one))) or own,
            errors=one.errors if sites is None else _without_hash(one.errors),
        )
        for one in refused
    ]


def _without_hash(errors: Sequence[FieldError]) -> list[FieldError]:
    return [
        replace(one, value=_kept(one.value)) if one.rule == "conflict" else one
        for one in errors
    ]


def _kept(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: one for name, one in value.items() if name != STORED_HASH}


def _id_of(site: Site | None) -> UUID | None:
    return site.pk if site else None


def _named(one: RejectedItem) -> str:
    named = one.payload.get(SITE) if isinstance(one.payload, Mapping) else None
    return named if isinstance(named, str) and "\x00" not in named else ""


def _known(
    workflow: Workflow, keys: set[str], *, sites: Sites, now: datetime
) -> dict[str, Site]:
    known = _stored(workflow, keys, sites=sites)
    new = keys - known.keys()
    if not new or sites is not None or not workflow.declaration.intake.new_sites:
        return known
    for key in sorted(new):
        try:
            declare_sites(scope=workflow.scope, names={key: key}, actor=None, now=now)
        except ValidationError:
            continue  # no key of a site looks like it: unknown
    return _stored(workflow, keys, sites=sites)


def _stored(workflow: Workflow, keys: set[str], *, sites: Sites) -> dict[str, Site]:
    rows = Site.objects.filter(scope_id=workflow.pk, key__in=keys) if keys else ()
    return {one.key: one for one in rows if is_within(one.pk, sites)}


def _error(
    item: ValidItem, site: Site | None, *, is_limited: bool
) -> FieldError | None:
    if not item.site:
        return FieldError(SITE, "missing") if is_limited else None
    if site is None:
        return FieldError(SITE, "unknown_site", item.site)
    if site.archived_at is not None:
        return FieldError(SITE, "archived_site", item.site)
    return None
