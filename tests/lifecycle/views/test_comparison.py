"""The page that holds a version against the champion."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from lifecycle.models import ComparisonLook
from lifecycle.queries import comparison
from lifecycle.services.comparisons import versions_to_compare
from lifecycle.tasks import compare_versions, look_at_version
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import change_stage
from reviewqueue.enums import NoticeKind
from reviewqueue.services.notices import notify
from tests.factories.predictions import make_champion, make_model, make_workflow
from tests.lifecycle.comparing import decide_all, run
from tests.reviewqueue.services.trust_steps import plan
from ui.numbers import NBSP

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Two days ago: the time to review is over, by the clock of the pages."""
    return datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
def beside(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> ModelVersion:
    plan(workflow, now=now, evidence="all")
    version = make_model(workflow, now=now, stage=Stage.SHADOW, threshold=0.999)
    for day in range(2):
        run(workflow, 20, now=now + timedelta(days=day), start=100 * day)
        decide_all(workflow, alice, now=now + timedelta(days=day))
    return version


@pytest.fixture
def as_erin(client: Client, erin: User) -> Client:
    client.force_login(erin)
    return client


def page_of(client: Client, version: ModelVersion) -> str:
    answer = client.get(f"/w/cards/models/{version.pk}/comparison/")
    assert answer.status_code == 200
    return answer.content.decode().replace(NBSP, " ")


def test_page_says_verdict_figures_and_where_they_differ(
    beside: ModelVersion, as_erin: Client, now: datetime
) -> None:
    page = page_of(as_erin, beside)

    assert "v2 against v1" in page
    assert "Undecided on 40 audited items, of which" in page
    assert "EUR" in page
    assert "Judged with a recommendation in sight" in page
    assert "leans to it" in page
    assert "tx-119" in page
    detail = as_erin.get(f"/w/cards/models/{beside.pk}/").content.decode()
    assert f"/w/cards/models/{beside.pk}/comparison/" in detail


def test_page_of_what_is_not_compared_says_so(
    champion: ModelVersion, as_erin: Client
) -> None:
    assert "Nothing is compared" in page_of(as_erin, champion)


def test_page_has_a_fixed_number_of_queries(
    workflow: Workflow,
    beside: ModelVersion,
    as_erin: Client,
    alice: User,
    now: datetime,
    django_assert_max_num_queries: object,
) -> None:
    page_of(as_erin, beside)
    with django_assert_max_num_queries(25):  # type: ignore[operator]  # a fixture
        page_of(as_erin, beside)


def test_many_items_are_counted_by_a_worker(
    workflow: Workflow,
    champion: ModelVersion,
    beside: ModelVersion,
    as_erin: Client,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "MOST_AT_ONCE", 5)
    assert "Being counted" in page_of(as_erin, beside)

    assert versions_to_compare() == [beside.pk]
    compare_versions()
    assert look_at_version(version_id=str(beside.pk)) == "undecided"
    assert look_at_version(version_id=str(beside.pk)) == "undecided"
    assert ComparisonLook.objects.count() == 1
    assert "Undecided on 40 audited items" in page_of(as_erin, beside)

    # another champion: it begins again
    other = make_model(workflow, now=now, stage=Stage.CHAMPION)
    ModelVersion.objects.filter(pk=other.pk).update(stage_changed_at=now)
    assert "Being counted" in page_of(as_erin, beside)
    change_stage(version=beside, to=Stage.RETIRED, by=None, reason="r", now=now)
    assert versions_to_compare() == []
    assert not ComparisonLook.objects.exists()


def test_notice_of_a_verdict_leads_to_the_comparison(
    beside: ModelVersion, as_erin: Client, now: datetime
) -> None:
    notify(
        workflow=beside.workflow,
        kind=NoticeKind.COMPARISON_DECIDED,
        text="v2 against v1: The challenger is better.",
        data={"challenger_id": str(beside.pk)},
        now=now,
    )

    page = as_erin.get("/w/cards/notices/?kind=comparison.decided").content.decode()

    assert "comparison with the champion decided" in page
    assert f'href="/w/cards/models/{beside.pk}/comparison/"' in page


def test_others_do_not_see_it(
    workflow: Workflow,
    champion: ModelVersion,
    client: Client,
    now: datetime,
    erin: User,
) -> None:
    elsewhere = make_workflow(now=now, slug="other", name="Other")
    theirs = make_champion(elsewhere, now=now)
    client.force_login(erin)
    assert client.get(f"/w/cards/models/{theirs.pk}/comparison/").status_code == 404
