"""Fields on the desk: filled in, corrected, refused beside the field, never lost."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.models import Case, Decision, Tally
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.field_steps import (
    BOX,
    VALUES,
    champion_elsewhere,
    with_fields,
)
from tests.reviewqueue.services.steps import open_cases

pytestmark = pytest.mark.django_db
PREFIXES = ("field-", "with-fields")


class _Form(HTMLParser):
    """Collects what a browser would send of the fields."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "option" and "selected" in given:
            self.sent[self._name] = given["value"] or ""
        elif tag in {"input", "select", "textarea"} and name.startswith(PREFIXES):
            self._name = name
            if given.get("type") != "checkbox":
                self.sent[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and not self.sent.get(self._name):
            self.sent[self._name] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        self.lasttag = ""


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def entries(workflow: Workflow, settings: Any, now: datetime) -> Iterator[Workflow]:  # noqa: ANN401 -- a fixture
    model_health.forget_all()
    declared = with_fields(workflow, now=now)
    with champion_elsewhere(declared, settings, now=now):
        yield declared
    model_health.forget_all()


@pytest.fixture
def desk(client: Client, entries: Workflow, alice: User) -> Client:
    client.force_login(alice)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:{name}", args=["cards", *args])


def as_filled_in(page: str) -> dict[str, str]:
    """Return what a browser would send of the fields, untouched."""
    form = _Form()
    form.feed(page)
    return form.sent


def opened(desk: Client) -> tuple[Case, dict[str, str], str]:
    page = desk.get(url("review")).content.decode()
    case = Case.objects.get(status="leased", leased_by__username="alice")
    sent = as_filled_in(page) | {"lease_token": str(case.lease_token)}
    return case, sent, page


def test_confirming_the_form_as_it_is_confirms(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, page = opened(desk)
    answer = desk.post(url("review-decide", case.pk), sent | {"verdict": "confirm"})

    assert answer.status_code == 302
    decision = Decision.objects.get()
    assert (decision.verdict, decision.corrected) == ("confirm", [])
    assert decision.fields == VALUES
    assert page.index("Batch") < page.index("Defects") < page.index("Torque")
    assert re.search(r"60\W% sure", page)
    assert "heard from 1.2 s to 1.9 s" in page


def test_a_corrected_field_is_an_override_of_it_alone(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 2, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-batch": "48", "verdict": "confirm"}
    answer = desk.post(url("review-decide", case.pk), sent, follow=True)

    decision = Decision.objects.get()
    assert (decision.verdict, decision.corrected) == ("override", ["batch"])
    assert decision.fields == {**VALUES, "batch": 48}
    assert "You corrected <b>Batch</b>" in answer.content.decode()


def test_regions_are_rows_of_numbers(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-defects-0-off": "on"}
    sent |= {f"field-defects-1-{name}": "7" for name in "xywh"}
    sent |= {"field-defects-1-class": "scratch", "verdict": "confirm"}
    desk.post(url("review-decide", case.pk), sent)

    fields = Decision.objects.get().fields
    assert fields is not None
    assert fields["defects"] == [
        {"x": 7.0, "y": 7.0, "w": 7.0, "h": 7.0, "class": "scratch"}
    ]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_error_stands_beside_its_field_and_all_is_kept(
    desk: Client, entries: Workflow, now: datetime, headers: dict[str, str]
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-torque": "twelve", "field-batch": "48", "note": "hm"}
    sent |= {"field-defects-1-x": "7", "verdict": "confirm"}
    answer = desk.post(url("review-decide", case.pk), sent, headers=headers)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“twelve” is not a number, with a point before its decimals" in page
    assert 'aria-describedby="field-torque-error"' in page
    kept = as_filled_in(page)
    assert (kept["field-torque"], kept["field-batch"]) == ("twelve", "48")
    assert kept["field-defects-1-x"] == "7"
    assert page.count("is needed") == 4  # width, height, top and class of that row
    assert not Decision.objects.exists()


def test_another_label_leaves_out_what_it_does_not_ask_for(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-why": "bent"}
    desk.post(url("review-decide", case.pk), sent | {"verdict": "confirm"})

    assert Decision.objects.get().fields == VALUES


def test_cannot_tell_needs_no_fields(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-torque": "x", "verdict": "unsure"}
    desk.post(url("review-decide", case.pk), sent)

    assert Decision.objects.get().fields is None


def test_blind_form_is_empty(desk: Client, entries: Workflow, now: datetime) -> None:
    set_policy(entries, now=now, blind_share=1.0)
    open_cases(entries, 1, now=now)
    case, sent, page = opened(desk)

    assert "sure</span>" not in page
    assert {value for name, value in sent.items() if name.startswith("field-")} == {""}
    sent |= {"label": "legitimate"}
    answer = desk.post(url("review-decide", case.pk), sent)
    assert "Torque: is needed" in answer.content.decode()
    sent |= {"field-torque": "12.5", "field-batch": "47", "field-tool": "hand"}
    answer = desk.post(url("review-decide", case.pk), sent, follow=True)
    assert "filled in otherwise: <b>Defects</b>" in answer.content.decode()


def test_double_click_is_no_contradiction(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-batch": "48", "verdict": "confirm"}
    first = desk.post(url("review-decide", case.pk), sent)
    again = desk.post(url("review-decide", case.pk), sent)
    other = desk.post(url("review-decide", case.pk), sent | {"field-batch": "49"})

    assert (first.status_code, again.status_code) == (302, 302)
    assert other.status_code == 409
    assert "Batch <q>49</q>" in other.content.decode()


def test_what_was_entered_is_told_when_the_case_is_lost(
    desk: Client, entries: Workflow, bob: User, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    Case.objects.filter(pk=case.pk).update(leased_by=bob)
    sent |= {"field-batch": "48", "verdict": "confirm"}
    answer = desk.post(url("review-decide", case.pk), sent)

    assert answer.status_code == 409
    assert "You had entered: Batch <q>48</q>." in answer.content.decode()


def test_adjudicator_sees_the_readings_side_by_side(
    desk: Client, entries: Workflow, bob: User, carol: User, now: datetime
) -> None:
    set_policy(entries, now=now, second_opinion_share=1.0)
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    desk.post(url("review-decide", case.pk), sent | {"verdict": "confirm"})
    desk.force_login(bob)
    page = desk.get(url("review")).content.decode()
    second = Case.objects.get(kind="second")
    assert str(VALUES["batch"]) not in as_filled_in(page).values()
    sent |= {"lease_token": str(second.lease_token), "label": "legitimate"}
    desk.post(url("review-decide", second.pk), sent | {"field-batch": "48"})
    desk.force_login(carol)
    page = desk.get(url("review")).content.decode()

    assert page.count('class="differs"') == 1
    row = page[page.index('class="differs"') :]
    row = row[: row.index("</tr>")]
    assert re.findall(r"<td>([^<]*)</td>", row) == ["47", "47", "48"]


def test_number_is_read_back_to_the_last_digit(
    desk: Client,
    entries: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> None:
    said = {"torque": {"value": 0.1 + 0.2}, "defects": {"value": [{**BOX, "x": 1 / 3}]}}
    with champion_elsewhere(entries, settings, said, now=now):
        open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    desk.post(url("review-decide", case.pk), sent | {"verdict": "confirm"})

    fields = Decision.objects.get().fields
    assert fields is not None
    assert fields["torque"] == 0.1 + 0.2
    assert fields["defects"][0]["x"] == 1 / 3


def test_item_page_tells_what_was_filled_in_corrected_and_true(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    sent |= {"field-batch": "48", "verdict": "confirm"}
    desk.post(url("review-decide", case.pk), sent)
    page = desk.get(url("item-detail", case.item_id)).content.decode()

    lines = re.findall(
        r"<li><span class=\"quiet\">Batch</span> <b>(\d+)</b>(.*)</li>", page
    )
    assert [value for value, _ in lines] == ["47", "48", "48"]
    assert ["corrected" in more for _, more in lines] == [False, True, False]
    assert re.search(r"60\W% sure", page)
    listed = desk.get(url("decision-list")).content.decode()
    assert "1 field</span>" in listed


def test_decision_is_amended_with_its_fields(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 1, now=now)
    case, sent, _ = opened(desk)
    desk.post(url("review-decide", case.pk), sent | {"verdict": "confirm"})
    first = Decision.objects.get()
    form = as_filled_in(desk.get(url("case-detail", case.pk)).content.decode())
    form |= {"label": "legitimate", "reason": "misread", "field-batch": "x"}
    refused = desk.post(url("decision-amend", first.pk), form)
    amended = desk.post(url("decision-amend", first.pk), form | {"field-batch": "48"})

    assert refused.status_code == 409
    assert "“x” is not a whole number" in refused.content.decode()
    assert amended.status_code == 302
    second = Decision.objects.get(supersedes=first)
    assert (second.verdict, second.corrected) == ("override", ["batch"])
    assert second.fields == {**VALUES, "batch": 48}


def test_rates_count_a_corrected_field_as_an_override(
    desk: Client, entries: Workflow, now: datetime
) -> None:
    open_cases(entries, 2, now=now)
    for batch in ("47", "48"):
        case, sent, _ = opened(desk)
        sent |= {"field-batch": batch, "verdict": "confirm"}
        desk.post(url("review-decide", case.pk), sent)
    counted = Tally.objects.filter(figure="total", label="", model="")

    found = {one.slot: one.n for one in counted}
    assert found == {"shown.confirm": 1, "shown.override": 1}
