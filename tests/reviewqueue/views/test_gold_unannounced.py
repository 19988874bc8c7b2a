"""Gold before the eyes of reviewers: the same pages and answers as for any case."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, GoldItem, Label
from reviewqueue.services.decisions import add_note
from reviewqueue.services.gold import add_settled
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.reviewqueue.services.gold_steps import (
    claim_gold,
    every_claim_drawn,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import claim, decide, open_cases, token

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def at() -> datetime:
    """Now: what pages show goes by the clock."""
    return timezone.now() - timedelta(seconds=5)


@pytest.fixture
def settled(
    workflow: Workflow, champion: ModelVersion, bob: User, sam: User, at: datetime
) -> GoldItem:
    """A gold item that bob has decided and noted; another case waits."""
    open_cases(workflow, 2, now=at - timedelta(hours=1))
    case = claim(workflow, bob, now=at)
    decide(case, bob, now=at, label="fraud")
    add_note(case=case, author=bob, text="the card was stolen", now=at)
    return add_settled(item=case.item, by=sam, note="plain", now=at)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def keyed(person: User, workflow: Workflow) -> dict[str, str]:
    return bearer(ApiKeyFactory.create(owner=person, scope_id=workflow.pk))


def own_pages(gold: GoldItem, case: Case) -> list[str]:
    return [
        f"/w/cards/review/?case={case.pk}",
        f"/w/cards/items/{gold.item_id}/",
        f"/w/cards/cases/{case.pk}/",
        "/w/cards/cases/",
        "/w/cards/cases/?kind=review",
        "/w/cards/decisions/",
        f"/w/cards/items/?q={gold.item.external_id}",
    ]


@pytest.mark.parametrize("is_decided", [False, True])
def test_no_page_gives_gold_away(
    workflow: Workflow, settled: GoldItem, alice: User, at: datetime, is_decided: bool
) -> None:
    put_gold_plan(workflow, now=at)
    case = claim_gold(workflow, alice, now=at)
    if is_decided:
        decide(case, alice, now=at, label="legitimate")
    browser = signed_in(alice)

    with every_claim_drawn(False):
        pages = [browser.get(path) for path in own_pages(settled, case)]

    assert {page.status_code for page in pages} == {200}
    for page in pages:
        text = page.content.decode()
        assert not re.search(r"gold(?!en)", text, re.IGNORECASE), page.request
        assert "stolen" not in text
        assert "bob" not in text.lower()
        assert 'value="gold"' not in text


@pytest.mark.parametrize("is_decided", [False, True])
def test_no_answer_gives_gold_away(
    workflow: Workflow, settled: GoldItem, alice: User, at: datetime, is_decided: bool
) -> None:
    put_gold_plan(workflow, now=at)
    case = claim_gold(workflow, alice, now=at)
    if is_decided:
        decide(case, alice, now=at, label="legitimate")
    headers = keyed(alice, workflow)
    item = settled.item.external_id

    answers = [
        Client().get(f"{API}{path}", headers=headers)
        for path in (
            f"/workflows/cards/items/{item}",
            f"/cases/{case.pk}",
            "/workflows/cards/cases",
            "/workflows/cards/cases?kind=review",
        )
    ]

    assert {one.status_code for one in answers} == {200}
    for one in answers:
        assert not re.search(r"gold|stolen|bob|fraud_known", one.content.decode())
    story = answers[0].json()
    assert [one["kind"] for one in story["cases"]] == ["review"]
    assert [one["id"] for one in story["cases"]] == [str(case.pk)]
    told = [one["label"] for one in story["labels"]]
    assert told == (["legitimate"] if is_decided else [])
    assert story["outcomes"] == []


def test_claim_and_decision_answer_as_for_any_case(
    workflow: Workflow, settled: GoldItem, alice: User, at: datetime
) -> None:
    put_gold_plan(workflow, now=at)
    headers = keyed(alice, workflow)

    with every_claim_drawn():
        gold = _claim_over_api(headers)
    with every_claim_drawn(False):
        ordinary = _claim_over_api(headers)
    said = [_decide_over_api(headers, one) for one in (gold, ordinary)]

    assert gold["external_id"] == settled.item.external_id
    assert set(gold) == set(ordinary)
    assert gold["kind"] == ordinary["kind"] == "review"
    assert gold["assigned_to"] is None
    assert gold["created_at"] == ordinary["created_at"]
    assert gold["route"]["kind"] == "review"
    assert set(said[0]) == set(said[1])
    for name in ("case_kind", "final_label", "needs_second_opinion", "case_status"):
        assert said[0][name] == said[1][name]
    assert Label.objects.filter(item=settled.item).count() == 1


def _claim_over_api(headers: dict[str, str]) -> dict[str, object]:
    answer = Client().post(
        f"{API}/workflows/cards/cases/claim",
        "{}",
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


def _decide_over_api(
    headers: dict[str, str], case: dict[str, object]
) -> dict[str, object]:
    answer = Client().post(
        f"{API}/cases/{case['id']}/decision",
        {"lease_token": case["lease_token"], "label": "legitimate"},
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == 201
    said: dict[str, object] = answer.json()
    return said


def test_others_find_no_trace_of_a_gold_case(
    workflow: Workflow,
    settled: GoldItem,
    alice: User,
    bob: User,
    carol: User,
    at: datetime,
) -> None:
    put_gold_plan(workflow, now=at)
    case = claim_gold(workflow, alice, now=at)
    add_note(case=case, author=alice, text="odd amount", now=at)

    for person in (bob, carol):
        browser = signed_in(person)
        item = browser.get(f"/w/cards/items/{settled.item_id}/").content.decode()
        assert str(case.pk) not in item
        assert "odd amount" not in item
        assert "stolen" in item
        assert str(case.pk) not in browser.get("/w/cards/cases/").content.decode()
        assert browser.get(f"/w/cards/cases/{case.pk}/").status_code == 404
        headers = keyed(person, workflow)
        answer = Client().get(f"{API}/cases/{case.pk}", headers=headers)
        assert answer.status_code == 404


def test_supervisor_sees_gold_as_gold_and_not_among_the_work(
    workflow: Workflow, settled: GoldItem, alice: User, sam: User, at: datetime
) -> None:
    put_gold_plan(workflow, now=at)
    case = claim_gold(workflow, alice, now=at)
    decide(case, alice, now=at, label="legitimate")
    browser = signed_in(sam)

    def shows(path: str) -> bool:
        return str(case.pk) in browser.get(path).content.decode()

    assert not shows("/w/cards/cases/")
    assert shows("/w/cards/cases/?kind=gold")
    assert not shows("/w/cards/decisions/")
    assert not shows("/w/cards/decisions/?readings=1")
    assert shows("/w/cards/decisions/?kind=gold")
    assert shows(f"/w/cards/items/{settled.item_id}/")


@pytest.mark.parametrize("label", ["fraud", "legitimate"])
def test_known_label_is_told_after_the_decision_where_the_plan_coaches(
    workflow: Workflow, settled: GoldItem, alice: User, at: datetime, label: str
) -> None:
    put_gold_plan(workflow, now=at, coaching=True)
    case = claim_gold(workflow, alice, now=at)
    browser = signed_in(alice)
    with every_claim_drawn(False):
        before = browser.get("/w/cards/review/").content.decode()
        answer = browser.post(
            f"/w/cards/review/{case.pk}/decide/",
            {"lease_token": str(token(case)), "label": label},
            follow=True,
        ).content.decode()

    assert "gold" not in before.lower()
    assert "That was a gold item; its known label is <b>Fraud</b>" in answer
    assert ("you said otherwise" in answer) == (label != "fraud")
    assert "/undo/" not in answer


def test_gold_is_no_part_of_what_waits(
    workflow: Workflow, settled: GoldItem, alice: User, sam: User, at: datetime
) -> None:
    put_gold_plan(workflow, now=at)
    gold_items(workflow, sam, now=at)
    path = f"{API}/workflows/cards/metrics"
    headers = keyed(sam, workflow)
    before = Client().get(path, headers=headers).json()

    decide(claim_gold(workflow, alice, now=at), alice, now=at, label="fraud")
    claim_gold(workflow, alice, now=at)
    after = Client().get(path, headers=headers).json()

    for name in ("backlog", "n_decided", "sla_kept", "seconds_per_decision"):
        assert before["operations"][name] == after["operations"][name]
    assert after["confirmation"]["total"].pop("gold")["n"] == 1
    assert before["confirmation"]["total"].pop("gold")["n"] == 0
    assert before["confirmation"]["total"] == after["confirmation"]["total"]
