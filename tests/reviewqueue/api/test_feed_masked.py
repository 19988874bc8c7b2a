"""What people type into fields is masked in the feed as on the item's page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from accounts.services import grant_role
from predictions.services import model_health
from reviewqueue.services.decisions import record_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.notes import MISSED, NOTE, make_notes, make_notes_champion, note
from tests.factories.predictions import set_policy, store
from tests.reviewqueue.services.steps import claim, token

pytestmark = pytest.mark.django_db
CHANGES = {
    "[costs]\n": '[[fields]]\nname = "told"\ntitle = "Who told"\ntype = "text"\n'
    "required = false\n\n[costs]\n"
}


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
