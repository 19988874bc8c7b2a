"""The feed of labels: nothing is missed, and what is masked stays so."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from accounts.services import grant_role
from predictions.jobs import Clock
from predictions.models import Workflow
from predictions.services import model_health
from reviewqueue.api import decisions
from reviewqueue.services import outcomes
from reviewqueue.services.decisions import record_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.notes import MISSED, NOTE, make_notes, make_notes_champion, note
from tests.factories.predictions import make_items, set_policy, store
from tests.reviewqueue.services.steps import claim, token

pytestmark = pytest.mark.django_db
CHANGES = {
    "[costs]\n": '[[fields]]\nname = "told"\ntitle = "Who told"\ntype = "text"\n'
    "required = false\n\n[costs]\n"
}


def test_who_follows_the_feed_misses_no_part_of_a_long_list_of_late_truth(
    client: Client, workflow: Workflow, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=10)
    make_items(workflow, 3, now=begun)
    grant_role(
        user=alice, scope=workflow.scope, role=Role.AUDITOR, actor=None, now=begun
    )
    key = ApiKeyFactory.create(
        owner=alice, scope=workflow.scope, verbs=["decisions.view"]
    )
    minutes = iter(range(1, 9))
    pages: list[dict[str, Any]] = []

    def clock() -> datetime:
        """Before the second part others have their say, and the feed is read."""
        minute = next(minutes)
        if minute == 2:
            tell("tx-2", at=begun + timedelta(minutes=1, seconds=30))
            read()
        return begun + timedelta(minutes=minute)

    def read() -> None:
        cursor = {"cursor": pages[-1]["next"]} if pages else {}
        address = f"/api/v1/workflows/{workflow.slug}/decisions"
        pages.append(client.get(address, cursor, headers=bearer(key)).json())

    def tell(*names: str, at: datetime, clock: Clock | None = None) -> None:
        rows = [OutcomeRow(name, "fraud", begun) for name in names]
        record_outcomes(workflow=workflow, rows=rows, by=None, now=at, clock=clock)

    monkeypatch.setattr(outcomes, "ROWS_PER_TRANSACTION", 1)
    tell("tx-0", "tx-1", at=begun + timedelta(minutes=1), clock=clock)
    read()

    told = [one["external_id"] for page in pages for one in page["results"]]
    assert told == ["tx-0", "tx-2", "tx-1"]


@pytest.mark.django_db(transaction=True)
def test_feed_waits_for_a_writer_that_takes_longer_than_it_stays_behind(
    client: Client, workflow: Workflow, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEED_LAG", timedelta(seconds=0.2))
    begun = datetime.now(UTC) - timedelta(minutes=10)
    make_items(workflow, 2, now=begun)
    grant_role(
        user=alice, scope=workflow.scope, role=Role.AUDITOR, actor=None, now=begun
    )
    key = ApiKeyFactory.create(
        owner=alice, scope=workflow.scope, verbs=["decisions.view"]
    )
    written, may_commit = Event(), Event()

    def tell(name: str) -> None:
        rows = [OutcomeRow(name, "fraud", begun)]
        record_outcomes(workflow=workflow, rows=rows, by=None, now=timezone.now())

    def slowly() -> None:
        try:
            with transaction.atomic():
                tell("tx-0")
                written.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    def read(cursor: str) -> tuple[list[str], str]:
        address = f"/api/v1/workflows/{workflow.slug}/decisions"
        asked = {"cursor": cursor} if cursor else {}
        page = client.get(address, asked, headers=bearer(key)).json()
        return [one["external_id"] for one in page["results"]], page["next"] or ""

    writer = Thread(target=slowly)
    writer.start()
    try:
        assert written.wait(30)
        tell("tx-1")
        time.sleep(0.4)
        first, cursor = read("")
    finally:
        may_commit.set()
        writer.join()
    time.sleep(0.4)
    second, _ = read(cursor)

    assert first + second == ["tx-0", "tx-1"]


def test_words_masked_in_an_item_are_masked_in_what_was_typed_about_it(
    client: Client, alice: User
) -> None:
    model_health.forget_all()
    now = datetime.now(UTC) - timedelta(minutes=1)
    workflow = make_notes(now=now, changes=CHANGES)
    for role in (Role.REVIEWER, Role.AUDITOR):
        grant_role(user=alice, scope=workflow.scope, role=role, actor=None, now=now)
    set_policy(workflow, now=now, mode="all", blind_share=0, second_opinion_share=0)
    make_notes_champion(workflow, now=now)
    store(workflow, [note(0, now=now)], now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    case = claim(workflow, alice, now=now)
    start = NOTE.index(MISSED)
    marked = {"start": start, "end": start + len(MISSED), "class": "person"}
    said = {"personal": [marked], "told": f"kovacs, then {MISSED.upper()}"}
    record_decision(
        case_id=case.pk,
        reviewer=alice,
        lease_token=token(case),
        judgement=Judgement(label=case.route.label, fields=said),
        now=now,
    )
    key = ApiKeyFactory.create(
        owner=alice, scope=workflow.scope, verbs=["decisions.view", "items.view"]
    )

    def told(path: str) -> str:
        address = f"/api/v1/workflows/case-notes/{path}"
        answer = client.get(address, headers=bearer(key))
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    for path in ("items/note-0", "decisions"):
        assert '"told":"•' in told(path).replace(": ", ":")
        assert "kovacs" not in told(path)
        assert MISSED.upper() not in told(path)
