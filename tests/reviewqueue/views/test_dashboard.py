"""The supervisor's page: every figure opens the cases that it counts."""

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from accounts.permissions import Permission
from accounts.services_keys import create_api_key
from predictions.models import ModelVersion, Workflow
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.workers import leave_sign
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import (
    OTHER,
    claim,
    decide,
    decide_unsure,
    maybe_claim,
    open_cases,
)
from tests.reviewqueue.services.trust_steps import route

pytestmark = pytest.mark.django_db
URL = "/w/cards/dashboard/"
RATE_LINK = re.compile(
    r'<a href="([^"]+)"><span class="rate"><b>([^<]+)\xa0%</b> '
    r'<span class="n"[^>]*>\(n = (\d+)'
)
# These open what the rate counts, the others all that it is a share of.
OPENS_THE_COUNTED = ("verdict=override", "route=", "route_reason", "received_from")


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def decided(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> Workflow:
    """Eight cases: shown and blind, confirmed, overridden, unsure, undone, waiting."""
    then = now - timedelta(minutes=5)
    set_policy(workflow, now=then, blind_share=0.4)
    open_cases(workflow, 8, now=then)
    seen = []
    for number in range(6):
        person = bob if number % 2 else alice
        case = claim(workflow, person, now=then)
        seen.append(case.item.external_id)
        if number == 4:
            decide_unsure(case, person, now=then)
        else:
            label = OTHER[case.route.label] if number == 3 else case.route.label
            decide(case, person, now=then, label=label)
    undone = decide(claim(workflow, alice, now=then), alice, now=then).decision
    undo_decision(decision_id=undone.pk, by=alice, now=then)
    truths = zip(seen, ("fraud", "legitimate"), strict=False)
    news = [OutcomeRow(item, label, then) for item, label in truths]
    record_outcomes(workflow=workflow, rows=news, by=None, now=then)
    return workflow


def page(client: Client, person: User, query: str = "") -> str:
    client.force_login(person)
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_rate_opens_as_many_rows_as_it_is_a_share_of(
    client: Client, decided: Workflow, sam: User
) -> None:
    found = RATE_LINK.findall(page(client, sam))

    assert len(found) > 10
    for address, percent, n in found:
        rows = client.get(html.unescape(address)).context["page"].rows
        counted = any(part in address for part in OPENS_THE_COUNTED)
        n_expected = round(float(percent) * int(n) / 100) if counted else int(n)
        assert len(rows) == n_expected, address


def test_table_stands_behind_every_chart(
    client: Client, decided: Workflow, sam: User
) -> None:
    text = page(client, sam)

    assert text.count("<svg viewBox=") >= 4
    assert text.count('<figure class="chart') == 4
    assert text.count("<summary>Table</summary>") == 3
    assert 'href="#by-band"' in text
    for words in ("% of judged, by day", "number, by day", "95 % interval"):
        assert words in text


def test_confirmation_over_time_has_blind_beside_it(
    client: Client, workflow: Workflow, champion: ModelVersion, alice: User, sam: User
) -> None:
    then = datetime.now(UTC) - timedelta(minutes=5)
    for number, blind_share in enumerate((0.0, 1.0)):
        set_policy(workflow, now=then, blind_share=blind_share)
        route(workflow, 1, start=number, now=then)
        decide(claim(workflow, alice, now=then), alice, now=then)

    text = page(client, sam)

    block = text.partition('id="confirmation"')[2].partition("</section>")[0]
    drawn = block.partition("<svg")[2].partition("</svg>")[0]
    assert 'class="series-1 dot"' in drawn
    assert 'class="series-2 dot"' in drawn
    assert 'class="series-2 whisker"' in drawn
    assert "</i>recommendation shown</li>" in block
    assert "</i>blind</li>" in block
    assert "No case was blind" not in block


def test_confirmation_without_a_blind_case_says_what_is_missing(
    client: Client, workflow: Workflow, champion: ModelVersion, alice: User, sam: User
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=5)
    open_cases(workflow, 1, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)

    assert "No case was blind in this window" in page(client, sam)


def test_dashboard_and_reliance_say_why_their_differences_differ(
    client: Client, decided: Workflow, sam: User
) -> None:
    assert "first readers alone, as they first judged" in page(client, sam)

    other = client.get("/w/cards/reliance/").content.decode()
    assert "amended judgements as they stand" in other


def test_all_items_are_estimated_by_people_and_by_outcomes(
    client: Client, decided: Workflow, sam: User
) -> None:
    text = " ".join(page(client, sam).split())

    block = text.partition('id="all-items"')[2].partition("</section>")[0]
    assert "routed by v1 in the window, reviewed or not" in block
    assert "n = " in block
    assert 'data-label="By outcomes"' in block
    assert "Assumed: items that nobody has answered yet are like those" in block
    assert "the newest" not in block


def test_no_answer_yet_gives_no_estimate(
    client: Client, workflow: Workflow, champion: ModelVersion, sam: User
) -> None:
    text = page(client, sam)

    assert "Nobody has answered an item that the champion sent to people" in text


def test_page_holds_no_inline_style_or_script(
    client: Client, decided: Workflow, sam: User
) -> None:
    text = page(client, sam)

    assert "style=" not in text
    assert "<style" not in text
    assert re.findall(r"<script(?![^>]* src=)", text) == []


def test_one_label_narrows_confirmation_alone(
    client: Client, decided: Workflow, sam: User
) -> None:
    all_of_it = page(client, sam)
    narrowed = page(client, sam, "?label=fraud&version=1")

    assert "All labels and versions" in narrowed
    assert "All labels and versions" not in all_of_it
    rows = re.findall(r'<th scope="row">(Fraud|Legitimate)</th>', narrowed)
    assert set(rows) <= {"Fraud"}
    assert "recommended_label=fraud" in narrowed
    assert all_of_it.count("sent to people") == narrowed.count("sent to people")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?from=2026-02-30", "Enter a valid date."),
        ("?from=2026-03-02&to=2026-03-01", "The last day is before the first one."),
        ("?from=2024-01-01&to=2026-03-01", "At most 366 days at once."),
        ("?from=1999-12-31", "Between 2000 and 2999."),
        ("?label=nonsense", "Select a valid choice."),
        ("?version=x", "Select a valid choice."),
        ("?days=5", "30 days"),
    ],
)
def test_misspelt_query_is_named_and_the_page_still_answers(
    client: Client, decided: Workflow, sam: User, query: str, words: str
) -> None:
    text = page(client, sam, query)

    assert words in text
    assert "Confirmed when shown" in text


def test_window_is_the_days_asked_for(
    client: Client, decided: Workflow, sam: User
) -> None:
    text = page(client, sam, "?from=2026-01-01&to=2026-03-31&label=fraud")

    assert "1 Jan 2026 to 31 Mar 2026" in text
    assert "No judgement in this window" in text
    assert "?label=fraud&amp;days=90" in text


def test_workflow_without_anything_says_so(
    client: Client, workflow: Workflow, sam: User
) -> None:
    text = page(client, sam)

    assert text.count("No judgement in this window") == 2
    assert text.count("Nothing was routed or decided in this window") == 2
    assert "No outcome has arrived in this window" in text
    assert "All items, by what people saw" not in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("mallory", 404)])
def test_figures_are_for_oversight(
    client: Client,
    workflow: Workflow,
    alice: User,
    mallory: User,
    who: str,
    status: int,
) -> None:
    client.force_login({"alice": alice, "mallory": mallory}[who])

    assert client.get(URL).status_code == status


def test_page_costs_the_same_queries_however_much_there_is(
    client: Client, decided: Workflow, alice: User, sam: User, now: datetime
) -> None:
    page(client, sam)
    with CaptureQueriesContext(connection) as few:
        page(client, sam)
    while (case := maybe_claim(decided, alice, now=now)) is not None:
        decide(case, alice, now=now)
    with CaptureQueriesContext(connection) as many:
        page(client, sam)

    assert len(many) == len(few)


def test_api_answers_the_same_figures(
    client: Client, decided: Workflow, sam: User, now: datetime
) -> None:
    _, key = create_api_key(
        owner=sam,
        scope=decided.scope,
        name="figures",
        verbs=[Permission.METRICS_VIEW],
        actor=None,
        now=now,
    )
    bearer = {"Authorization": f"Bearer {key}"}
    address = "/api/v1/workflows/cards/metrics"

    found = client.get(address, headers=bearer).json()
    shown = found["confirmation"]["total"]["shown"]
    text = page(client, sam)

    assert f"n = {shown['n']}, 95 % interval" in text
    everything = found["all_items"]
    assert everything["by_people"]["accuracy"]["n"] > 0
    assert everything["shown"]["share"] == pytest.approx(shown["k"] / shown["n"])
    assert found["since"].endswith("T00:00:00Z")
    long = {"since": "2024-01-01", "until": "2026-01-01"}
    refused = client.get(address, long, headers=bearer)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["rule"] == "window_too_long"
    far = client.get(address, {"until": "0001-01-02"}, headers=bearer)
    assert far.status_code == 422


@pytest.mark.parametrize(
    ("seconds", "is_missed"), [(5, False), (200, True)], ids=["alive", "silent"]
)
def test_silence_of_the_workers_is_marked(
    client: Client,
    workflow: Workflow,
    sam: User,
    settings: Settings,
    tmp_path: Path,
    now: datetime,
    *,
    seconds: int,
    is_missed: bool,
) -> None:
    own = {**settings.CACHES["default"], "KEY_PREFIX": str(tmp_path)}
    settings.CACHES = {"default": own}
    leave_sign(now=now - timedelta(seconds=seconds))

    text = page(client, sam)

    assert (">no worker</span>" in text) is is_missed
    assert "last sign of a worker" in text
    assert ">unknown</td>" not in text
