"""Items of sites and people who are limited to them, shortened for tests."""

from collections.abc import Sequence
from datetime import datetime

from accounts.enums import Role
from accounts.models import Membership, Site, User
from accounts.services_sites import declare_sites
from predictions.models import Workflow
from reviewqueue.models import Case
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import UserFactory
from tests.factories.predictions import raw_item, store


def make_sites(workflow: Workflow, *keys: str, now: datetime) -> list[Site]:
    """Declare sites; return them in the order of their keys."""
    names = dict.fromkeys(keys, "")
    return declare_sites(scope=workflow.scope, names=names, actor=None, now=now)


def cases_at(
    workflow: Workflow,
    sites: Sequence[Site | None],
    *,
    now: datetime,
    first: int = 0,
) -> list[Case]:
    """Store, score and route an item for each; return their cases in that order."""
    rows = [
        raw_item(number, now=now) | ({"site": site.key} if site else {})
        for number, site in enumerate(sites, start=first)
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=len(rows), now=now)
    names = [str(row["external_id"]) for row in rows]
    cases = Case.objects.filter(workflow=workflow).select_related("item")
    of_item = {case.item.external_id: case for case in cases}
    return [of_item[name] for name in names]


def limited(
    workflow: Workflow, username: str, *sites: Site, roles: Sequence[Role]
) -> User:
    """Make somebody who has these roles at these sites alone."""
    user = UserFactory.create(username=username)
    site_ids = [site.pk for site in sites]
    Membership.objects.bulk_create(
        Membership(user=user, scope_id=workflow.pk, role=role, site_ids=site_ids)
        for role in roles
    )
    return user
