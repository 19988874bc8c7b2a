"""The page of repair: counts first, a preview, then cases; twice is once."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Case, CaseEvent, Route, Segment
from reviewqueue.queries import repair as repair_queries
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import make_champion, raw_item, store
from tests.reviewqueue.services.repair_steps import pass_items

pytestmark = pytest.mark.django_db
PAGE = "/w/cards/repair/"
N = 8


@pytest.fixture
def now() -> datetime:
    """The page's clock is the real one."""
    return datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def web(client: Client, workflow: Workflow, sam: User, now: datetime) -> Client:
    make_champion(workflow, now=now)
    pass_items(workflow, N, now=now)
    client.force_login(sam)
    return client


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def look(web: Client, **asked: object) -> str:
    answer = web.get(PAGE, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_counts_and_preview_come_first(web: Client) -> None:
    found = look(web, n=3)

    assert "Put the 3 riskiest back" in found
    assert "Open 3 cases" in found
    assert found.count("/w/cards/items/") == N + 1  # the tab, and every item
    assert not Case.objects.exists()


def test_page_says_where_it_looked_at_a_part_only(
    web: Client, workflow: Workflow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "than is looked at in one go" not in look(web)
    later = now + timedelta(minutes=1)
    store(workflow, [raw_item(99, now=later, card_present="no")], now=later)
    process_batch(workflow=workflow, limit=1, now=later)
    monkeypatch.setattr(repair_queries, "MAX_LOOKED_AT", 1)

    found = look(web)

    assert "than is looked at in one go" in found
    assert datetime.fromisoformat(hidden(found)["since"]) == later
    assert "Open 1 case<" in found


def test_riskiest_are_put_back_with_a_reason(web: Client, sam: User) -> None:
    ranked = [one.pk for one in web.get(PAGE).context["page"].rows]

    answer = web.post(PAGE, {**hidden(look(web, n=3)), "reason": "rolled back"})

    assert answer.status_code == 302
    assert set(Case.objects.values_list("item_id", flat=True)) == set(ranked[:3])
    events = CaseEvent.objects.values_list("reason", "actor")
    assert set(events) == {("repair: rolled back", sam.pk)}
    shown = web.get(answer["Location"]).content.decode()
    assert "3 cases were opened." in shown
    assert shown.count("/w/cards/items/") == N - 3 + 1


def test_double_click_opens_no_further_case(web: Client) -> None:
    form = {**hidden(look(web, n=3)), "reason": "rolled back"}

    web.post(PAGE, form)
    again = web.post(PAGE, form, follow=True)

    assert Case.objects.count() == 3
    assert "Nothing was left to put back" in again.content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": ""}, "This field is required."),
        ({"reason": "a" * 501}, "at most 500 characters"),
        ({"last": "x"}, "not one of this list"),
        ({"since": "soon"}, "Enter a valid date/time."),
        ({"segment": "00000000-0000-7000-8000-000000000000"}, "Select a valid choice"),
        ({"version": "99"}, "Select a valid choice"),
    ],
)
def test_form_that_cannot_be_read_opens_nothing(
    web: Client, change: dict[str, str], words: str
) -> None:
    form = {**hidden(look(web, n=3)), "reason": "rolled back", **change}

    answer = web.post(PAGE, form)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Case.objects.exists()


@pytest.mark.parametrize("n", ["0", "10001", "many"])
def test_number_out_of_bounds_is_said(web: Client, n: str) -> None:
    answer = web.get(PAGE, {"n": n})

    assert answer.status_code == 422
    assert 'id="id_n_error"' in answer.content.decode()


def test_bad_cursor_is_the_first_page(web: Client) -> None:
    assert look(web, cursor="nothing").count("/w/cards/items/") == N + 1


def test_window_without_items(web: Client, now: datetime) -> None:
    found = look(web, since=(now + timedelta(minutes=1)).isoformat())

    assert "Nothing was decided without people in this time." in found
    assert "Open" not in re.findall(r"<button[^>]*>(\w+)", found)


def test_segment_narrows_the_list(
    web: Client, workflow: Workflow, now: datetime
) -> None:
    segment = Segment.objects.create(
        workflow=workflow,
        model_version=ModelVersion.objects.get(),
        slicing=1,
        label="fraud",
        low=0.2,
        high=1,
        n_sharing=1,
        share=1,
        evidence_since=now,
        moved_at=now,
        created_at=now,
    )

    found = look(web, segment=segment.pk)

    assert "version 1, Fraud, 20% to 100%" in found
    assert "Nothing was decided without people in this time." in found
    assert Route.objects.filter(kind=RouteKind.AUTO).count() == N


def test_engineer_may_not_repair(client: Client, web: Client, erin: User) -> None:
    client.force_login(erin)

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 403
