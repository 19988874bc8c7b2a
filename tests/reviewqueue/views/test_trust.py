"""The trust page: ladders, grants with their consequences, the plan."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Notice, Route, Segment, Tally, TrustMove, TrustPlan
from reviewqueue.services.trust_overview import trust_overview
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.trust_steps import (
    cut,
    grant_step,
    needed,
    plan,
    review,
    route,
)


@pytest.fixture
def clock() -> datetime:
    """Pages read the clock: what they show happened just now."""
    return timezone.now() - timedelta(minutes=2)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, clock: datetime) -> Segment:
    return cut(workflow, now=clock)


@pytest.fixture
def earned(
    workflow: Workflow, segment: Segment, alice: User, clock: datetime
) -> Segment:
    """The segment with just enough clean reviews for one step."""
    route(workflow, needed(segment) - 1, start=300, now=clock)
    review(workflow, alice, needed(segment), now=clock)
    return segment


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_says_how_many_reviews_are_missing(
    client: Client, workflow: Workflow, segment: Segment, sam: User
) -> None:
    client.force_login(sam)

    text = page_of(client, f"/w/{workflow.slug}/trust/")

    assert f"{needed(segment)} more without error needed" in text
    assert "Grant 50" not in text


def test_blind_evidence_says_how_many_cases_it_takes(
    client: Client, workflow: Workflow, segment: Segment, sam: User
) -> None:
    client.force_login(sam)
    plan(workflow, now=timezone.now(), evidence="blind")
    set_policy(workflow, now=timezone.now(), mode="earned", blind_share=0.1)

    text = page_of(client, f"/w/{workflow.slug}/trust/")

    n = needed(segment)
    assert f"{n} more blind reviews without error needed" in text
    assert f"about {10 * n} cases at the present blind share" in text
    assert "no case is blind" not in text.lower()


@pytest.mark.parametrize("page", ["trust/", "trust/plan/"])
def test_blind_evidence_without_blind_cases_is_warned_of(
    client: Client, workflow: Workflow, segment: Segment, sam: User, page: str
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/{page}"
    set_policy(workflow, now=timezone.now(), mode="earned", blind_share=0)
    assert "No case is blind" not in page_of(client, address)

    plan(workflow, now=timezone.now(), evidence="blind")

    assert "No case is blind" in page_of(client, address)


def test_what_another_rule_passes_is_counted_and_called_so(
    client: Client, workflow: Workflow, champion: ModelVersion, sam: User
) -> None:
    client.force_login(sam)
    now = timezone.now() - timedelta(minutes=1)
    set_policy(workflow, now=now, mode="above", low=1.0, audit_share=0.25)
    route(workflow, 20, now=now, start=0)
    n_passed = Route.objects.filter(workflow=workflow, kind="auto").count()
    assert n_passed > 0

    text = page_of(client, f"/w/{workflow.slug}/trust/")

    assert f"<strong>{n_passed}</strong>" in text
    assert "own rule, not by these ladders" in text
    assert "no bound holds for what another rule passes" in text
    assert "at the present levels" not in text


def test_chart_marks_every_move_of_its_weeks_and_the_table_the_newest(
    client: Client, workflow: Workflow, earned: Segment, sam: User, clock: datetime
) -> None:
    client.force_login(sam)
    move = grant_step(workflow, earned, sam, now=clock)
    # ids tell the order: the old one is older than the twenty that the table holds
    long_ago = clock - timedelta(days=80)
    TrustMove.objects.bulk_create(
        repeated(move, at=at) for at in (long_ago, *[clock] * 20)
    )
    Tally.objects.create(
        workflow=workflow,
        day=long_ago.date(),
        figure="routes",
        key="policy",
        slot="review",
        n=5,
        is_loose=False,
    )

    answer = client.get(f"/w/{workflow.slug}/trust/")

    assert len(answer.context["moves"]) == 20
    assert answer.context["chart"].count("series-2 whisker") == 2


def repeated(move: TrustMove, *, at: datetime) -> TrustMove:
    given = {one.attname: getattr(move, one.attname) for one in move._meta.fields}
    return TrustMove(**given | {"id": uuid7(), "at": at})


def test_grant_shows_its_consequences_and_takes_a_reason(
    client: Client, workflow: Workflow, earned: Segment, sam: User
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/trust/{earned.pk}/grant/"
    assert "Grant 50" in page_of(client, f"/w/{workflow.slug}/trust/")
    assert "hours saved a week" in page_of(client, address)

    refused = client.post(address, {"level": 0, "reason": ""})
    granted = client.post(address, {"level": 0, "reason": "three clean weeks"})
    again = client.post(address, {"level": 0, "reason": "three clean weeks"})

    assert [one.status_code for one in (refused, granted, again)] == [422, 302, 409]
    move = TrustMove.objects.get()
    assert (move.by, move.reason, move.to_probability) == (
        sam,
        "three clean weeks",
        0.5,
    )
    assert Notice.objects.get().kind == "autonomy.granted"
    assert "three clean weeks" in page_of(client, f"/w/{workflow.slug}/trust/")


def test_withdrawal_takes_a_reason_and_tells(
    client: Client, workflow: Workflow, earned: Segment, sam: User
) -> None:
    client.force_login(sam)
    base = f"/w/{workflow.slug}/trust/{earned.pk}"
    client.post(f"{base}/grant/", {"level": 0, "reason": "clean"})

    answer = client.post(f"{base}/withdraw/", {"level": 1, "reason": "a complaint"})

    assert answer.status_code == 302
    earned.refresh_from_db()
    assert (earned.level, earned.review_probability) == (0, 1)
    kinds = Notice.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["autonomy.granted", "autonomy.withdrawn"]


def test_what_levels_let_through_is_bounded_by_their_traffic(
    workflow: Workflow, earned: Segment, sam: User, client: Client
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/trust/{earned.pk}/grant/"
    client.post(address, {"level": 0, "reason": "clean"})

    overview = trust_overview(workflow, now=timezone.now())

    own = next(one for one in overview.standings if one.assessed.segment == earned)
    bound = own.assessed.standing.bound
    assert own.traffic.n == needed(earned)
    assert overview.passed.at_most == pytest.approx(own.traffic.n * 0.5 * bound)


def test_plan_is_put_in_force_or_says_which_field_is_wrong(
    client: Client, workflow: Workflow, segment: Segment, sam: User
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/trust/plan/"
    answer = client.get(address + "?delta=0.01")
    form = answer.context["form"]
    terms = {name: form[name].value() for name in form.fields}
    assert terms["delta"] == "0.01"
    absent = {name for name, value in terms.items() if value is None or value is False}
    terms = {name: value for name, value in terms.items() if name not in absent}

    wrong = client.post(address, terms | {"ladder": "1 2", "reason": "tighter"})
    right = client.post(address, terms | {"reason": "tighter"})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert "falling from 1" in wrong.content.decode()
    last = TrustPlan.objects.order_by("-version").first()
    assert last is not None
    assert (last.delta, last.reason, last.ladder[0]) == (0.01, "tighter", 1)

    second = client.post(address, terms | {"reason": "from the other tab"})
    assert second.status_code == 422
    assert "Another version was put in force meanwhile." in second.content.decode()
    assert TrustPlan.objects.count() == last.version
    form = second.context["form"]
    assert form["reason"].value() == "from the other tab"
    known = {"reason": "from the other tab", "version": form["version"].value()}
    assert client.post(address, terms | known).status_code == 302
