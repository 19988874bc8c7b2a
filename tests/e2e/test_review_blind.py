"""A blind case: nothing that the model said reaches the browser before the call."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from playwright.sync_api import Route as NetworkRoute

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Case, Decision, Route
from tests.e2e.conftest import OpenPage
from tests.e2e.test_keyboard import REVIEW, press, shown
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.predictions import set_policy
from ui import numbers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def blind(
    workflow: Workflow, fill: Callable[[int], Workflow], now: datetime
) -> Workflow:
    set_policy(workflow, now=now, blind_share=1.0)
    fill(1)
    assert Case.objects.get().blind
    return workflow


def tells(body: str, route: Route) -> list[str]:
    """Return what in an answer gives the model away."""
    assert route.model_version is not None
    assert route.probability is not None
    words = (
        "Confirm:",
        "The model recommends",
        "What moved the score",
        "right in",
        route.model_version.short_name,
        str(route.model_version.pk),
        f"{route.probability:.4f}"[:6],
        numbers.percent(route.probability),
        f"{route.score:.3f}",
        '"recommended_label"',
        '"probability"',
    )
    # As words: random tokens and times of day may hold any of them by chance.
    return [
        one for one in words if re.search(rf"(?<![\w.]){re.escape(one)}(?!\w)", body)
    ]


def listen(page: Page) -> list[str]:
    """Keep the body of every page and fragment of the workflow."""
    bodies: list[str] = []

    def keep(route: NetworkRoute) -> None:
        answer = route.fetch(max_redirects=0)
        bodies.append(answer.text())
        route.fulfill(response=answer)

    page.route("**/w/cards/**", keep)
    return bodies


def test_nothing_is_told_before_the_call_and_all_of_it_after(
    open_page: OpenPage, blind: Workflow, alice: User
) -> None:
    page = open_page(alice, "/")
    bodies = listen(page)
    case = Case.objects.select_related("item", "route__model_version").get()
    page.goto(REVIEW)
    expect(page.get_by_text("withheld until you have judged")).to_be_visible()
    assert page.locator("button.primary[name=verdict]").count() == 0

    for path in ("cases/", f"cases/{case.pk}/", "items/", f"items/{case.item_id}/"):
        page.goto(f"/w/cards/{path}")
    page.goto(REVIEW)

    assert len(bodies) >= 6
    assert [found for body in bodies if (found := tells(body, case.route))] == []
    page.unroute("**/w/cards/**")
    page.keyboard.press("2")
    expect(page.get_by_text("the model had said")).to_contain_text("Legitimate")
    assert Decision.objects.get().blind


def test_nothing_is_told_over_the_api(blind: Workflow, alice: User) -> None:
    case = Case.objects.select_related("item", "route__model_version").get()
    key = ApiKeyFactory.create(owner=alice, scope_id=blind.pk)
    base = "/api/v1"

    for path in (
        f"{base}/cases/{case.pk}",
        f"{base}/workflows/cards/cases",
        f"{base}/workflows/cards/items",
        f"{base}/workflows/cards/items/{case.item.external_id}",
    ):
        answer = Client().get(path, headers=bearer(key))
        assert answer.status_code == 200
        body = answer.content.decode()
        leaks = [one for one in tells(body, case.route) if not one.startswith('"')]
        assert leaks == [], path


def test_reveal_stays_while_the_next_case_is_blind_too(
    open_page: OpenPage, fill: Callable[[int], Workflow], blind: Workflow, alice: User
) -> None:
    fill(3)
    page = open_page(alice, REVIEW)

    first = shown(page)
    assert press(page, "1") != first

    expect(page.locator("#desk [role=status]")).to_contain_text("the model agrees")
    expect(page.get_by_text("withheld until you have judged")).to_be_visible()
