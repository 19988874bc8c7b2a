"""Trust sliced by site: each site earns for itself."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Site, User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Route, Segment
from reviewqueue.queries.site_figures import segments_at
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.site_steps import make_sites
from tests.reviewqueue.services.trust_steps import plan, review

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites(workflow: Workflow, now: datetime) -> list[Site]:
    return make_sites(workflow, "north", "rare", "south", now=now)


def send(
    workflow: Workflow, site: Site | None, n: int, *, first: int, now: datetime
) -> None:
    at = {} if site is None else {"site": site.key}
    rows = [raw_item(k, now=now, amount=10.0) | at for k in range(first, first + n)]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def cut_by_site(workflow: Workflow, sites: list[Site], *, now: datetime) -> None:
    """Let 120 items come from north, 70 from south, 5 from a rare site, 5 from none."""
    earlier = now - timedelta(minutes=5)
    north, rare, south = sites
    ModelVersion.objects.filter(workflow=workflow).update(stage_changed_at=earlier)
    set_policy(workflow, mode="earned", now=earlier)
    plan(workflow, now=earlier, segment_feature="site", min_share=0.1)
    send(workflow, north, 120, first=0, now=earlier)
    send(workflow, south, 70, first=200, now=earlier)
    send(workflow, rare, 5, first=300, now=earlier)
    send(workflow, None, 4, first=400, now=earlier)
    send(workflow, None, 1, first=500, now=earlier)
    Case.objects.update(status="decided", closed_at=earlier)


def segment_of(item: str) -> Segment | None:
    return Route.objects.get(item__external_id=item).segment


def test_sites_have_slices_and_what_is_rare_or_of_none_is_the_rest(
    workflow: Workflow, champion: ModelVersion, sites: list[Site], now: datetime
) -> None:
    cut_by_site(workflow, sites, now=now)

    send(workflow, sites[0], 1, first=600, now=now)
    send(workflow, sites[1], 1, first=601, now=now)
    send(workflow, sites[2], 1, first=602, now=now)
    send(workflow, None, 1, first=603, now=now)

    legitimate = [
        one for one in segments_in_force(workflow) if one.label == "legitimate"
    ]
    assert {(one.feature, one.value) for one in legitimate} == {
        ("site", "north"),
        ("site", "south"),
        ("site", ""),
    }
    routed = [segment_of(f"tx-{number}") for number in range(600, 604)]
    assert [one.value if one else None for one in routed] == ["north", "", "south", ""]


def test_what_people_found_is_told_by_site(
    workflow: Workflow,
    champion: ModelVersion,
    sites: list[Site],
    alice: User,
    now: datetime,
) -> None:
    cut_by_site(workflow, sites, now=now)
    north, rare, south = sites
    send(workflow, north, 3, first=600, now=now)
    review(workflow, alice, 3, now=now, n_wrong=1)
    send(workflow, south, 2, first=700, now=now)
    review(workflow, alice, 2, now=now)

    def told(site: Site) -> dict[str, tuple[int, int]]:
        return {
            one.segment.value: (one.wrong.k, one.wrong.n)
            for one in segments_at(workflow, site)
            if one.wrong.n
        }

    assert told(north) == {"north": (1, 3)}
    assert told(south) == {"south": (0, 2)}
    assert told(rare) == {}


def test_a_site_is_told_nothing_of_the_slices_of_others(
    workflow: Workflow, champion: ModelVersion, sites: list[Site], now: datetime
) -> None:
    cut_by_site(workflow, sites, now=now)

    told = [[one.segment for one in segments_at(workflow, at)] for at in sites]

    legitimate = [[one.value for one in of if one.label == "legitimate"] for of in told]
    # the rare one is among the rest, and so is everything of a rare label
    assert legitimate == [["north"], [""], ["south"]]
    assert {one.value for of in told for one in of if one.label == "fraud"} == {""}
