"""The reviewer's page: the same with htmx and without."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, Decision
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_champion, make_items, set_policy

pytestmark = pytest.mark.django_db
HEADERS = [{}, {"HX-Request": "true"}]


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def queue(workflow: Workflow, champion: ModelVersion, now: datetime) -> Workflow:
    make_items(workflow, 4, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    return workflow


@pytest.fixture
def desk(client: Client, queue: Workflow, alice: User) -> Client:
    client.force_login(alice)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:{name}", args=["cards", *args])


def held_by(user: User) -> Case:
    return Case.objects.get(leased_by=user)


def test_page_leases_one_case_and_keeps_it_on_reload(desk: Client, alice: User) -> None:
    first = desk.get(url("review"))
    case = held_by(alice)
    second = desk.get(url("review"))

    assert first.status_code == 200
    assert case.item.external_id in first.content.decode()
    assert held_by(alice) == case
    assert case.item.external_id in second.content.decode()
    assert "Confirm: Legitimate" in first.content.decode()


@pytest.mark.parametrize("headers", HEADERS)
def test_decision_is_stored_and_next_case_shown(
    desk: Client, alice: User, headers: dict[str, str]
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    answer = desk.post(
        url("review-decide", case.pk),
        {"lease_token": case.lease_token, "verdict": "confirm"},
        headers=headers,
        follow=not headers,
    )

    assert answer.status_code == 200
    decision = Decision.objects.get()
    assert (decision.verdict, decision.label) == ("confirm", "legitimate")
    text = answer.content.decode()
    assert held_by(alice).item.external_id in text
    assert "Undo" in text
    assert ("<html" in text) is not bool(headers)


@pytest.mark.parametrize("headers", HEADERS)
def test_double_submit_decides_once(
    desk: Client, alice: User, headers: dict[str, str]
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    data = {"lease_token": case.lease_token, "label": "fraud"}
    for _ in range(2):
        desk.post(url("review-decide", case.pk), data, headers=headers)

    assert Decision.objects.count() == 1


def test_lost_lease_says_so_and_shows_the_next_case(
    desk: Client, alice: User, bob: User, now: datetime
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    token = case.lease_token
    Case.objects.filter(pk=case.pk).update(leased_by=bob)

    answer = desk.post(
        url("review-decide", case.pk), {"lease_token": token, "verdict": "confirm"}
    )

    assert answer.status_code == 409
    assert "no longer yours" in answer.content.decode()
    assert Decision.objects.count() == 0


def test_invalid_label_is_refused_with_the_case_still_there(
    desk: Client, alice: User
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    answer = desk.post(
        url("review-decide", case.pk),
        {"lease_token": case.lease_token, "label": "nonsense"},
    )

    assert answer.status_code == 422
    assert "Nothing was decided" in answer.content.decode()
    assert held_by(alice) == case


def test_undo_brings_the_case_back(desk: Client, alice: User) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    desk.post(
        url("review-decide", case.pk),
        {"lease_token": case.lease_token, "verdict": "confirm"},
    )
    answer = desk.post(url("review-undo", Decision.objects.get().pk), follow=True)

    assert answer.status_code == 200
    case.refresh_from_db()
    assert case.status == CaseStatus.LEASED
    assert case.item.external_id in answer.content.decode()


def test_prefetch_leases_one_more_and_only_one(desk: Client, alice: User) -> None:
    desk.get(url("review"))
    for _ in range(3):
        assert desk.post(url("review-prefetch")).status_code == 204

    assert Case.objects.filter(leased_by=alice).count() == 2


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("review-skip", {"reason": "I know the customer"}),
        ("review-snooze", {"until": "240"}),
        ("review-escalate", {"reason": "odd"}),
    ],
)
@pytest.mark.parametrize("headers", HEADERS)
def test_case_leaves_the_desk(
    desk: Client,
    alice: User,
    action: str,
    data: dict[str, str],
    headers: dict[str, str],
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    answer = desk.post(
        url(action, case.pk),
        {"lease_token": case.lease_token, **data},
        headers=headers,
    )

    assert answer.status_code == (200 if headers else 302)
    case.refresh_from_db()
    assert case.leased_by is None
    expected = {
        "review-skip": CaseStatus.PENDING,
        "review-snooze": CaseStatus.SNOOZED,
        "review-escalate": CaseStatus.ESCALATED,
    }
    assert case.status == expected[action]


def test_blind_page_holds_no_trace_of_the_recommendation(
    client: Client, workflow: Workflow, alice: User, now: datetime
) -> None:
    version = make_champion(workflow, now=now)
    set_policy(workflow, now=now, blind_share=1.0)
    make_items(workflow, 1, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    client.force_login(alice)

    pages = [client.get(url("review"))]
    case = held_by(alice)
    pages += [
        client.get(url("case-detail", case.pk)),
        client.get(url("item-detail", case.item_id)),
        client.get(url("case-list")),
        client.get(url("item-list")),
    ]

    for page in pages:
        text = page.content.decode()
        assert page.status_code == 200
        assert "Confirm:" not in text
        assert "The model recommends" not in text
        assert str(version.pk) not in text
        assert f"{case.priority:.2f}" not in text
    assert "withheld until you have judged" in pages[0].content.decode()
    answer = client.post(
        url("review-decide", case.pk),
        {"lease_token": case.lease_token, "label": "fraud"},
        follow=True,
    )
    assert Decision.objects.get().blind is True
    assert "All done" in answer.content.decode()


def test_empty_queue_says_why(client: Client, workflow: Workflow, alice: User) -> None:
    client.force_login(alice)

    assert "Nothing has come in yet" in client.get(url("review")).content.decode()


def test_nobody_else_gets_in(
    client: Client, queue: Workflow, mallory: User, sam: User
) -> None:
    assert client.get(url("review")).status_code == 302
    client.force_login(mallory)
    assert client.get(url("review")).status_code == 404
    client.force_login(sam)
    assert client.get(url("review")).status_code == 403


def test_lists_and_details_open(
    client: Client, queue: Workflow, sam: User, erin: User
) -> None:
    client.force_login(sam)
    case = Case.objects.order_by("pk").first()
    assert case is not None
    names = ["case-list", "item-list", "quarantine-list", "decision-list", "policy"]

    assert [client.get(url(name)).status_code for name in names] == [200] * 5
    assert client.get(url("case-detail", case.pk)).status_code == 200
    assert client.get(url("item-detail", case.item_id)).status_code == 200
    assert client.get("/").status_code == 200
    for page in ("lifecycle:model-list", "predictions:workflow-settings"):
        path = reverse(page, args=["cards"])
        assert client.get(path).status_code == 200


def test_snooze_past_its_moment_comes_back(
    desk: Client, alice: User, now: datetime
) -> None:
    desk.get(url("review"))
    case = held_by(alice)
    answer = desk.post(
        url("review-snooze", case.pk),
        {
            "lease_token": case.lease_token,
            "at": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        },
    )

    assert answer.status_code == 422
    assert "must be in the future" in answer.content.decode()
