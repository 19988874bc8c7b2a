"""Rounds at the keyboard: five levels of triage, and samples that two people read."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, Decision, Label, Route
from reviewqueue.services.pipeline import process_batch
from tests.browser import violations
from tests.e2e.conftest import OpenPage
from tests.factories.predictions import set_policy, store
from tests.factories.triage import make_triage, make_triage_champion, visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = "/w/ed-triage/review/"


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_triage(now=now)


@pytest.fixture
def champion(workflow: Workflow, now: datetime) -> ModelVersion:
    return make_triage_champion(workflow, now=now)


@pytest.fixture
def patients_wait(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> Callable[[int, float], None]:
    def arrive(n: int, second_share: float) -> None:
        set_policy(workflow, now=now, second_opinion_share=second_share)
        values = {"patient_id": "p-1", "spo2": 96}
        rows = [
            visit(at, now=now, resp_rate=14 + 6 * at, heart_rate=70 + 9 * at, **values)
            for at in range(n)
        ]
        store(workflow, rows, now=now)
        process_batch(workflow=workflow, limit=n, now=now)

    return arrive


def shown(page: Page) -> str:
    return page.locator("#desk .title .chip.mono").inner_text()


def press(page: Page, key: str) -> str:
    """Press a key that ends the case, and return whose it was."""
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(before)
    return before


def test_triage_nurse_confirms_raises_and_escalates_with_keys_alone(
    open_page: OpenPage,
    patients_wait: Callable[[int, float], None],
    alice: User,
) -> None:
    patients_wait(4, 0.0)
    page = open_page(alice, DESK)
    assert violations(page) == []
    expect(page.locator(".standing").first).to_be_visible()

    confirmed = press(page, "c")
    route = Route.objects.get(item__external_id=shown(page))
    key, level = ("4", "orange") if route.label == "red" else ("5", "red")
    corrected = press(page, key)
    passed_on = shown(page)
    page.keyboard.press("e")
    expect(page.get_by_label("What should the adjudicator know?")).to_be_focused()
    page.keyboard.press("Enter")  # nothing without a reason
    assert Case.objects.get(item__external_id=passed_on).status == CaseStatus.LEASED
    page.keyboard.type("Skin is grey.")
    page.keyboard.press("Enter")
    expect(page.locator("#desk .title .chip.mono")).not_to_have_text(passed_on)

    found = {one.item.external_id: one for one in Decision.objects.all()}
    assert (found[confirmed].verdict, found[corrected].label) == ("confirm", level)
    escalated = Case.objects.get(item__external_id=passed_on, kind="review")
    assert escalated.status == CaseStatus.ESCALATED
    assert escalated.events.get(kind="escalated").reason == "Skin is grey."


def test_second_reader_reads_apart_and_a_third_person_decides_with_keys_alone(
    open_page: OpenPage,
    patients_wait: Callable[[int, float], None],
    alice: User,
    bob: User,
    carol: User,
) -> None:
    patients_wait(1, 1.0)
    first = open_page(alice, DESK)
    first.keyboard.press("5")
    expect(first.locator("#desk").get_by_role("status")).to_contain_text("Red")

    second = open_page(bob, DESK)
    expect(second.locator("#desk")).to_contain_text("second opinion")
    expect(second.locator("#desk")).to_contain_text("withheld until you have judged")
    expect(second.locator("#desk .desk-main, #desk .opinions")).not_to_contain_text(
        "Red"
    )
    second.keyboard.press("1")
    expect(second.locator("#desk").get_by_role("status")).to_contain_text(
        "You said Blue"
    )

    third = open_page(carol, DESK)
    expect(third.locator("#desk .opinions")).to_contain_text("Red")
    expect(third.locator("#desk .opinions")).to_contain_text("Blue")
    assert violations(third) == []
    third.keyboard.press("4")
    expect(third.locator("#desk").get_by_role("status")).to_contain_text("Orange")
    assert Label.objects.get().label == "orange"
