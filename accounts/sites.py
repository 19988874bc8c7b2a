"""Which sites of a workflow somebody may see, and the one filter that says it."""

from uuid import UUID

from django.db.models import Model, QuerySet

# None: all sites, and what belongs to none. An empty set: nothing at all.
type Sites = frozenset[UUID] | None
ALL_SITES: Sites = None


def within_sites[Row: Model](
    rows: QuerySet[Row], sites: Sites, path: str = "site"
) -> QuerySet[Row]:
    """Keep the rows of these sites; `path` leads to the site."""
    return rows if sites is None else rows.filter(**{f"{path}__in": sites})


def as_array(sites: Sites) -> list[UUID] | None:
    """Return the sites as a statement wants them: an array, or null for all."""
    return None if sites is None else sorted(sites)


def is_within(site_id: UUID | None, sites: Sites) -> bool:
    """Say whether a thing of that site is among these."""
    return sites is None or site_id in sites
