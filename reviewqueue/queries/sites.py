"""Which sites a request is about: those of the person, or the one that they ask for."""

from dataclasses import dataclass
from uuid import UUID

from accounts.models import Site
from accounts.permissions import Actor
from accounts.queries import seen_sites
from accounts.sites import Sites, within_sites


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """The sites that are shown, and what may be chosen in their place.

    `unknown` says that a site was asked for that is not there, or not for this person.
    """

    sites: Sites
    chosen: Site | None
    options: list[Site]
    is_limited: bool = False
    unknown: bool = False

    @property
    def query(self) -> dict[str, str]:
        """What a link adds to stay with the choice."""
        return {"site": self.chosen.key} if self.chosen else {}

    @property
    def single(self) -> Site | None:
        """The one site that is shown, where it is one."""
        if self.chosen is None and self.is_limited and len(self.options) == 1:
            return self.options[0]
        return self.chosen

    @property
    def words(self) -> str:
        """Name what is shown: one site, or how many; empty for all."""
        if self.chosen is not None:
            return self.chosen.name
        if not self.is_limited:
            return ""
        if len(self.options) == 1:
            return self.options[0].name
        return f"{len(self.options)} sites"


def site_of(actor: Actor, workflow_pk: UUID, key: str) -> Site:
    """Return a site that the actor may see. Raises: Site.DoesNotExist."""
    found = Site.objects.filter(scope_id=workflow_pk)
    return within_sites(found, actor.sites(workflow_pk), "pk").get(key=key)


def site_choice(actor: Actor, workflow_pk: UUID, key: str) -> SiteChoice:
    """Cut by the site of that key, or (empty) by what the person is limited to.

    One statement. What is unknown, or another's, cuts as if nothing was asked.
    """
    options = seen_sites(actor, workflow_pk)
    limit = actor.sites(workflow_pk)
    is_limited = limit is not None
    chosen = next((one for one in options if one.key == key), None)
    if chosen is None:
        return SiteChoice(limit, None, options, is_limited, unknown=bool(key))
    return SiteChoice(frozenset({chosen.pk}), chosen, options, is_limited)
