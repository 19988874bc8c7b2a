"""The same desk with scripts turned off: plain forms, whole pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case, CaseSkip, Decision
from tests.e2e.conftest import OpenPage, Watch
from tests.e2e.test_keyboard import REVIEW, shown

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Fill = Callable[[int], Workflow]


def click(page: Page, name: str) -> str:
    """Click a button that ends the case, and return the item that is shown next."""
    page.get_by_role("button", name=name).first.click()
    return shown(page)


def test_ten_cases_are_decided(open_page: OpenPage, fill: Fill, alice: User) -> None:
    fill(11)
    page = open_page(alice, REVIEW, java_script_enabled=False)

    seen = [shown(page)]
    seen += [click(page, "Confirm" if turn % 2 else "Fraud") for turn in range(10)]

    assert len(set(seen)) == 11
    decided = Decision.objects.order_by("decided_at")
    assert [one.item.external_id for one in decided] == seen[:10]
    assert [one.label for one in decided] == ["fraud", "legitimate"] * 5


def test_undo_note_skip_and_escalation(
    open_page: OpenPage, fill: Fill, alice: User
) -> None:
    fill(4)
    page = open_page(alice, REVIEW, java_script_enabled=False)
    first = shown(page)
    click(page, "Confirm")
    assert click(page, "Undo") == first

    page.locator("summary", has_text="Note").click()
    page.get_by_label("Note", exact=True).fill("seen twice")
    second = click(page, "Confirm")
    page.locator("summary", has_text="Skip").click()
    page.get_by_label("Why do you skip it?").fill("know the customer")
    third = click(page, "Skip for me")
    page.locator("summary", has_text="Escalate").click()
    page.get_by_label("What should the adjudicator know?").fill("odd")
    page.locator(".menu .button.primary", has_text="Escalate").click()

    live = Decision.objects.get(retraction=None)
    assert (live.item.external_id, live.note) == (first, "seen twice")
    assert CaseSkip.objects.get().case.item.external_id == second
    escalated = Case.objects.get(status=CaseStatus.ESCALATED)
    assert escalated.item.external_id == third


def test_refused_call_says_why_and_keeps_the_note(
    open_page: OpenPage, fill: Fill, watch: Watch, alice: User
) -> None:
    watch.expected += ["422", "409"]
    fill(2)
    page = open_page(alice, REVIEW, java_script_enabled=False)
    page.locator("summary", has_text="Note").click()
    page.get_by_label("Note", exact=True).fill("not lost")
    case = Case.objects.get(item__external_id=shown(page))
    Case.objects.filter(pk=case.pk).update(
        status=CaseStatus.PENDING,
        leased_by=None,
        lease_token=None,
        lease_slot=None,
        leased_at=None,
        lease_expires_at=None,
        opened_at=None,
    )

    page.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("alert")).to_contain_text("no longer yours")
    expect(page.get_by_role("alert")).to_contain_text("not lost")
    assert not Decision.objects.exists()
