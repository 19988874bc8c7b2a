"""The pages of gold items and of reliance, and the same over the API."""

from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, GoldItem
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import claim, decide, open_cases

pytestmark = pytest.mark.django_db
GOLD = "/w/cards/gold/"
RELIANCE = "/w/cards/reliance/"
API = "/api/v1/workflows/cards"


@pytest.fixture
def at() -> datetime:
    return timezone.now() - timedelta(seconds=5)


@pytest.fixture
def waiting(workflow: Workflow, champion: ModelVersion, at: datetime) -> list[Case]:
    return open_cases(workflow, 3, now=at - timedelta(hours=1))


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(browser: Client, text: str | bytes) -> tuple[int, str]:
    data = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("known.csv", data, content_type="text/csv")
    answer = browser.post(GOLD, {"file": file}, follow=True)
    return answer.status_code, answer.content.decode()


def test_file_of_known_labels_becomes_gold(waiting: list[Case], sam: User) -> None:
    known = waiting[0].item.external_id

    status, page = send(
        signed_in(sam), f"\ufeffexternal_id,label,note\n{known},fraud,by hand\n\n"
    )

    assert status == 200
    assert "1 gold items were added" in page
    gold = GoldItem.objects.get()
    assert (gold.item.external_id, gold.label, gold.note) == (known, "fraud", "by hand")


def test_rows_with_errors_are_named_and_the_others_added(
    waiting: list[Case], sam: User
) -> None:
    known = waiting[0].item.external_id
    status, page = send(
        signed_in(sam), f"external_id,label\n{known},fraud\nnowhere,fraud\n,\nx,<b>\n"
    )

    assert status == 422
    assert "2 rows were left out" in page
    assert "external_id: no item has this id (nowhere)" in page
    assert "label: not a label of this workflow (&lt;b&gt;)" in page
    assert GoldItem.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,label\n1,fraud\n", "The column external_id is missing."),
        (b"\xff\xfe\x00", "The file is not UTF-8 text."),
        ("", "The submitted file is empty."),
    ],
)
def test_file_that_cannot_be_read_says_why(
    waiting: list[Case], sam: User, text: str | bytes, words: str
) -> None:
    status, page = send(signed_in(sam), text)

    assert status == 422
    assert words in page


def test_settled_item_is_made_gold_on_its_page(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, at: datetime
) -> None:
    browser = signed_in(sam)
    case = claim(workflow, alice, now=at)
    path = f"/w/cards/items/{case.item_id}/"
    assert "Make it gold" not in browser.get(path).content.decode()
    decide(case, alice, now=at, label="fraud")
    assert "Make it gold" in browser.get(path).content.decode()

    after = browser.post(f"{path}gold/", {"note": ""}, follow=True).content.decode()
    again = browser.post(f"{path}gold/", {"note": ""}, follow=True).content.decode()

    assert "The item is gold from now on." in after
    assert "its known label is <b>Fraud</b>" in after
    assert "is gold already" in again


def test_list_says_how_often_met_and_right_and_retires(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, at: datetime
) -> None:
    put_gold_plan(workflow, now=at, share=0.02)
    [gold] = gold_items(workflow, sam, now=at)
    answer_gold(workflow, alice, label="legitimate", now=at)
    browser = signed_in(sam)

    page = browser.get(GOLD).content.decode()
    browser.post(f"{GOLD}{gold.pk}/retire/", {"reason": "in doubt"})

    assert "of the claims of the review queue" in page
    assert "(n = 1, " in page
    assert gold.item.external_id not in browser.get(GOLD).content.decode()
    retired = browser.get(f"{GOLD}?retired=1").text
    assert "retired by sam: in doubt" in retired
    assert '<th scope="col">Retired</th>' in retired
    assert retired.count('<span class="quiet">Sam</span>') == 2  # added, retired
    assert '<th scope="col">Retired</th>' not in page


def test_api_adds_lists_and_retires(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, at: datetime
) -> None:
    case = claim(workflow, alice, now=at)
    decide(case, alice, now=at, label="legitimate")
    headers = bearer(ApiKeyFactory.create(owner=sam, scope_id=workflow.pk))
    other = waiting[-1].item.external_id
    items: list[dict[str, object]] = [
        {"external_id": case.item.external_id},
        {"external_id": other, "label": "fraud", "note": "register"},
        {"external_id": "nowhere"},
        {"external_id": waiting[1].item.external_id},
    ]

    made = Client().post(
        f"{API}/gold",
        {"items": items},
        content_type="application/json",
        headers=headers,
    )
    listed = Client().get(f"{API}/gold", headers=headers).json()["results"]
    retired = Client().post(
        f"/api/v1/gold/{listed[0]['id']}/retire",
        {"reason": "old"},
        content_type="application/json",
        headers=headers,
    )

    assert made.status_code == 201
    said = made.json()
    assert {one["external_id"]: one["label"] for one in said["added"]} == {
        case.item.external_id: "legitimate",
        other: "fraud",
    }
    assert [(one["index"], one["errors"][0]["rule"]) for one in said["refused"]] == [
        (2, "unknown"),
        (3, "not_settled"),
    ]
    assert [one["n_met"] for one in listed] == [0, 0]
    assert [one["retired_by"] for one in listed] == [None, None]
    assert retired.status_code == 200
    assert retired.json()["retired_at"] is not None
    assert retired.json()["retired_by"] == "sam"
    kept = Client().get(f"{API}/gold?retired=true", headers=headers).json()["results"]
    assert [one["retired_by"] for one in kept] == ["sam"]


@pytest.mark.parametrize(
    "body", [{}, {"items": "x"}, {"items": ["x"]}, {"items": [{"label": 3}]}]
)
def test_api_names_what_it_cannot_read(
    workflow: Workflow, sam: User, body: dict[str, object]
) -> None:
    headers = bearer(ApiKeyFactory.create(owner=sam, scope_id=workflow.pk))

    answer = Client().post(
        f"{API}/gold", body, content_type="application/json", headers=headers
    )

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_reviewer_sees_own_figures_and_supervisor_everybodys(
    workflow: Workflow,
    waiting: list[Case],
    alice: User,
    bob: User,
    sam: User,
    at: datetime,
) -> None:
    yesterday = at - timedelta(days=1)
    for person in (alice, bob):
        case = claim(workflow, person, now=at)
        Case.objects.filter(pk=case.pk).update(leased_at=yesterday)
        decide(case, person, now=yesterday, label="fraud")

    hers = signed_in(alice).get(RELIANCE).text
    all_of_them = signed_in(sam).get(RELIANCE).text
    named = [
        [one["username"] for one in answer.json()["people"]]
        for person in (alice, sam)
        for answer in [
            Client().get(
                f"{API}/reliance",
                headers=bearer(
                    ApiKeyFactory.create(owner=person, scope_id=workflow.pk)
                ),
            )
        ]
    ]

    assert "Your judgement" in hers
    assert bob.display_name not in hers
    assert "By reviewer" in all_of_them
    assert {alice.display_name, bob.display_name} <= {
        name for name in (alice.display_name, bob.display_name) if name in all_of_them
    }
    assert "too few" in all_of_them
    assert named == [["alice"], ["alice", "bob"]]


@pytest.mark.parametrize("days", ["0", "367", "x", "-1"])
def test_api_refuses_a_window_that_makes_no_sense(
    workflow: Workflow, sam: User, days: str
) -> None:
    headers = bearer(ApiKeyFactory.create(owner=sam, scope_id=workflow.pk))

    answer = Client().get(f"{API}/reliance?days={days}", headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "days"


def test_dashboard_shows_gold_beside_confirmation(
    workflow: Workflow, waiting: list[Case], alice: User, sam: User, at: datetime
) -> None:
    put_gold_plan(workflow, now=at)
    gold_items(workflow, sam, now=at)
    answer_gold(workflow, alice, label="fraud", now=at)
    decide(claim(workflow, alice, now=at), alice, now=at, label="fraud")

    page = signed_in(sam).get("/w/cards/dashboard/").text

    assert "Right on gold" in page
    assert "kind=gold" in page
