"""What a workflow masks from now on is masked in snapshots of before, too."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from predictions.services import model_health
from predictions.services.workflows import declare_workflow
from tests.factories.notes import NOTE, SLUG, make_notes
from tests.factories.predictions import set_policy
from tests.factories.shipped import shipped_text
from tests.reviewqueue.case_notes.steps import SECRETS, arrive, decided
from tests.reviewqueue.services.snapshot_steps import built, bytes_of
from tests.reviewqueue.services.steps import claim

pytestmark = pytest.mark.django_db


def test_snapshot_of_a_moment_before_the_mask_is_masked_as_today(alice: User) -> None:
    now = datetime.now(UTC) - timedelta(hours=3)
    model_health.forget_all()
    text = shipped_text(SLUG)
    begin, end = text.index("[[fields]]"), text.index("[costs]")
    mask = text[text.index("mask = ") :].partition("\n")[0] + "\n"
    assert mask.count('"') == 12
    workflow = make_notes(now=now, changes={text[begin:end]: "", mask: ""})
    set_policy(workflow, now=now, mode="all", blind_share=0, second_opinion_share=0)
    arrive(workflow, NOTE, now=now)
    case = claim(workflow, alice, now=now)
    decided(case, alice, now=now, label=workflow.declaration.label_keys[0])
    then = now + timedelta(hours=1)
    before = built(workflow, now=then, as_of=then)
    assert NOTE.encode() in bytes_of(before)["jsonl"]

    later = then + timedelta(hours=1)
    workflow, _ = declare_workflow(source_toml=text, by=None, now=later)
    written = bytes_of(built(workflow, now=later, as_of=then))

    for secret in SECRETS:
        assert secret.encode() not in written["jsonl"] + written["csv"]
    assert len(json.loads(written["jsonl"])["features"]["note"]) == len(NOTE)
