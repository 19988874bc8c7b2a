"""Drift at one site, beside another where all is as it was."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Site
from accounts.services_sites import declare_sites
from lifecycle.enums import ReadingVerdict
from lifecycle.models import Alert, Reading
from lifecycle.services.site_figures import DriftAtSite, site_figures
from predictions.models import Workflow
from tests.factories.predictions import make_champion, make_workflow
from tests.lifecycle.services.monitors.days import DAY, Features, arrive

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday, midnight
BEFORE = START - timedelta(hours=1)


def in_crowns(features: Features) -> Features:
    return features | {"amount": float(str(features["amount"])) * 25}


@pytest.fixture
def cards(db: None) -> Workflow:
    """A workflow with a calm site, a broken one and one that sends nothing."""
    workflow = make_workflow(now=BEFORE)
    make_champion(workflow, now=BEFORE)
    names = {"broken": "", "calm": "", "quiet": ""}
    declare_sites(scope=workflow.scope, names=names, actor=None, now=BEFORE)
    for day in range(7):
        arrive(workflow, START + day * DAY, 20, site="calm")
        arrive(workflow, START + day * DAY, 10, site="broken", change=in_crowns)
    return workflow


def drift_at(workflow: Workflow, key: str) -> dict[str, DriftAtSite]:
    site = Site.objects.get(key=key)
    found = site_figures(workflow, site, now=START + 7 * DAY)
    return {one.what: one for one in found.drift}


def test_only_the_broken_site_has_moved(cards: Workflow) -> None:
    calm, broken = drift_at(cards, "calm"), drift_at(cards, "broken")

    assert {one.verdict for one in calm.values()} == {ReadingVerdict.FINE}
    assert {one.n for one in calm.values()} == {140}
    assert broken["inputs"].verdict == ReadingVerdict.ALARM
    assert broken["inputs"].n == 70
    assert broken["inputs"].says.startswith("Moved: amount")
    # It is one look: nobody hears of it.
    assert not Reading.objects.exists()
    assert not Alert.objects.exists()


def test_site_without_items_says_so(cards: Workflow) -> None:
    quiet = drift_at(cards, "quiet")

    assert {one.verdict for one in quiet.values()} == {ReadingVerdict.TOO_FEW}
    assert {one.distance for one in quiet.values()} == {None}


def test_workflow_without_a_champion_says_so(now: datetime, db: None) -> None:
    workflow = make_workflow(now=now)
    [site] = declare_sites(scope=workflow.scope, names={"a": ""}, actor=None, now=now)

    found = site_figures(workflow, site, now=now)

    assert found.trust == []
    assert {one.says for one in found.drift} == {"There is no champion."}
